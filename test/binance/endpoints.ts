import type { Random } from '../../ports/random.ts';
import type { Direction, PositionSide } from './account.ts';
import { BinanceError } from './binance-error.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import { klines } from './klines.ts';
import type { Matching } from './orders.ts';
import { algoReply, fillReply, marketReply, orderReply, positionReply } from './replies.ts';

export interface Asked {
  readonly exchange: BinanceExchange;
  readonly random: Random;
  readonly parameters: URLSearchParams;
  readonly matching: Matching;
  /** What fees are charged in. */
  readonly commissionAsset: string;
}

export interface Endpoint {
  readonly signed: boolean;
  readonly answer: (asked: Asked) => unknown;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const MOST = 1000;

/** The paths that the server knows, by method and path. */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET /fapi/v1/ping': open(() => ({})),
  'GET /fapi/v1/time': open(({ exchange }) => ({ serverTime: exchange.now() })),
  'GET /fapi/v1/exchangeInfo': open(({ exchange }) => ({
    timezone: 'UTC',
    serverTime: exchange.now(),
    futuresType: 'U_MARGINED',
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 2400 },
      { rateLimitType: 'ORDERS', interval: 'MINUTE', intervalNum: 1, limit: 1200 },
    ],
    exchangeFilters: [],
    assets: [{ asset: 'USDT', marginAvailable: true, autoAssetExchange: '-10000' }],
    symbols: [...exchange.orders.markets.values()].map(marketReply),
  })),
  'GET /fapi/v1/klines': open(({ exchange, random, parameters }) => {
    const symbol = symbolOf(parameters);
    const limit = Math.min(Number(parameters.get('limit') ?? 500), 1500);
    const price = exchange.orders.mark(symbol).toNumber();
    const made = klines(random, symbol, parameters.get('interval') ?? '', price, exchange.now(), limit);
    if (made === undefined) throw new BinanceError('-1102', 'interval');
    return made;
  }),
  'GET /fapi/v1/premiumIndex': open(({ exchange, parameters }) => {
    const of = (symbol: string): object => ({
      symbol,
      markPrice: exchange.orders.mark(symbol).toFixed(),
      indexPrice: exchange.orders.mark(symbol).toFixed(),
      estimatedSettlePrice: exchange.orders.mark(symbol).toFixed(),
      lastFundingRate: '0.00010000',
      interestRate: '0.00010000',
      nextFundingTime: exchange.now() + 3_600_000,
      time: exchange.now(),
    });
    const symbol = parameters.get('symbol');
    return symbol === null ? [...exchange.orders.markets.keys()].map(of) : of(symbol);
  }),
  'GET /fapi/v1/positionSide/dual': signed(({ exchange }) => ({ dualSidePosition: exchange.orders.hedge })),
  'POST /fapi/v1/positionSide/dual': signed(({ exchange, parameters }) => {
    const hedge = parameters.get('dualSidePosition') === 'true';
    if (hedge === exchange.orders.hedge) throw new BinanceError('-4059');
    exchange.orders.hedge = hedge;
    return { code: 200, msg: 'success' };
  }),
  'GET /fapi/v2/positionRisk': signed((asked) => positionsOf(asked, true)),
  'GET /fapi/v3/positionRisk': signed((asked) => positionsOf(asked, false)),
  'POST /fapi/v1/order': signed((asked) => placeOrder(asked)),
  'GET /fapi/v1/order': signed(({ exchange, parameters }) => {
    const symbol = symbolOf(parameters);
    const orderId = parameters.get('orderId');
    const clientOrderId = parameters.get('origClientOrderId') ?? undefined;
    if (orderId === null && clientOrderId === undefined) throw new BinanceError('-1102', 'orderId');
    const id = { orderId: orderId === null ? undefined : Number(orderId), clientOrderId };
    return orderReply(exchange.orders.find(symbol, id, exchange.now()));
  }),
  'GET /fapi/v1/allOrders': signed(({ exchange, parameters }) => {
    const within = rangeOf(parameters, exchange.now());
    return exchange.orders.ofSymbol(symbolOf(parameters)).filter(within).slice(-limitOf(parameters)).map(orderReply);
  }),
  'GET /fapi/v1/openOrders': signed(({ exchange, parameters }) =>
    exchange.orders
      .ofSymbol(symbolOf(parameters))
      .filter(({ status }) => status === 'NEW' || status === 'PARTIALLY_FILLED')
      .map(orderReply),
  ),
  'GET /fapi/v1/userTrades': signed(({ exchange, parameters, commissionAsset }) => {
    const fills = exchange.orders.account.fillsOf(symbolOf(parameters));
    const orderId = parameters.get('orderId');
    const fromId = parameters.get('fromId');
    const limit = limitOf(parameters);
    if (orderId !== null) {
      const own = lastOf(fills, (fill) => fill.orderId === Number(orderId), limit);
      return own.map((fill) => fillReply(fill, commissionAsset));
    }
    if (fromId !== null) {
      const later = fills.filter(({ id }) => id >= Number(fromId));
      return later.slice(0, limit).map((fill) => fillReply(fill, commissionAsset));
    }
    const within = rangeOf(parameters, exchange.now());
    const found = fills.filter(within);
    const page = parameters.has('startTime') ? found.slice(0, limit) : found.slice(-limit);
    return page.map((fill) => fillReply(fill, commissionAsset));
  }),
  'GET /fapi/v1/forceOrders': signed(({ exchange, parameters }) => {
    const symbol = parameters.get('symbol');
    return [...exchange.orders.all()]
      .filter((order) => symbol === null || order.symbol === symbol)
      .filter(({ clientOrderId }) => /^(adl_)?autoclose/.test(clientOrderId))
      .map(orderReply);
  }),
  'GET /fapi/v1/openAlgoOrders': signed(({ exchange, parameters }) =>
    exchange.algos
      .ofSymbol(parameters.get('symbol'))
      .filter(({ status }) => status === 'NEW')
      .map(algoReply),
  ),
  'GET /fapi/v1/allAlgoOrders': signed(({ exchange, parameters }) => {
    rangeOf(parameters, exchange.now());
    return exchange.algos.ofSymbol(symbolOf(parameters)).map(algoReply);
  }),
};

