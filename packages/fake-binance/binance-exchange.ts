import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Clock } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Commission, Direction, PositionSide } from './account.ts';
import { AlgoOrders, type ConditionalType, isReached } from './algo-orders.ts';
import { BinanceError } from './binance-error.ts';
import { Candles, type PriceLevel } from './prices.ts';
import { Funding } from './funding.ts';
import { ListenKeys } from './user-stream.ts';
import { type MarketSpec, marketOf, type BookSpec, OrderBook } from './market.ts';
import { ADL_ID, LIQUIDATION_ID, type Matching, type Order, type OrderRequest, SETTLEMENT_ID, WHOLE } from './order.ts';
import { Orders } from './orders.ts';

export interface ExchangeOptions {
  readonly hedge: boolean;
  /** The seed of generated candles. */
  readonly seed: number;
  readonly commission: Commission;
}

interface OpeningSpec {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  readonly quantity: string;
  /** Unit: quote currency per contract; the mark price when left out. */
  readonly price?: string;
  /** The time of the opening; now when left out. */
  readonly at?: number;
  /** The number of fills, each one tick worse, all in the same millisecond; 1 when left out. */
  readonly fills?: number;
}

/** A close by somebody other than the client. */
interface ClosingSpec {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  /** The whole position when left out. */
  readonly quantity?: string | undefined;
  readonly hand?: Hand | undefined;
  readonly fills?: number | undefined;
}

interface ConditionalSpec {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  readonly orderType: ConditionalType;
  readonly triggerPrice: string;
  /** The whole position when left out. */
  readonly quantity?: string;
}

/** What the key of the account may do, and whether from every address. */
export interface KeyRights {
  readonly withdrawals: boolean;
  readonly futures: boolean;
  readonly anyAddress: boolean;
}

/** Who closes a position: its owner by hand, or the exchange. */
export type Hand = 'web' | 'liquidation' | 'adl' | 'settlement';

const CLIENT_IDS: Readonly<Record<Hand, string>> = {
  web: 'web_',
  liquidation: LIQUIDATION_ID,
  adl: ADL_ID,
  settlement: SETTLEMENT_ID,
};

/** The exchange behind the server: its markets, one account, and the actions of everybody besides the client. */
export class BinanceExchange {
  readonly orders: Orders;
  readonly algos = new AlgoOrders();
  readonly funding = new Funding();
  readonly candles: Candles;
  readonly listenKeys: ListenKeys;
  readonly #clock: Clock;
  /** The exchange's clock minus the machine's. Unit: milliseconds. */
  skewMs = 0;
  /** What the key may do. */
  keyRights: KeyRights = { withdrawals: false, futures: true, anyAddress: false };
  /** The first price of each market. */
  readonly #anchors = new Map<string, Exact>();
  #hands = 0;

  constructor(clock: Clock, { hedge, seed, commission }: ExchangeOptions) {
    this.#clock = clock;
    this.orders = new Orders(hedge, commission);
    this.listenKeys = new ListenKeys(seed);
    this.candles = new Candles(new SeededRandom(seed));
  }

  now(): number {
    return this.#clock.now() + this.skewMs;
  }

