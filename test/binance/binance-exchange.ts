import type { Clock } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Direction, Market, PositionSide } from './account.ts';
import { AlgoOrders } from './algo-orders.ts';
import { BinanceError } from './binance-error.ts';
import { type Matching, type Order, Orders } from './orders.ts';

export interface MarketSpec extends Partial<Market> {
  readonly symbol: string;
  readonly price: string;
}

export interface OpeningSpec {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  readonly quantity: string;
  /** Unit: quote currency per contract; the mark price when left out. */
  readonly price?: string;
  /** When it was opened; now when left out. */
  readonly at?: number;
}

export interface ConditionalSpec {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  readonly orderType: 'STOP_MARKET' | 'TAKE_PROFIT_MARKET';
  readonly triggerPrice: string;
  readonly quantity?: string;
}

/** What a person, a stop or the exchange itself does to a position. */
export type Hand = 'web' | 'liquidation' | 'adl' | 'settlement';

const CLIENT_IDS: Readonly<Record<Hand, string>> = {
  web: 'web_',
  liquidation: 'autoclose-',
  adl: 'adl_autoclose',
  settlement: 'settlement_autoclose-',
};

/** The exchange behind the server: its markets, one account, and everybody who acts on it besides the client. */
export class BinanceExchange {
  readonly orders: Orders;
  readonly algos = new AlgoOrders();
  readonly #clock: Clock;
  /** The exchange's clock less the machine's. Unit: milliseconds. */
  skewMs = 0;
  #hands = 0;

  constructor(clock: Clock, hedge: boolean) {
    this.#clock = clock;
    this.orders = new Orders(hedge);
  }

  now(): number {
    return this.#clock.now() + this.skewMs;
  }

  setMarket({ symbol, price, ...market }: MarketSpec): void {
    this.orders.markets.set(symbol, {
      symbol,
      baseAsset: symbol.replace(/USDT$/, ''),
      tick: '0.01',
      lotStep: '0.001',
      minQuantity: market.lotStep ?? '0.001',
      maxQuantity: '1000000000',
      marketMaxQuantity: '1000000000',
      minNotional: '5',
      ...market,
    });
    this.setMark(symbol, price);
  }

  setMark(symbol: string, price: string): void {
    this.orders.marks.set(symbol, new Exact(price));
  }

  /** A position, by the fills that open or grow it. */
  open({ symbol, side, quantity, price, at = this.now() }: OpeningSpec): Order {
    const mark = this.orders.mark(symbol);
    if (price !== undefined) this.setMark(symbol, price);
    const order = this.orders.submit(
      {
        symbol,
        side: side === 'LONG' ? 'BUY' : 'SELL',
        positionSide: this.#positionSide(side),
        type: 'MARKET',
        quantity,
        price: null,
        reduceOnly: null,
        clientOrderId: this.#clientId('web'),
      },
      at,
    );
    this.orders.marks.set(symbol, mark);
    return order;
  }

  /** Closes a part of a position, or all of it, not by the client. Nothing where it is flat. */
  close(symbol: string, side: 'LONG' | 'SHORT', hand: Hand = 'web', quantity?: string): Order | null {
    const { amount } = this.orders.account.position(symbol, this.#positionSide(side));
    const open = side === 'LONG' ? amount : amount.neg();
    if (open.lte(0)) return null;
    return this.#reduce(symbol, side, quantity ?? open.toFixed(), this.#clientId(hand), 'MARKET');
  }

  /** Closes about a third of the position that an order is about to reduce, in whole lots. */
  closeSome(symbol: string, direction: Direction, positionSide: PositionSide | null): void {
    const { amount } = this.orders.account.position(symbol, positionSide ?? 'BOTH');
    const open = direction === 'SELL' ? amount : amount.neg();
    const { lotStep } = this.orders.market(symbol);
    const part = open.div(3).div(lotStep).floor().mul(lotStep);
    if (part.gt(0)) this.close(symbol, direction === 'SELL' ? 'LONG' : 'SHORT', 'web', part.toFixed());
  }

  placeStop({ symbol, side, orderType, triggerPrice, quantity }: ConditionalSpec): number {
    const { algoId } = this.algos.add({
      clientAlgoId: this.#clientId('web'),
      symbol,
      side: side === 'LONG' ? 'SELL' : 'BUY',
      positionSide: this.#positionSide(side),
      orderType,
      quantity: quantity ?? '0',
      triggerPrice,
      reduceOnly: quantity !== undefined,
      closePosition: quantity === undefined,
      time: this.now(),
    });
    return algoId;
  }

  /** The price that a conditional order waits for is there. */
  trigger(algoId: number): Order | null {
    const algo = this.algos.find(algoId);
    if (algo === undefined) throw new BinanceError('-2013');
    const side = algo.side === 'SELL' ? 'LONG' : 'SHORT';
    const { amount } = this.orders.account.position(algo.symbol, this.#positionSide(side));
    algo.status = 'FINISHED';
    const quantity = algo.closePosition ? amount.abs().toFixed() : algo.quantity;
    if (amount.isZero()) return null;
    const order = this.#reduce(algo.symbol, side, quantity, algo.clientAlgoId, 'MARKET');
    algo.actualOrderId = order.orderId;
    return order;
  }

  submit(request: Parameters<Orders['submit']>[0], matching?: Matching): Order {
    return this.orders.submit(request, this.now(), matching);
  }

  #reduce(symbol: string, side: 'LONG' | 'SHORT', quantity: string, clientOrderId: string, origType: string): Order {
    return this.orders.submit(
      {
        symbol,
        side: side === 'LONG' ? 'SELL' : 'BUY',
        positionSide: this.#positionSide(side),
        type: 'MARKET',
        origType,
        quantity,
        price: null,
        reduceOnly: this.orders.hedge ? null : true,
        clientOrderId,
      },
      this.now(),
    );
  }

  #positionSide(side: 'LONG' | 'SHORT'): PositionSide {
    return this.orders.hedge ? side : 'BOTH';
  }

  #clientId(hand: Hand): string {
    return hand === 'adl' ? CLIENT_IDS.adl : `${CLIENT_IDS[hand]}${++this.#hands}`;
  }
}
