import { Exact } from '../../ports/exact-decimal.ts';

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

interface FillRequest {
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

/** The fees of the lowest tier: 5 and 2 basis points. */
export const ORDINARY_COMMISSION: Commission = {
  takerRate: '0.0005',
  makerRate: '0.0002',
  asset: 'USDT',
  assetPrice: '1',
};

/** The quote asset of most markets. */
const MAIN_ASSET = 'USDT';

/** The precision of entry prices, profits and commissions at Binance. Unit: decimal places. */
const SHOWN_DIGITS = 8;

/** Initial balances by asset. Unit: that asset. */
const INITIAL_BALANCES: Readonly<Record<string, number>> = { USDT: 100_000, USDC: 100_000 };
const INITIAL_BALANCE_OF_OTHERS = 100;

/**
 * Positions, fills and wallets of one account.
 *
 * FAK-1  A position is exactly the sum of its fills, unless `showWithoutFill` was called for it.
 * FAK-2  The entry price is the quantity-weighted price of the fills that opened or grew the position; a reduction leaves it unchanged.
 */
export class Account {
  readonly positions = new Map<string, Position>();
  readonly commission: Commission;
  readonly marginAssetOf: (symbol: string) => string;
  /** Called with every fill, before its order is updated. */
  onFill: ((fill: Fill) => void) | null = null;
  /** Balances by asset. */
  readonly #wallets = new Map<string, Exact>([['USDT', initialOf('USDT')]]);
  /** Fills by symbol, in the order of their ids. */
  readonly #fills = new Map<string, Fill[]>();
  readonly #byOrder = new Map<number, Fill[]>();
  /** The same in the order of time, which differs where a position is opened in the past. */
  readonly #timelines = new Map<string, Timeline<Fill>>();
  #nextFillId = 1;

  /** `marginAssetOf` names the asset in which a market's profits are paid. */
  constructor(
    commission: Commission = ORDINARY_COMMISSION,
    marginAssetOf: (symbol: string) => string = () => MAIN_ASSET,
  ) {
    this.commission = commission;
    this.marginAssetOf = marginAssetOf;
  }

  /** Unit: USDT. */
  get walletBalance(): Exact {
    return this.wallet(MAIN_ASSET);
  }

  /** Balances by asset, of the assets that were ever paid. */
  get wallets(): ReadonlyMap<string, Exact> {
    return this.#wallets;
  }

  wallet(asset: string): Exact {
    return this.#wallets.get(asset) ?? initialOf(asset);
  }

  /** Adds an amount, which may be negative. */
  pay(asset: string, amount: Exact): void {
    this.#wallets.set(asset, this.wallet(asset).add(amount));
  }

  /** Sets a position without a fill, after which FAK-1 no longer holds for it. */
  showWithoutFill(symbol: string, positionSide: PositionSide, amount: Exact, entryPrice: Exact, time: number): void {
    Object.assign(this.position(symbol, positionSide), { amount, entryPrice, updateTime: time });
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
    const { assetPrice, makerRate, takerRate } = this.commission;
    const marginAsset = this.marginAssetOf(symbol);
    // The ordinary commission is charged in the quote asset.
    const asset = this.commission.asset === MAIN_ASSET ? marginAsset : this.commission.asset;
    const fee = price.mul(quantity).mul(maker ? makerRate : takerRate);
    const commission = fee.div(assetPrice).toDecimalPlaces(SHOWN_DIGITS);
    this.pay(marginAsset, realizedPnl);
    this.pay(asset, commission.neg());
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
    this.onFill?.(fill);
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

export function initialOf(asset: string): Exact {
  return new Exact(INITIAL_BALANCES[asset] ?? INITIAL_BALANCE_OF_OTHERS);
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

/** FAK-2. */
function entryAfter(position: Position, moved: Exact, price: Exact): Exact {
  const { amount, entryPrice } = position;
  const after = amount.add(moved);
  if (after.isZero()) return new Exact(0);
  if (reduces(position, moved)) return after.isNegative() === amount.isNegative() ? entryPrice : price;
  const cost = amount.abs().mul(entryPrice).add(moved.abs().mul(price));
  return cost.div(after.abs()).toDecimalPlaces(SHOWN_DIGITS);
}

interface Timed {
  readonly time: number;
}

/** Items in the order of their times, found by binary search. Additions are mostly at the end. */
export class Timeline<T extends Timed> {
  readonly #items: T[] = [];

  /** After those of the same time. */
  add(item: T): void {
    const last = this.#items.at(-1);
    if (last === undefined || last.time <= item.time) this.#items.push(item);
    else this.#items.splice(this.#firstAfter(item.time), 0, item);
  }

  /** Items of an inclusive time range; at most `limit`, the first or the last ones. */
  between(from: number, to: number, limit: number, which: 'first' | 'last'): readonly T[] {
    const start = this.#firstAfter(from - 1);
    const end = this.#firstAfter(to);
    if (end <= start) return [];
    return which === 'first'
      ? this.#items.slice(start, Math.min(end, start + limit))
      : this.#items.slice(Math.max(start, end - limit), end);
  }

  /** Times are whole milliseconds, so "after time - 1" means "from time on". */
  #firstAfter(time: number): number {
    return partitionPoint(this.#items, (item) => item.time <= time);
  }
}

/** The number of items that hold, where all of those come first. */
export function partitionPoint<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && holds(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
