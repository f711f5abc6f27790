import { Exact } from '../../ports/exact-decimal.ts';
import { Account, type Commission, type Direction, type Fill, type PositionSide } from './account.ts';
import { BinanceError } from './binance-error.ts';
import {
  MOST_OPEN_ORDERS,
  vetBestPrice,
  vetClientId,
  vetNotional,
  vetPrice,
  vetQuantity,
  type Market,
  type Level,
  type OrderBook,
} from './market.ts';
import { type Matching, type Order, type OrderRequest, WHOLE, isOpen, OrderIndex, type OrderName } from './order.ts';

/** The orders of the one account: which are taken, how they are matched, which rest. */
export class Orders {
  readonly account: Account;
  readonly markets = new Map<string, Market>();
  readonly marks = new Map<string, Exact>();
  /** Order books by symbol. Without one, orders of any size fill at the mark price. */
  readonly books = new Map<string, OrderBook>();
  readonly index = new OrderIndex();
  hedge: boolean;
  #nextOrderId = 1_000_001;

  constructor(hedge: boolean, commission?: Commission) {
    this.hedge = hedge;
    this.account = new Account(commission, (symbol) => this.markets.get(symbol)?.quoteAsset ?? 'USDT');
  }

  all(): IterableIterator<Order> {
    return this.index.all();
  }

  ofSymbol(symbol: string): readonly Order[] {
    return this.index.ofSymbol(symbol);
  }

  mark(symbol: string): Exact {
    const mark = this.marks.get(symbol);
    if (mark === undefined) throw new BinanceError('-1121');
    return mark;
  }

  market(symbol: string): Market {
    const market = this.markets.get(symbol);
    if (market === undefined) throw new BinanceError('-1121');
    return market;
  }

  /** Throws -2013. */
  find(symbol: string, name: OrderName, now: number): Order {
    return this.index.find(symbol, name, now);
  }

  /** Takes an order, or throws Binance's rejection. Market orders are finished at once. */
  submit(request: OrderRequest, time: number, matching: Matching = WHOLE): Order {
    const order = this.#vetted(request, time);
    this.index.add(order);
    if (order.type === 'MARKET') this.#match(order, time, matching);
    else this.#rest(order, time, matching);
    return order;
  }

  /** Throws -2011 where there is no such open order. */
  cancel(symbol: string, name: OrderName, now: number): Order {
    const order = this.index.open(symbol).find(({ orderId, clientOrderId }) => {
      return name.orderId === undefined ? clientOrderId === name.clientOrderId : orderId === name.orderId;
    });
    if (order === undefined) throw new BinanceError('-2011');
    this.#setStatus(order, 'CANCELED', now);
    return order;
  }

  /** Fills the resting orders that the mark price has reached. */
  matchResting(symbol: string, time: number): void {
    for (const order of this.index.open(symbol)) {
      if (this.#isReached(order)) this.#fillResting(order, order.price, true, time);
    }
  }

  /** The levels that an order of that direction meets now, best first; null: any quantity at the mark price. */
  offers(symbol: string, direction: Direction, time: number): readonly Level[] | null {
    return this.books.get(symbol)?.against(direction, this.mark(symbol), time) ?? null;
  }

  /** Books one fill of an order at a given price. */
  execute(order: Order, quantity: Exact, price: Exact, time: number, maker = false): Fill {
    const { orderId, symbol, side, positionSide } = order;
    const fill = this.account.book({ orderId, symbol, side, positionSide, price, quantity, maker, time });
    order.executedQty = order.executedQty.add(quantity);
    order.cumQuote = order.cumQuote.add(quantity.mul(price));
    this.#setStatus(order, order.executedQty.eq(order.quantity) ? 'FILLED' : 'PARTIALLY_FILLED', time);
    return fill;
  }

  /** The position side of an order in the account's mode. Throws -4061 and -1106. */
  positionSideOf({ positionSide, reduceOnly }: Pick<OrderRequest, 'positionSide' | 'reduceOnly'>): PositionSide {
    if (!this.hedge) {
      if (positionSide !== null && positionSide !== 'BOTH') throw new BinanceError('-4061');
      return 'BOTH';
    }
    if (positionSide === null || positionSide === 'BOTH') throw new BinanceError('-4061');
    if (reduceOnly !== null) throw new BinanceError('-1106', 'reduceonly');
    return positionSide;
  }

  /** Checks an order, and creates it. Throws Binance's rejection. */
  #vetted(request: OrderRequest, time: number): Order {
    const { symbol, side, type, clientOrderId, timeInForce = 'GTC' } = request;
    const market = this.market(symbol);
    vetClientId(clientOrderId);
    if (this.index.openOf(symbol, clientOrderId) !== undefined) throw new BinanceError('-4116');
    const positionSide = this.positionSideOf(request);
    if (market.status !== 'TRADING') throw new BinanceError('-1122');
    const quantity = vetQuantity(request, market);
    const price = type === 'MARKET' ? new Exact(0) : vetPrice(request, market, this.mark(symbol));
    const order: Order = {
      orderId: this.#nextOrderId,
      clientOrderId,
      symbol,
      side,
      positionSide,
      type,
      timeInForce,
      quantity,
      price,
      reduceOnly: request.reduceOnly === true,
      time,
      status: 'NEW',
      executedQty: new Exact(0),
      cumQuote: new Exact(0),
      updateTime: time,
    };
    if (reduces(order)) {
      // A reduction by more than is open is rejected as a whole.
      if (this.account.reducible(symbol, positionSide, side).lt(quantity)) throw new BinanceError('-2022');
    } else vetNotional(quantity.mul(type === 'MARKET' ? this.mark(symbol) : price), market);
    if (this.index.open(symbol).length >= MOST_OPEN_ORDERS) throw new BinanceError('-2025');
    const offers = this.offers(symbol, side, time);
    if (type === 'MARKET') vetBestPrice(side, offers?.[0]?.price ?? this.mark(symbol), this.mark(symbol));
    const takes = type === 'LIMIT' && this.#takes(order, offers);
    if (timeInForce === 'GTX' && takes) throw new BinanceError('-5022');
    if (timeInForce === 'FOK' && !(takes && isCovered(order, offers))) throw new BinanceError('-5021');
    this.#nextOrderId += 1;
    return order;
  }

