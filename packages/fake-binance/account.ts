import { Exact } from '../../ports/exact-decimal.ts';
import { Timeline, partitionPoint } from './timeline.ts';

export type PositionSide = 'BOTH' | 'LONG' | 'SHORT';
export type Direction = 'BUY' | 'SELL';

export interface Position {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  /** Negative is short. */
  amount: Exact;
  entryPrice: Exact;
  updateTime: number;
  /** Profits taken less commissions paid since it was flat. Unit: quote currency. */
  net: Exact;
}

export interface FillRequest {
  readonly orderId: number;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly price: Exact;
  readonly quantity: Exact;
  readonly maker?: boolean;
  readonly time: number;
}

export interface Fill extends FillRequest {
  readonly id: number;
  readonly maker: boolean;
  readonly commission: Exact;
  readonly commissionAsset: string;
  readonly realizedPnl: Exact;
}

/** What fills cost. */
export interface Commission {
  /** Unit: fraction of notional. */
  readonly takerRate: string;
  readonly makerRate: string;
  readonly asset: string;
  /** What one of the asset is worth; 1 where it is the quote currency. Unit: quote currency. */
  readonly assetPrice: string;
}

/** An account of the lowest tier: 5 and 2 basis points. */
export const ORDINARY_COMMISSION: Commission = {
  takerRate: '0.0005',
  makerRate: '0.0002',
  asset: 'USDT',
  assetPrice: '1',
};

/** As many as Binance shows of an entry price, a profit and a commission. Unit: decimal places. */
const SHOWN_DIGITS = 8;

/** What the account starts with. Unit: quote currency. */
const INITIAL_BALANCE = 100_000;

/**
 * Positions and fills of one account.
 *
 * B1  A position is the sum of its fills, exactly, always.
 * B2  The entry price is quantity-weighted over what opened or grew the position; a reduction leaves it.
 */
export class Account {
  readonly positions = new Map<string, Position>();
  readonly commission: Commission;
  /** Unit: quote currency. */
  walletBalance = new Exact(INITIAL_BALANCE);
  /** Symbol -> its fills, in the order of their ids. */
  readonly #fills = new Map<string, Fill[]>();
  readonly #byOrder = new Map<number, Fill[]>();
  /** The same by time: a position may be opened in the past. */
  readonly #timelines = new Map<string, Timeline<Fill>>();
  #nextFillId = 1;

  constructor(commission: Commission = ORDINARY_COMMISSION) {
    this.commission = commission;
  }

  position(symbol: string, positionSide: PositionSide): Position {
    const key = `${symbol}:${positionSide}`;
    let position = this.positions.get(key);
    if (position === undefined) {
      const [amount, entryPrice, net] = [new Exact(0), new Exact(0), new Exact(0)];
      position = { symbol, positionSide, amount, entryPrice, net, updateTime: 0 };
      this.positions.set(key, position);
    }
    return position;
  }

  /** How much an order of that direction can close. */
  reducible(symbol: string, positionSide: PositionSide, side: Direction): Exact {
    const amount = this.positions.get(`${symbol}:${positionSide}`)?.amount ?? new Exact(0);
    return Exact.max(0, side === 'SELL' ? amount : amount.neg());
  }

  /** In the order of their ids. */
  fillsOf(symbol: string): readonly Fill[] {
    return this.#fills.get(symbol) ?? [];
  }

  fillsOfOrder(orderId: number): readonly Fill[] {
    return this.#byOrder.get(orderId) ?? [];
  }

  fillsFromId(symbol: string, id: number, limit: number): readonly Fill[] {
    const fills = this.fillsOf(symbol);
    const start = partitionPoint(fills, (fill) => fill.id < id);
    return fills.slice(start, start + limit);
  }

  /** Oldest first. */
  fillsBetween(symbol: string, from: number, to: number, limit: number, which: 'first' | 'last'): readonly Fill[] {
    return this.#timelines.get(symbol)?.between(from, to, limit, which) ?? [];
  }

  allFills(): readonly Fill[] {
    return [...this.#fills.values()].flat();
  }

  book(request: FillRequest): Fill {
    const { symbol, side, positionSide, price, quantity, maker = false } = request;
    const position = this.position(symbol, positionSide);
    const moved = side === 'BUY' ? quantity : quantity.neg();
    const realizedPnl = realizedOf(position, moved, price);
    position.entryPrice = entryAfter(position, moved, price);
    position.amount = position.amount.add(moved);
    position.updateTime = request.time;
    const { asset, assetPrice, makerRate, takerRate } = this.commission;
    const fee = price.mul(quantity).mul(maker ? makerRate : takerRate);
    const commission = fee.div(assetPrice).toDecimalPlaces(SHOWN_DIGITS);
    this.walletBalance = this.walletBalance.add(realizedPnl).sub(asset === 'USDT' ? commission : 0);
    position.net = position.amount.isZero() ? new Exact(0) : position.net.add(realizedPnl).sub(fee);
    const fill: Fill = {
      ...request,
      maker,
      id: this.#nextFillId++,
      commission,
      commissionAsset: asset,
      realizedPnl,
    };
    this.#keep(fill);
    return fill;
  }

  #keep(fill: Fill): void {
    const { symbol, orderId } = fill;
    listIn(this.#fills, symbol).push(fill);
    listIn(this.#byOrder, orderId).push(fill);
    let timeline = this.#timelines.get(symbol);
    if (timeline === undefined) this.#timelines.set(symbol, (timeline = new Timeline()));
    timeline.add(fill);
  }
}

function listIn<K, T>(lists: Map<K, T[]>, key: K): T[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}

function reduces({ amount }: Position, moved: Exact): boolean {
  return !amount.isZero() && amount.isNegative() !== moved.isNegative();
}

function realizedOf(position: Position, moved: Exact, price: Exact): Exact {
  if (!reduces(position, moved)) return new Exact(0);
  const closed = Exact.min(moved.abs(), position.amount.abs());
  const gain = price.sub(position.entryPrice).mul(closed);
  return (position.amount.isNegative() ? gain.neg() : gain).toDecimalPlaces(SHOWN_DIGITS);
}

/** B2. */
function entryAfter(position: Position, moved: Exact, price: Exact): Exact {
  const { amount, entryPrice } = position;
  const after = amount.add(moved);
  if (after.isZero()) return new Exact(0);
  if (reduces(position, moved)) return after.isNegative() === amount.isNegative() ? entryPrice : price;
  const cost = amount.abs().mul(entryPrice).add(moved.abs().mul(price));
  return cost.div(after.abs()).toDecimalPlaces(SHOWN_DIGITS);
}
