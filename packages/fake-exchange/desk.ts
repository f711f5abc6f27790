import type { Clock } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Market, MarketSpec } from './market.ts';

/**
 * Markets and one account of a futures exchange, independent of any exchange's protocol; packages/fake-bybit and packages/fake-okx build on it.
 * Quantities are in the exchange's contracts.
 *
 * FAK-3  A position is exactly the sum of its fills.
 * FAK-4  The entry price is the quantity-weighted price of the fills that opened or grew the position; a reduction leaves it unchanged.
 */

export type Side = 'LONG' | 'SHORT';
export type Direction = 'BUY' | 'SELL';
/** Which position an order belongs to: the net one, or a side in hedge mode. */
export type Slot = 'NET' | Side;

/** Who made an order: the client, a person, or the exchange itself. */
export type Hand = 'client' | 'web' | 'stop' | 'target' | 'liquidation' | 'adl' | 'settlement';

export interface Order {
  readonly id: string;
  readonly clientId: string;
  readonly symbol: string;
  readonly direction: Direction;
  readonly slot: Slot;
  readonly type: 'market' | 'limit';
  readonly timeInForce: 'GTC' | 'IOC' | 'FOK' | 'POST_ONLY';
  readonly quantity: Exact;
  /** Null: at market. */
  readonly price: Exact | null;
  readonly reduceOnly: boolean;
  readonly hand: Hand;
  readonly createdAt: number;
  status: 'open' | 'filled' | 'cancelled';
  filled: Exact;
  value: Exact;
  fee: Exact;
  updatedAt: number;
}

export interface Fill {
  /** A running number. */
  readonly seq: number;
  readonly order: Order;
  readonly price: Exact;
  readonly quantity: Exact;
  /** The part of the quantity that reduced a position. */
  readonly closed: Exact;
  /** Unit: quote currency; a cost is positive. */
  readonly fee: Exact;
  readonly at: number;
}

export interface Stop {
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly kind: 'stop' | 'target';
  readonly triggerPrice: Exact;
  readonly createdAt: number;
  isOpen: boolean;
}

export interface Position {
  readonly symbol: string;
  readonly slot: Slot;
  /** Negative is short. */
  amount: Exact;
  entryPrice: Exact;
  openedAt: number;
  updatedAt: number;
}

export type OrderRequest = Pick<
  Order,
  'clientId' | 'symbol' | 'direction' | 'slot' | 'type' | 'timeInForce' | 'quantity' | 'price' | 'reduceOnly'
>;

interface DeskOptions {
  readonly clock: Clock;
  readonly hedge: boolean;
  /** The number of fills of a market order, each one tick worse. */
  readonly fills: number;
  /** Unit: fraction of notional. */
  readonly feeRate: string;
}

/** The precision of entry prices and fees. Unit: decimal places. */
const SHOWN_DIGITS = 8;

/** The only supported interval of candles. Unit: milliseconds. */
const CANDLE_MS = 5 * 60 * 1000;

export class Desk {
  readonly options: DeskOptions;
  readonly markets = new Map<string, Market>();
  readonly marks = new Map<string, Exact>();
  readonly positions = new Map<string, Position>();
  readonly orders: Order[] = [];
  readonly fills: Fill[] = [];
  readonly stops: Stop[] = [];
  #ids = 1_000_000;

  constructor(options: DeskOptions) {
    this.options = options;
  }

  now(): number {
    return this.options.clock.now();
  }

  /** Adds a market, or replaces it. */
  setMarket({ price, ...given }: MarketSpec): void {
    this.markets.set(given.symbol, {
      quote: 'USDT',
      tick: '0.01',
      lotStep: '0.001',
      minQuantity: given.lotStep ?? '0.001',
      maxQuantity: '1000000000',
      marketMaxQuantity: '1000000000',
      minNotional: '0',
      contractSize: '1',
      isTrading: true,
      deliversAt: null,
      ...given,
    });
    this.setMark(given.symbol, price);
  }

