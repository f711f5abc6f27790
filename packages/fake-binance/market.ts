import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Direction } from './account.ts';
import { BinanceError } from './binance-error.ts';
import type { OrderRequest } from './order.ts';

/** A market and its filters. Decimal texts; quantities in contracts, prices in quote currency. */
export interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  /** What prices are in, and what margin, profit and funding are paid in. */
  readonly quoteAsset: string;
  /** `PERPETUAL`, or what Binance calls a contract that is delivered: `CURRENT_QUARTER`, `NEXT_QUARTER` and their like. */
  readonly contractType: string;
  /** When it is delivered. Unit: milliseconds since 1970. */
  readonly deliveryDate: number;
  /** Prices of orders are whole multiples of it. */
  readonly tick: string;
  readonly lotStep: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  /** The same for market orders. */
  readonly marketMaxQuantity: string;
  readonly minNotional: string;
  /** `TRADING`, or another word of Binance's (`PENDING_TRADING`, `SETTLING`, `CLOSE`): then orders are refused. */
  readonly status: string;
}

/** A market as it is configured; `marketOf` fills in what is left out. */
export interface MarketSpec extends Partial<Market> {
  readonly symbol: string;
  /** The order book; left out: any quantity at the mark price. */
  readonly book?: BookSpec;
  /** The mark price. */
  readonly price: string;
}

/** Binance's delivery date of perpetual contracts: Christmas 2100. */
const NEVER_DELIVERED = 4_133_404_800_000;

/** Dated contracts end in their day of delivery: `BTCUSDT_261225`. */
const SYMBOL = /^(?<base>.+?)(?<quote>USDT|USDC)(?:_(?<day>\d{6}))?$/u;

/** Deliveries are at 08:00 UTC. Unit: hours. */
const DELIVERY_HOUR = 8;

/** A market with defaults; base, quote and delivery are taken from its symbol. */
export function marketOf(market: Omit<MarketSpec, 'price' | 'book'>): Market {
  const { base = market.symbol, quote = 'USDT', day } = SYMBOL.exec(market.symbol)?.groups ?? {};
  return {
    baseAsset: base,
    quoteAsset: quote,
    contractType: day === undefined ? 'PERPETUAL' : 'CURRENT_QUARTER',
    deliveryDate: day === undefined ? NEVER_DELIVERED : deliveryOn(day),
    tick: '0.01',
    lotStep: '0.001',
    minQuantity: market.lotStep ?? '0.001',
    maxQuantity: '1000000000',
    marketMaxQuantity: '1000000000',
    minNotional: '5',
    status: 'TRADING',
    ...market,
  };
}

function deliveryOn(day: string): number {
  const [year, month, date] = [0, 2, 4].map((start) => Number(day.slice(start, start + 2)));
  return Date.UTC(2000 + (year ?? 0), (month ?? 1) - 1, date, DELIVERY_HOUR);
}

/** A generated book around the mark price. MADE_UP has the defaults. */
interface MadeUpBook {
  /** Between the best bid and the best ask. Unit: ticks. */
  readonly spreadTicks?: number | undefined;
  /** Unit: levels of each side. */
  readonly depth?: number | undefined;
  /** Between two levels. Unit: ticks. */
  readonly stepTicks?: number | undefined;
  /** The average size of a level; sizes range from half of it to one and a half. Unit: contracts. */
  readonly size: string;
  /** The time after which what was taken of a level is offered again. Unit: milliseconds. */
  readonly refillMs?: number | undefined;
  /** The seed of the sizes. */
  readonly seed?: number | undefined;
}

const MADE_UP = { spreadTicks: 2, depth: 20, stepTicks: 1, refillMs: 1000, seed: 1 };

/** A book of fixed levels, best first: price and contracts. They are not refilled. */
interface GivenBook {
  readonly bids: readonly (readonly [price: string, quantity: string])[];
  readonly asks: readonly (readonly [price: string, quantity: string])[];
}

export type BookSpec = MadeUpBook | GivenBook;

export interface Level {
  /** 0 is the best. */
  readonly index: number;
  readonly price: Exact;
  readonly quantity: Exact;
}

interface Taken {
  readonly quantity: Exact;
  readonly at: number;
}

/** The order book of one market. A generated book moves with the mark price, and what was taken of its levels moves along. */
export class OrderBook {
  readonly #spec: BookSpec;
  readonly #market: { readonly symbol: string; readonly tick: string; readonly lotStep: string };
  readonly #taken = new Map<string, Taken[]>();

  constructor(spec: BookSpec, market: { readonly symbol: string; readonly tick: string; readonly lotStep: string }) {
    this.#spec = spec;
    this.#market = market;
  }