  /** Adds a market, or replaces it. */
  setMarket({ price, book, ...market }: MarketSpec): void {
    const { symbol } = market;
    this.orders.markets.set(symbol, marketOf(market));
    if (book !== undefined) this.setBook(symbol, book);
    if (!this.#anchors.has(symbol)) this.#anchors.set(symbol, new Exact(price));
    this.setMark(symbol, price);
  }

  /** Sets the order book of a market; null: any quantity at the mark price. */
  setBook(symbol: string, book: BookSpec | null): void {
    const { books } = this.orders;
    if (book === null) books.delete(symbol);
    else books.set(symbol, new OrderBook(book, this.orders.market(symbol)));
  }

  /** Sets a mark price, fills the limit orders and triggers the conditional orders that it reaches. */
  setMark(symbol: string, price: string): void {
    const mark = new Exact(price);
    this.orders.marks.set(symbol, mark);
    this.orders.matchResting(symbol, this.now());
    for (const algo of this.algos.open(symbol)) if (isReached(algo, mark)) this.trigger(algo.algoId);
  }

  priceLevel(symbol: string): PriceLevel {
    const mark = this.orders.mark(symbol);
    return { symbol, mark, anchor: this.#anchors.get(symbol) ?? mark, tick: this.orders.market(symbol).tick };
  }

  /** Opens or grows a position. */
  open({ symbol, side, quantity, price, at = this.now(), fills = 1 }: OpeningSpec): Order {
    const opening: OrderRequest = {
      symbol,
      side: side === 'LONG' ? 'BUY' : 'SELL',
      positionSide: this.#positionSide(side),
      type: 'MARKET',
      quantity,
      price: null,
      reduceOnly: null,
      clientOrderId: this.newClientId(),
    };
    // Opening and closing by hand fills at the mark price, whatever is in the book.
    const atMark = price ?? this.orders.mark(symbol).toFixed();
    return this.orders.submit(opening, at, { ...WHOLE, price: atMark, fills });
  }

  /** Shows a size that no fill explains. */
  showWithoutFill({ symbol, side, quantity, price }: OpeningSpec): void {
    const amount = new Exact(side === 'LONG' ? quantity : `-${quantity}`);
    const { account } = this.orders;
    const positionSide = this.#positionSide(side);
    const { entryPrice } = account.position(symbol, positionSide);
    const shown = price ?? (entryPrice.isZero() ? this.orders.mark(symbol) : entryPrice);
    account.showWithoutFill(symbol, positionSide, amount, new Exact(shown), this.now());
  }

  /** Places somebody else's closing limit order, such as a resting take-profit. */
  rest({ symbol, side, quantity }: ClosingSpec, price: string): Order {
    const open = this.openQuantity(symbol, side);
    const resting: OrderRequest = {
      clientOrderId: this.newClientId(),
      symbol,
      side: side === 'LONG' ? 'SELL' : 'BUY',
      positionSide: this.#positionSide(side),
      type: 'LIMIT',
      quantity: quantity ?? open.toFixed(),
      price,
      reduceOnly: this.orders.hedge ? null : true,
      timeInForce: 'GTC',
    };
    return this.orders.submit(resting, this.now());
  }

  /** Closes a position or a part of it, not by the client. Null where it is flat. */
  close(symbol: string, side: 'LONG' | 'SHORT', hand: Hand = 'web', quantity?: string, fills = 1): Order | null {
    const open = this.openQuantity(symbol, side);
    if (open.lte(0)) return null;
    return this.#reduce(symbol, side, quantity ?? open.toFixed(), this.newClientId(hand), true, fills);
  }

  /** Closes about a third of the position that an order is about to reduce, in whole lots (the fault `hand-change`). */
  closeSome(symbol: string, direction: Direction): void {
    const side = direction === 'SELL' ? 'LONG' : 'SHORT';
    const { lotStep } = this.orders.market(symbol);
    const part = this.openQuantity(symbol, side).div(3).div(lotStep).floor().mul(lotStep);
    if (part.gt(0)) this.close(symbol, side, 'web', part.toFixed());
  }

  /** Places somebody else's stop or target, and returns its id. */
  placeStop({ symbol, side, orderType, triggerPrice, quantity }: ConditionalSpec): number {
    const { algoId } = this.algos.add({
      clientAlgoId: this.newClientId(),
      symbol,
      side: side === 'LONG' ? 'SELL' : 'BUY',
      positionSide: this.#positionSide(side),
      orderType,
      quantity: quantity ?? '0',
      triggerPrice,
      workingType: 'MARK_PRICE',
      reduceOnly: quantity !== undefined,
      closePosition: quantity === undefined,
      time: this.now(),
    });
    return algoId;
  }

  /** Triggers a conditional order. Null where nothing is left to close, or the order is no longer open. */
  trigger(algoId: number): Order | null {
    const algo = this.algos.find({ algoId });
    if (algo.status !== 'NEW') return null;
    const now = this.now();
    algo.triggerTime = now;
    const { symbol, clientAlgoId, closePosition, reduceOnly } = algo;
    const side = algo.side === 'SELL' ? 'LONG' : 'SHORT';
    const quantity = closePosition ? this.openQuantity(symbol, side).toFixed() : algo.quantity;
    try {
      const order = this.#reduce(symbol, side, quantity, clientAlgoId, reduceOnly || closePosition);
      algo.actualOrderId = order.orderId;
      this.algos.end(algo, 'FINISHED', now);
      return order;
    } catch (thrown) {
      if (!(thrown instanceof BinanceError)) throw thrown;
      this.algos.end(algo, closePosition ? 'EXPIRED' : 'REJECTED', now);
      return null;
    }
  }

  /** Throws -4059 where that is already the mode, -4067 and -4068 while orders or positions are open. */
  switchMode(hedge: boolean): void {
    const { orders } = this;
    if (hedge === orders.hedge) throw new BinanceError('-4059');
    if (orders.index.open().length > 0) throw new BinanceError('-4067');
    if ([...orders.account.positions.values()].some(({ amount }) => !amount.isZero())) throw new BinanceError('-4068');
    orders.hedge = hedge;
  }

  submit(request: OrderRequest, matching?: Matching): Order {
    return this.orders.submit(request, this.now(), matching);
  }

  /** A unique id, except that all deleveragings share one. */
  newClientId(hand: Hand = 'web'): string {
    return hand === 'adl' ? CLIENT_IDS.adl : `${CLIENT_IDS[hand]}${++this.#hands}`;
  }

  /** The open quantity of a side. */
  openQuantity(symbol: string, side: 'LONG' | 'SHORT'): Exact {
    return this.orders.account.reducible(symbol, this.#positionSide(side), side === 'LONG' ? 'SELL' : 'BUY');
  }

  #reduce(
    symbol: string,
    side: 'LONG' | 'SHORT',
    quantity: string,
    clientOrderId: string,
    reduceOnly = true,
    fills = 1,
  ): Order {
    const reduction: OrderRequest = {
      clientOrderId,
      symbol,
      side: side === 'LONG' ? 'SELL' : 'BUY',
      positionSide: this.#positionSide(side),
      type: 'MARKET',
      quantity,
      price: null,
      reduceOnly: this.orders.hedge ? null : reduceOnly,
    };
    return this.orders.submit(reduction, this.now(), { ...WHOLE, price: this.orders.mark(symbol).toFixed(), fills });
  }

  #positionSide(side: 'LONG' | 'SHORT'): PositionSide {
    return this.orders.hedge ? side : 'BOTH';
  }
}