  /** Sets a mark price, fills the limit orders and triggers the stops that it reaches. */
  setMark(symbol: string, price: string): void {
    const mark = new Exact(price);
    this.marks.set(symbol, mark);
    for (const order of this.orders) {
      if (order.symbol === symbol && order.status === 'open' && this.#crosses(order)) this.#fillAt(order, mark);
    }
    for (const stop of this.stops) if (stop.symbol === symbol && stop.isOpen && reached(stop, mark)) this.trigger(stop);
  }

  mark(symbol: string): Exact {
    return this.marks.get(symbol) ?? new Exact(0);
  }

  position(symbol: string, slot: Slot): Position {
    const key = `${symbol}:${slot}`;
    let position = this.positions.get(key);
    if (position === undefined) {
      const [amount, entryPrice] = [new Exact(0), new Exact(0)];
      position = { symbol, slot, amount, entryPrice, openedAt: 0, updatedAt: 0 };
      this.positions.set(key, position);
    }
    return position;
  }

  /** How much an order of that direction can close. */
  reducible(symbol: string, slot: Slot, direction: Direction): Exact {
    const { amount } = this.position(symbol, slot);
    return Exact.max(0, direction === 'SELL' ? amount : amount.neg());
  }

  open({
    symbol,
    side,
    quantity,
    price,
    at = this.now(),
  }: {
    readonly symbol: string;
    readonly side: Side;
    readonly quantity: string;
    readonly price?: string;
    readonly at?: number;
  }): Order {
    const order = this.#newOrder(this.#byHand(symbol, side === 'LONG' ? 'BUY' : 'SELL', side, quantity), 'web', at);
    this.#fill(order, order.quantity, price === undefined ? this.mark(symbol) : new Exact(price), at);
    return order;
  }

  /** Closes a position or a part of it, not by the client. Null where it is flat. */
  close(symbol: string, side: Side, hand: Hand = 'web', quantity?: string): Order | null {
    const direction = side === 'LONG' ? 'SELL' : 'BUY';
    const open = this.reducible(symbol, this.#slot(side), direction);
    if (open.isZero()) return null;
    const request = { ...this.#byHand(symbol, direction, side, quantity ?? open.toFixed()), reduceOnly: true };
    const order = this.#newOrder(request, hand, this.now());
    this.#fill(order, order.quantity, this.mark(symbol), this.now());
    return order;
  }

  placeStop(given: Pick<Stop, 'symbol' | 'side' | 'kind'> & { readonly triggerPrice: string }): Stop {
    const triggerPrice = new Exact(given.triggerPrice);
    const stop: Stop = { ...given, triggerPrice, id: this.#newId(), createdAt: this.now(), isOpen: true };
    this.stops.push(stop);
    return stop;
  }

  trigger(stop: Stop): Order | null {
    stop.isOpen = false;
    return this.close(stop.symbol, stop.side, stop.kind);
  }

  /** Takes a validated order of the client. */
  submit(request: OrderRequest): Order {
    const order = this.#newOrder(request, 'client', this.now());
    if (order.type === 'market') this.#sweep(order);
    else if (this.#crosses(order)) {
      // A post-only order that would take is accepted and cancelled at once.
      if (order.timeInForce === 'POST_ONLY') this.#end(order, 'cancelled');
      else this.#sweep(order);
    } else if (order.timeInForce === 'IOC' || order.timeInForce === 'FOK') this.#end(order, 'cancelled');
    return order;
  }

  cancel(order: Order): void {
    this.#end(order, 'cancelled');
  }

  /** Newest first. */
  fillsOf(symbol: string, from: number, to: number): readonly Fill[] {
    return this.fills
      .filter(({ order, at }) => order.symbol === symbol && at >= from && at <= to)
      .toSorted((one, other) => other.at - one.at || other.seq - one.seq);
  }

  /** Flat five-minute candles at the mark price, newest first, as `[openTime, price]`. The newest is still forming. */
  candles(symbol: string, count: number): readonly (readonly [number, string])[] {
    const newest = Math.floor(this.now() / CANDLE_MS);
    const price = this.mark(symbol).toFixed();
    return Array.from({ length: count }, (_, index) => [(newest - index) * CANDLE_MS, price] as const);
  }

  #byHand(symbol: string, direction: Direction, side: Side, quantity: string): OrderRequest {
    return {
      clientId: '',
      symbol,
      direction,
      slot: this.#slot(side),
      type: 'market',
      timeInForce: 'IOC',
      quantity: new Exact(quantity),
      price: null,
      reduceOnly: false,
    };
  }

  #newOrder(request: OrderRequest, hand: Hand, at: number): Order {
    const [filled, value, fee] = [new Exact(0), new Exact(0), new Exact(0)];
    const id = this.#newId();
    const order: Order = { ...request, id, hand, createdAt: at, status: 'open', filled, value, fee, updatedAt: at };
    this.orders.push(order);
    return order;
  }

  /** Fills an order in parts of whole lots, each one tick worse, but none beyond the limit. */
  #sweep(order: Order): void {
    const { symbol, quantity, direction } = order;
    const { lotStep, tick } = this.#market(symbol);
    const lots = quantity.div(lotStep);
    const count = Math.max(1, Math.min(this.options.fills, lots.floor().toNumber()));
    const each = lots.div(count).floor();
    const worse = new Exact(tick).mul(direction === 'BUY' ? 1 : -1);
    const priceOf = (index: number): Exact => {
      const price = this.mark(symbol).add(worse.mul(index));
      if (order.price === null) return price;
      return direction === 'BUY' ? Exact.min(price, order.price) : Exact.max(price, order.price);
    };
    for (let index = 0; index < count; index++) {
      const part = index < count - 1 ? each : lots.sub(each.mul(count - 1));
      if (part.gt(0)) this.#fill(order, part.mul(lotStep), priceOf(index), this.now());
    }
    if (order.status === 'open') this.#end(order, 'cancelled');
  }

  #crosses({ symbol, direction, price }: Order): boolean {
    if (price === null) return true;
    return direction === 'BUY' ? this.mark(symbol).lte(price) : this.mark(symbol).gte(price);
  }

