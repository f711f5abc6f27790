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

/** An order as it was sent; null for what was left out. */
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

/** How a market order is filled. */
export interface Matching {
  /** The number of fills, each one tick worse than the one before. */
  readonly fills: number;
  /** The share that fills; the rest expires. */
  readonly share: number;
  /** How much worse than the mark price the first fill is. Unit: ticks. */
  readonly slippageTicks: number;
  /** The price of the first fill; null: the mark price. */
  readonly price: string | null;
}

export const WHOLE: Matching = { fills: 1, share: 1, slippageTicks: 0, price: null };

export function isOpen({ status }: Pick<Order, 'status'>): boolean {
  return status === 'NEW' || status === 'PARTIALLY_FILLED';
}

/** Prefixes of the client order ids of the exchange's own orders. */
export const LIQUIDATION_ID = 'autoclose-';
export const ADL_ID = 'adl_autoclose';
export const SETTLEMENT_ID = 'settlement_autoclose-';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Binance forgets orders that ended without a fill after three days, all others after ninety. Unit: milliseconds. */
const UNFILLED_KEPT_MS = 3 * DAY_MS;
const KEPT_MS = 90 * DAY_MS;

export interface OrderName {
  readonly orderId?: number | undefined;
  readonly clientOrderId?: string | undefined;
}

/** Every order that was ever taken, indexed by id, client id, symbol and time. */
export class OrderIndex {
  readonly #byId = new Map<number, Order>();
  /** By `symbol client-id`, oldest first: client ids are unique among open orders only. */
  readonly #byClientId = new Map<string, Order[]>();
  /** In the order of their ids. */
  readonly #bySymbol = new Map<string, Order[]>();
  readonly #timelines = new Map<string, Timeline<Order>>();
  /** Liquidations and deleveragings of all symbols. */
  readonly #forced = new Timeline<Order>();
  readonly #open = new Map<string, Set<Order>>();
  /** Called with every new order and every change of status. */
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

  /** To be called after every change of an order's status. */
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

  /** Open orders, oldest first, of one symbol or of all. */
  open(symbol?: string): readonly Order[] {
    if (symbol !== undefined) return [...(this.#open.get(symbol) ?? [])];
    return [...this.#open.values()].flatMap((open) => [...open]).toSorted((one, other) => one.orderId - other.orderId);
  }

  openOf(symbol: string, clientOrderId: string): Order | undefined {
    return this.#byClientId.get(keyOf(symbol, clientOrderId))?.findLast(isOpen);
  }

  /** The newest order of that name. Throws -2013, also for a forgotten one. */
  find(symbol: string, { orderId, clientOrderId }: OrderName, now: number): Order {
    const order =
      orderId === undefined
        ? this.#byClientId.get(keyOf(symbol, clientOrderId ?? ''))?.at(-1)
        : this.#byId.get(orderId);
    if (order === undefined || order.symbol !== symbol || isForgotten(order, now)) throw new BinanceError('-2013');
    return order;
  }

  /** The last `limit` orders of a time range, oldest first. */
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