function open(answer: Endpoint['answer']): Endpoint {
  return { signed: false, answer };
}

function signed(answer: Endpoint['answer']): Endpoint {
  return { signed: true, answer };
}

function placeOrder({ exchange, parameters, matching }: Asked): object {
  const type = mandatory(parameters, 'type');
  if (type !== 'MARKET' && type !== 'LIMIT') throw new BinanceError('-4120');
  const reduceOnly = parameters.get('reduceOnly');
  const order = exchange.submit(
    {
      symbol: symbolOf(parameters),
      side: oneOf<Direction>(parameters, 'side', ['BUY', 'SELL']),
      positionSide: parameters.has('positionSide')
        ? oneOf<PositionSide>(parameters, 'positionSide', ['BOTH', 'LONG', 'SHORT'])
        : null,
      type,
      quantity: mandatory(parameters, 'quantity'),
      price: type === 'LIMIT' ? mandatory(parameters, 'price') : null,
      reduceOnly: reduceOnly === null ? null : reduceOnly === 'true',
      clientOrderId: mandatory(parameters, 'newClientOrderId'),
    },
    matching,
  );
  const reply = orderReply(order);
  if (parameters.get('newOrderRespType') === 'RESULT') return reply;
  return { ...reply, status: 'NEW', executedQty: '0', cumQty: '0', cumQuote: '0', avgPrice: '0.00' };
}

/** The newer version of the endpoint leaves out symbols without a position. */
function positionsOf({ exchange, parameters }: Asked, flatOnes: boolean): readonly object[] {
  const symbol = parameters.get('symbol');
  return [...exchange.orders.account.positions.values()]
    .filter((position) => (symbol === null || position.symbol === symbol) && (flatOnes || !position.amount.isZero()))
    .map((position) => positionReply(position, exchange.orders.mark(position.symbol)));
}

/** A start without an end reaches a week; neither is the last week; both may be a week apart. */
function rangeOf(parameters: URLSearchParams, now: number): (one: { readonly time: number }) => boolean {
  const start = parameters.get('startTime');
  const end = parameters.get('endTime');
  const to = end === null ? (start === null ? now : Number(start) + WEEK_MS) : Number(end);
  const from = start === null ? to - WEEK_MS : Number(start);
  if (to - from > WEEK_MS) throw new BinanceError('-1102', 'startTime');
  return ({ time }) => time >= from && time <= to;
}

function limitOf(parameters: URLSearchParams): number {
  const limit = Number(parameters.get('limit') ?? 500);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST) throw new BinanceError('-1102', 'limit');
  return limit;
}

/** The last ones that fit, found from the end: what is asked for is mostly new. */
function lastOf<T>(list: readonly T[], fits: (one: T) => boolean, limit: number): readonly T[] {
  const found: T[] = [];
  for (let index = list.length - 1; index >= 0 && found.length < limit; index--) {
    const one = list[index];
    if (one === undefined) break;
    if (fits(one)) found.unshift(one);
    // Fills of an order are neighbours, but for those of another between them.
    else if (found.length > 0 && list.length - index > MOST) break;
  }
  return found;
}

function symbolOf(parameters: URLSearchParams): string {
  return mandatory(parameters, 'symbol');
}

function mandatory(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null || value === '') throw new BinanceError('-1102', name);
  return value;
}

function oneOf<T extends string>(parameters: URLSearchParams, name: string, allowed: readonly T[]): T {
  const value = mandatory(parameters, name);
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new BinanceError('-1102', name);
  return found;
}