  #match(order: Order, time: number, matching: Matching): void {
    const { fills, share, slippageTicks, price } = matching;
    const { tick, lotStep } = this.market(order.symbol);
    if (price === null && this.books.has(order.symbol)) return this.#walk(order, time, matching);
    const lots = order.quantity.div(lotStep);
    const wanted = share >= 1 ? lots : lots.mul(share).floor();
    const count = Math.max(1, Math.min(fills, wanted.floor().toNumber()));
    const worse = new Exact(tick).mul(order.side === 'BUY' ? 1 : -1);
    const first = new Exact(price ?? this.mark(order.symbol)).add(worse.mul(slippageTicks));
    const each = wanted.div(count).floor();
    for (let index = 0; index < count; index++) {
      const part = index < count - 1 ? each : wanted.sub(each.mul(count - 1));
      if (part.gt(0)) this.execute(order, part.mul(lotStep), first.add(worse.mul(index)), time);
    }
    if (order.status !== 'FILLED') this.#setStatus(order, 'EXPIRED', time);
  }

  /** Fills against the book level by level. The rest expires unless the order may rest. */
  #walk(order: Order, time: number, { share }: Pick<Matching, 'share'>): void {
    const { symbol, side } = order;
    const { lotStep } = this.market(symbol);
    const book = this.books.get(symbol);
    let wanted = share >= 1 ? order.quantity : order.quantity.mul(share).div(lotStep).floor().mul(lotStep);
    for (const level of this.offers(symbol, side, time) ?? []) {
      if (wanted.lte(0) || !isAllowed(order, level.price)) break;
      const quantity = Exact.min(wanted, level.quantity);
      book?.take(side, level.index, quantity, time);
      this.execute(order, quantity, level.price, time);
      wanted = wanted.sub(quantity);
    }
    const mayWait = order.type === 'LIMIT' && order.timeInForce !== 'IOC' && order.timeInForce !== 'FOK';
    if (isOpen(order) && !mayWait) this.#setStatus(order, 'EXPIRED', time);
  }

  /** Fills a limit order as a taker if the other side has reached it. The rest expires unless the order may rest. */
  #rest(order: Order, time: number, matching: Matching): void {
    if (this.books.has(order.symbol)) this.#walk(order, time, matching);
    else if (this.#takes(order, null)) this.#fillResting(order, this.mark(order.symbol), false, time);
    else if (order.timeInForce === 'IOC') this.#setStatus(order, 'EXPIRED', time);
  }

  /** Whether a limit order fills at once, at least in part. */
  #takes(order: Order, offers: readonly Level[] | null): boolean {
    if (offers === null) return this.#isReached(order);
    const [best] = offers;
    return best !== undefined && isAllowed(order, best.price);
  }

  /** Whether the mark price has reached a limit order. */
  #isReached({ type, side, price, symbol }: Order): boolean {
    if (type !== 'LIMIT') return false;
    return side === 'BUY' ? this.mark(symbol).lte(price) : this.mark(symbol).gte(price);
  }

  /** Fills the rest of an order; a reducing order at most as far as the position is open. */
  #fillResting(order: Order, price: Exact, maker: boolean, time: number): void {
    const { symbol, side, positionSide } = order;
    const left = order.quantity.sub(order.executedQty);
    const most = reduces(order) ? this.account.reducible(symbol, positionSide, side) : left;
    const quantity = Exact.min(left, most);
    if (quantity.gt(0)) this.execute(order, quantity, price, time, maker);
    if (isOpen(order)) this.#setStatus(order, 'EXPIRED', time);
  }

  #setStatus(order: Order, status: Order['status'], time: number): void {
    order.status = status;
    order.updateTime = time;
    this.index.noteStatus(order);
  }
}

/** Whether an order may fill at a price. */
function isAllowed({ type, side, price: limit }: Order, price: Exact): boolean {
  return type === 'MARKET' || (side === 'BUY' ? price.lte(limit) : price.gte(limit));
}

function isCovered(order: Order, offers: readonly Level[] | null): boolean {
  if (offers === null) return true;
  const within = offers.filter(({ price }) => isAllowed(order, price));
  return Exact.sum(0, ...within.map(({ quantity }) => quantity)).gte(order.quantity);
}

/** Whether an order can only reduce. In hedge mode that follows from its side and position side. */
function reduces({ reduceOnly, side, positionSide }: Pick<Order, 'reduceOnly' | 'side' | 'positionSide'>): boolean {
  return positionSide === 'BOTH' ? reduceOnly : side === (positionSide === 'LONG' ? 'SELL' : 'BUY');
}

export type { Matching, Order, OrderRequest };