  /** The levels that an order of that direction meets, best first. */
  against(direction: Direction, mark: Exact, now: number): readonly Level[] {
    const levels = 'bids' in this.#spec ? given(this.#spec, direction) : this.#madeUp(this.#spec, direction, mark);
    return levels.flatMap(({ index, price, quantity }) => {
      const left = quantity.sub(this.#takenOf(direction, index, now));
      return left.gt(0) ? [{ index, price, quantity: left }] : [];
    });
  }

  take(direction: Direction, index: number, quantity: Exact, now: number): void {
    const key = `${direction} ${index}`;
    this.#taken.set(key, [...(this.#taken.get(key) ?? []), { quantity, at: now }]);
  }

  #takenOf(direction: Direction, index: number, now: number): Exact {
    const since = 'bids' in this.#spec ? -Infinity : now - (this.#spec.refillMs ?? MADE_UP.refillMs);
    const taken = (this.#taken.get(`${direction} ${index}`) ?? []).filter(({ at }) => at > since);
    return Exact.sum(0, ...taken.map(({ quantity }) => quantity));
  }

  #madeUp(spec: MadeUpBook, direction: Direction, mark: Exact): readonly Level[] {
    const { spreadTicks, depth, stepTicks, seed } = withDefaults(spec);
    const { symbol, tick, lotStep } = this.#market;
    const buys = direction === 'BUY';
    const half = new Exact(tick).mul(spreadTicks).div(2);
    const ticks = (buys ? mark.add(half) : mark.sub(half)).div(tick);
    const best = buys ? ticks.ceil() : ticks.floor();
    const sizes = new SeededRandom(seed).stream('book', symbol, direction);
    return Array.from({ length: depth }, (_, index): Level => {
      const size = new Exact(spec.size)
        .mul(0.5 + sizes.uniform())
        .div(lotStep)
        .floor();
      const price = best.add(index * stepTicks * (buys ? 1 : -1)).mul(tick);
      return { index, price, quantity: Exact.max(1, size).mul(lotStep) };
    }).filter(({ price }) => price.gt(0));
  }
}

function given({ bids, asks }: GivenBook, direction: Direction): readonly Level[] {
  const side = direction === 'BUY' ? asks : bids;
  return side.map(([price, quantity], index) => ({ index, price: new Exact(price), quantity: new Exact(quantity) }));
}

function withDefaults(spec: MadeUpBook) {
  const { spreadTicks = MADE_UP.spreadTicks, depth = MADE_UP.depth, stepTicks = MADE_UP.stepTicks } = spec;
  return { spreadTicks, depth, stepTicks, seed: spec.seed ?? MADE_UP.seed };
}

/** PERCENT_PRICE of every market: the bounds of an order's price. Unit: factor of the mark price. */
export const PRICE_CAP = '1.05';
export const PRICE_FLOOR = '0.95';

/** MAX_NUM_ORDERS of every market. Unit: open orders. */
export const MOST_OPEN_ORDERS = 200;

const CLIENT_ID = /^[.A-Z:/a-z0-9_-]{1,36}$/;

const DECIMAL = /^\d+(\.\d+)?$/;
const DECIMAL_RANGE = '^([0-9]{1,20})(\\.[0-9]{1,20})?$';

export function vetClientId(clientId: string): void {
  if (!CLIENT_ID.test(clientId)) throw new BinanceError('-4015');
}

/** LOT_SIZE, or MARKET_LOT_SIZE for a market order. */
export function vetQuantity({ quantity: text, type }: Pick<OrderRequest, 'quantity' | 'type'>, market: Market): Exact {
  const quantity = decimalOf(text, 'quantity');
  if (quantity.lte(0)) throw new BinanceError('-4003');
  if (!quantity.mod(market.lotStep).isZero()) throw new BinanceError('-1111');
  if (quantity.lt(market.minQuantity)) throw new BinanceError('-4004');
  if (quantity.gt(type === 'MARKET' ? market.marketMaxQuantity : market.maxQuantity)) throw new BinanceError('-4005');
  return quantity;
}

/** PRICE_FILTER and PERCENT_PRICE. */
export function vetPrice(
  { price: text, side }: Pick<OrderRequest, 'price' | 'side'>,
  market: Market,
  mark: Exact,
): Exact {
  const price = decimalOf(text ?? '', 'price');
  vetTick(price, market);
  if (side === 'BUY' && price.gt(mark.mul(PRICE_CAP))) throw new BinanceError('-4016');
  if (side === 'SELL' && price.lt(mark.mul(PRICE_FLOOR))) throw new BinanceError('-4024');
  return price;
}

/** PERCENT_PRICE of a market order, applied to the best price of the other side. */
export function vetBestPrice(side: Direction, best: Exact, mark: Exact): void {
  const isFar = side === 'BUY' ? best.gt(mark.mul(PRICE_CAP)) : best.lt(mark.mul(PRICE_FLOOR));
  if (isFar) throw new BinanceError('-4131');
}

export function vetTriggerPrice(text: string, market: Market): void {
  vetTick(decimalOf(text, 'triggerPrice'), market);
}

/** MIN_NOTIONAL, which does not apply to reduce-only orders. */
export function vetNotional(notional: Exact, { minNotional }: Market): void {
  if (notional.lt(minNotional)) throw new BinanceError('-4164', minNotional);
}

function vetTick(price: Exact, { tick }: Market): void {
  if (price.decimalPlaces() > new Exact(tick).decimalPlaces()) throw new BinanceError('-1111');
  if (price.lte(0) || !price.mod(tick).isZero()) throw new BinanceError('-4014');
}

function decimalOf(text: string, name: string): Exact {
  if (text === '') throw new BinanceError('-1102', name);
  if (!DECIMAL.test(text)) throw new BinanceError('-1100', [name, DECIMAL_RANGE]);
  return new Exact(text);
}