  /** Fills the rest of an order; a reducing order at most as far as the position is open. */
  #fillAt(order: Order, price: Exact): void {
    const left = order.quantity.sub(order.filled);
    const most = order.reduceOnly ? this.reducible(order.symbol, order.slot, order.direction) : left;
    const quantity = Exact.min(left, most);
    if (quantity.gt(0)) this.#fill(order, quantity, price, this.now());
    if (order.status === 'open') this.#end(order, 'cancelled');
  }

  /** FAK-3, FAK-4. */
  #fill(order: Order, quantity: Exact, price: Exact, at: number): void {
    const { symbol, direction, slot } = order;
    const position = this.position(symbol, slot);
    const before = position.amount;
    const moved = direction === 'BUY' ? quantity : quantity.neg();
    const after = before.add(moved);
    const reduces = !before.isZero() && before.isNegative() !== moved.isNegative();
    const closed = reduces ? Exact.min(quantity, before.abs()) : new Exact(0);
    if (after.isZero()) position.entryPrice = new Exact(0);
    else if (!reduces) {
      const cost = before.abs().mul(position.entryPrice).add(quantity.mul(price));
      position.entryPrice = cost.div(after.abs()).toDecimalPlaces(SHOWN_DIGITS);
    } else if (after.isNegative() !== before.isNegative()) position.entryPrice = price;
    if (before.isZero() || after.isNegative() !== before.isNegative()) position.openedAt = at;
    position.amount = after;
    position.updatedAt = at;
    const notional = price.mul(quantity).mul(this.#market(symbol).contractSize);
    const fee = notional.mul(this.options.feeRate).toDecimalPlaces(SHOWN_DIGITS);
    order.filled = order.filled.add(quantity);
    order.value = order.value.add(price.mul(quantity));
    order.fee = order.fee.add(fee);
    order.updatedAt = at;
    if (order.filled.gte(order.quantity)) order.status = 'filled';
    this.fills.push({ seq: this.fills.length + 1, order, price, quantity, closed, fee, at });
  }

  #end(order: Order, status: Order['status']): void {
    order.status = status;
    order.updatedAt = this.now();
  }

  #market(symbol: string): Market {
    const market = this.markets.get(symbol);
    if (market === undefined) throw new TypeError(`no market ${symbol}`);
    return market;
  }

  #slot(side: Side): Slot {
    return this.options.hedge ? side : 'NET';
  }

  #newId(): string {
    return String(++this.#ids);
  }
}

/** Whether the mark price triggers a stop or target. */
function reached({ side, kind, triggerPrice }: Stop, mark: Exact): boolean {
  return (side === 'LONG') === (kind === 'stop') ? mark.lte(triggerPrice) : mark.gte(triggerPrice);
}
