import { Exact } from '../../ports/exact-decimal.ts';
import { Account, type Direction, type Fill, type Market, type PositionSide } from './account.ts';
import { BinanceError } from './binance-error.ts';

export interface Order {
  readonly orderId: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly type: string;
  readonly origType: string;
  readonly quantity: Exact;
  readonly price: Exact;
  readonly reduceOnly: boolean;
  readonly time: number;
  status: 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED';
  executedQty: Exact;
  cumQuote: Exact;
  updateTime: number;
}

export interface OrderRequest {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide | null;
  readonly type: string;
  readonly quantity: string;
  readonly price: string | null;
  readonly reduceOnly: boolean | null;
  readonly origType?: string;
}

/** How a market order meets the book. */
export interface Matching {
  /** Into how many fills it is split, each one tick worse. */
  readonly fills: number;
  /** The share that fills before the rest expires; 1: all of it. */
  readonly share: number;
}

const WHOLE: Matching = { fills: 1, share: 1 };
const CLIENT_ID = /^[.A-Z:/a-z0-9_-]{1,36}$/;

/** Orders that never filled are forgotten by look-ups after three days. Unit: milliseconds. */
const UNFILLED_KEPT_MS = 3 * 24 * 60 * 60 * 1000;

/** The order book's side of the account: filters, market and resting limit orders, look-ups. One account, one mode. */
export class Orders {
  readonly account = new Account();
  readonly markets = new Map<string, Market>();
  readonly marks = new Map<string, Exact>();
  readonly #byId = new Map<number, Order>();
  /** `symbol client-id` -> orders of that id, oldest first: it is unique among open orders only. */
  readonly #byClientId = new Map<string, Order[]>();
  readonly #bySymbol = new Map<string, Order[]>();
  hedge: boolean;
  #nextOrderId = 1_000_001;

  constructor(hedge: boolean) {
    this.hedge = hedge;
  }

  all(): IterableIterator<Order> {
    return this.#byId.values();
  }

  ofSymbol(symbol: string): readonly Order[] {
    return this.#bySymbol.get(symbol) ?? [];
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
  find(symbol: string, id: { orderId?: number | undefined; clientOrderId?: string | undefined }, now: number): Order {
    const order =
      id.orderId === undefined
        ? this.#byClientId.get(`${symbol} ${id.clientOrderId ?? ''}`)?.at(-1)
        : this.#byId.get(id.orderId);
    const gone = order !== undefined && order.executedQty.isZero() && now - order.time > UNFILLED_KEPT_MS;
    if (order === undefined || order.symbol !== symbol || gone) throw new BinanceError('-2013');
    return order;
  }

  /** Takes an order, or throws what Binance would answer. Market orders are done at once. */
  submit(request: OrderRequest, time: number, matching: Matching = WHOLE): Order {
    const { symbol, side, type, clientOrderId } = request;
    const market = this.market(symbol);
    if (!CLIENT_ID.test(clientOrderId)) throw new BinanceError('-4015');
    const key = `${symbol} ${clientOrderId}`;
    const namesakes = this.#byClientId.get(key) ?? [];
    if (namesakes.some(({ status }) => status === 'NEW' || status === 'PARTIALLY_FILLED'))
      throw new BinanceError('-4116');
    const positionSide = this.#positionSide(request);
    const quantity = vetQuantity(request, market);
    const reduces = request.reduceOnly === true || this.#closesHedged(side, positionSide);
    if (reduces) this.#vetReduction(symbol, side, positionSide, quantity);
    else if (quantity.mul(request.price ?? this.mark(symbol)).lt(market.minNotional)) {
      throw new BinanceError('-4164', market.minNotional);
    }
    const order: Order = {
      orderId: this.#nextOrderId++,
      clientOrderId,
      symbol,
      side,
      positionSide,
      type,
      origType: request.origType ?? type,
      quantity,
      price: new Exact(request.price ?? 0),
      reduceOnly: request.reduceOnly === true,
      time,
      status: 'NEW',
      executedQty: new Exact(0),
      cumQuote: new Exact(0),
      updateTime: time,
    };
    this.#byId.set(order.orderId, order);
    this.#byClientId.set(key, [...namesakes, order]);
    const own = this.#bySymbol.get(symbol);
    if (own === undefined) this.#bySymbol.set(symbol, [order]);
    else own.push(order);
    if (type === 'MARKET') this.#match(order, market, time, matching);
    return order;
  }

  /** One fill of an order, at a price of the caller's. */
  execute(order: Order, quantity: Exact, price: Exact, time: number): Fill {
    const { orderId, symbol, side, positionSide } = order;
    const fill = this.account.book({ orderId, symbol, side, positionSide, price, quantity, time });
    order.executedQty = order.executedQty.add(quantity);
    order.cumQuote = order.cumQuote.add(quantity.mul(price));
    order.updateTime = time;
    order.status = order.executedQty.eq(order.quantity) ? 'FILLED' : 'PARTIALLY_FILLED';
    return fill;
  }

  #match(order: Order, market: Market, time: number, { fills, share }: Matching): void {
    const lots = order.quantity.div(market.lotStep);
    const wanted = share >= 1 ? lots : lots.mul(share).floor();
    const count = Math.max(1, Math.min(fills, wanted.floor().toNumber()));
    const worse = new Exact(market.tick).mul(order.side === 'BUY' ? 1 : -1);
    const each = wanted.div(count).floor();
    for (let index = 0; index < count; index++) {
      const part = index < count - 1 ? each : wanted.sub(each.mul(count - 1));
      if (part.lte(0)) continue;
      this.execute(order, part.mul(market.lotStep), this.mark(order.symbol).add(worse.mul(index)), time);
    }
    if (order.status !== 'FILLED') order.status = 'EXPIRED';
  }

  #positionSide({ positionSide, reduceOnly }: OrderRequest): PositionSide {
    if (!this.hedge) {
      if (positionSide !== null && positionSide !== 'BOTH') throw new BinanceError('-4061');
      return 'BOTH';
    }
    if (positionSide === null || positionSide === 'BOTH') throw new BinanceError('-4061');
    if (reduceOnly !== null) throw new BinanceError('-1106', 'reduceonly');
    return positionSide;
  }

  #closesHedged(side: Direction, positionSide: PositionSide): boolean {
    return (positionSide === 'LONG' && side === 'SELL') || (positionSide === 'SHORT' && side === 'BUY');
  }

  /** What cannot be reduced by as much is refused whole. */
  #vetReduction(symbol: string, side: Direction, positionSide: PositionSide, quantity: Exact): void {
    const { amount } = this.account.position(symbol, positionSide);
    const reducible = side === 'SELL' ? amount : amount.neg();
    if (reducible.lt(quantity)) throw new BinanceError('-2022');
  }
}

function vetQuantity({ quantity: text, type }: OrderRequest, market: Market): Exact {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new BinanceError('-1102', 'quantity');
  const quantity = new Exact(text);
  if (quantity.lte(0)) throw new BinanceError('-4003');
  if (!quantity.mod(market.lotStep).isZero()) throw new BinanceError('-1111');
  if (quantity.lt(market.minQuantity)) throw new BinanceError('-4004');
  if (quantity.gt(type === 'MARKET' ? market.marketMaxQuantity : market.maxQuantity)) throw new BinanceError('-4005');
  return quantity;
}
