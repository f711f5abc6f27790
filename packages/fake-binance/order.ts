import type { Exact } from '../../ports/exact-decimal.ts';
import { type Direction, type PositionSide, Timeline, partitionPoint } from './account.ts';
import { BinanceError } from './binance-error.ts';

export type TimeInForce = 'GTC' | 'IOC' | 'FOK' | 'GTX';

export interface Order {
  readonly orderId: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly type: string;
  readonly timeInForce: TimeInForce;
  readonly quantity: Exact;
  /** 0 for a market order. */
  readonly price: Exact;
  readonly reduceOnly: boolean;
  readonly time: number;
  status: 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED';
  executedQty: Exact;
  cumQuote: Exact;
  updateTime: number;
}

/** As it was sent: null is what was not. */
export interface OrderRequest {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide | null;
  readonly type: 'MARKET' | 'LIMIT';
  readonly quantity: string;
  readonly price: string | null;
  readonly reduceOnly: boolean | null;
  readonly timeInForce?: TimeInForce;
}

/** How a market order meets the book. */
export interface Matching {
  /** Into how many fills it is split, each one tick worse. */
  readonly fills: number;
  /** The share that fills before the rest expires; 1: all of it. */
  readonly share: number;
  /** How much worse than the mark the first fill is. Unit: ticks. */
  readonly slippageTicks: number;
  /** The price instead of the mark; null: the mark. */
  readonly price: string | null;
}

export const WHOLE: Matching = { fills: 1, share: 1, slippageTicks: 0, price: null };

export function isOpen({ status }: Pick<Order, 'status'>): boolean {
  return status === 'NEW' || status === 'PARTIALLY_FILLED';
}

/** Orders that the exchange itself makes are told by these beginnings. */
export const LIQUIDATION_ID = 'autoclose-';
export const ADL_ID = 'adl_autoclose';
export const SETTLEMENT_ID = 'settlement_autoclose-';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Orders that ended without a fill are forgotten after three days, all others after ninety. Unit: milliseconds. */
const UNFILLED_KEPT_MS = 3 * DAY_MS;
const KEPT_MS = 90 * DAY_MS;

export interface OrderName {
  readonly orderId?: number | undefined;
  readonly clientOrderId?: string | undefined;
}

/** Every order that was ever taken, found without a walk over the others. */
export class OrderIndex {
  readonly #byId = new Map<number, Order>();
  /** `symbol client-id` -> orders of that id, oldest first: it is unique among open orders only. */
  readonly #byClientId = new Map<string, Order[]>();
  /** In the order of their ids. */
  readonly #bySymbol = new Map<string, Order[]>();
  readonly #timelines = new Map<string, Timeline<Order>>();
  /** Liquidations and deleveragings of all symbols. */
  readonly #forced = new Timeline<Order>();
  readonly #open = new Map<string, Set<Order>>();
  /** Told of every order that is new, or whose status has changed. */
  onStatus: ((order: Order) => void) | null = null;

  add(order: Order): void {
    const { symbol, clientOrderId } = order;
    this.#byId.set(order.orderId, order);
    const key = keyOf(symbol, clientOrderId);
    const namesakes = this.#byClientId.get(key);
    if (namesakes === undefined) this.#byClientId.set(key, [order]);
    else namesakes.push(order);
    const own = this.#bySymbol.get(symbol);
    if (own === undefined) this.#bySymbol.set(symbol, [order]);
    else own.push(order);
    let timeline = this.#timelines.get(symbol);
    if (timeline === undefined) this.#timelines.set(symbol, (timeline = new Timeline()));
    timeline.add(order);
    if (clientOrderId.startsWith(LIQUIDATION_ID) || clientOrderId.startsWith(ADL_ID)) this.#forced.add(order);
    this.noteStatus(order);
  }

  /** To be called whenever an order's status has changed. */
  noteStatus(order: Order): void {
    let open = this.#open.get(order.symbol);
    if (open === undefined) this.#open.set(order.symbol, (open = new Set()));
    if (isOpen(order)) open.add(order);
    else open.delete(order);
    this.onStatus?.(order);
  }

  all(): IterableIterator<Order> {
    return this.#byId.values();
  }

  /** In the order of their ids. */
  ofSymbol(symbol: string): readonly Order[] {
    return this.#bySymbol.get(symbol) ?? [];
  }

  /** Oldest first; of all symbols where none is named. */
  open(symbol?: string): readonly Order[] {
    if (symbol !== undefined) return [...(this.#open.get(symbol) ?? [])];
    return [...this.#open.values()].flatMap((open) => [...open]).toSorted((one, other) => one.orderId - other.orderId);
  }

  openOf(symbol: string, clientOrderId: string): Order | undefined {
    return this.#byClientId.get(keyOf(symbol, clientOrderId))?.findLast(isOpen);
  }

  /** The newest of that name. Throws -2013, also for what is forgotten. */
  find(symbol: string, { orderId, clientOrderId }: OrderName, now: number): Order {
    const order =
      orderId === undefined
        ? this.#byClientId.get(keyOf(symbol, clientOrderId ?? ''))?.at(-1)
        : this.#byId.get(orderId);
    if (order === undefined || order.symbol !== symbol || isForgotten(order, now)) throw new BinanceError('-2013');
    return order;
  }

  /** The last ones, oldest first. */
  between(symbol: string, from: number, to: number, limit: number, now: number): readonly Order[] {
    const found = this.#timelines.get(symbol)?.between(from, to, limit, 'last') ?? [];
    return found.filter((order) => !isForgotten(order, now));
  }

  fromId(symbol: string, orderId: number, limit: number, now: number): readonly Order[] {
    const own = this.ofSymbol(symbol);
    const start = partitionPoint(own, (order) => order.orderId < orderId);
    return own.slice(start, start + limit).filter((order) => !isForgotten(order, now));
  }

  forcedBetween(from: number, to: number, limit: number): readonly Order[] {
    return this.#forced.between(from, to, limit, 'last');
  }
}

function keyOf(symbol: string, clientOrderId: string): string {
  return `${symbol} ${clientOrderId}`;
}

function isForgotten({ executedQty, status, time }: Order, now: number): boolean {
  const unfilled = executedQty.isZero() && (status === 'CANCELED' || status === 'EXPIRED');
  return now - time > (unfilled ? UNFILLED_KEPT_MS : KEPT_MS);
}
