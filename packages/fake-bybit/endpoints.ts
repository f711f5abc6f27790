import { Exact } from '../../ports/exact-decimal.ts';
import type { Desk, Order, OrderRequest, Slot } from '../fake-exchange/desk.ts';
import { type Funding, executionRow, fundingRow, instrumentRow, orderRow, positionRow, stopRow } from './replies.ts';

export interface EndpointCall {
  readonly desk: Desk;
  readonly funding: readonly Funding[];
  readonly marginMode: string;
  readonly isUnified: boolean;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Endpoint {
  readonly signed: boolean;
  readonly answer: (asked: EndpointCall) => object;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;
const TWO_YEARS_MS = 730 * DAY_MS;

const CLIENT_ID = /^[0-9A-Za-z_-]{1,36}$/;

/** All endpoints, by method and path. */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET /v5/market/time': {
    signed: false,
    answer: ({ desk }) => ({ timeSecond: String(Math.floor(desk.now() / 1000)), timeNano: `${desk.now()}000000` }),
  },
  'GET /v5/market/instruments-info': { signed: false, answer: instruments },
  'GET /v5/market/tickers': {
    signed: false,
    answer: ({ desk, parameters }) => {
      const symbol = marketOf(desk, parameters);
      const price = desk.mark(symbol).toFixed();
      const row = {
        symbol,
        lastPrice: price,
        markPrice: price,
        indexPrice: price,
        openInterestValue: '1',
        prevPrice24h: price,
      };
      return { category: 'linear', list: [row] };
    },
  },
  'GET /v5/market/kline': {
    signed: false,
    answer: ({ desk, parameters }) => {
      const symbol = marketOf(desk, parameters);
      if (parameters['interval'] !== '5') throw new BybitError(10001, 'interval');
      const list = desk
        .candles(symbol, Math.min(Number(parameters['limit'] ?? 200), 1000))
        .map(([openTime, price]) => [String(openTime), price, price, price, price, '1000', '1000']);
      return { category: 'linear', symbol, list };
    },
  },
  'GET /v5/user/query-api': {
    signed: true,
    answer: ({ isUnified }) => ({ id: '1', readOnly: 0, unified: 0, uta: isUnified ? 1 : 0 }),
  },
  'GET /v5/account/info': {
    signed: true,
    answer: ({ marginMode, isUnified }) => ({ marginMode, unifiedMarginStatus: isUnified ? 5 : 1 }),
  },
  'GET /v5/position/list': { signed: true, answer: positions },
  'POST /v5/order/create': { signed: true, answer: createOrder },
  'POST /v5/order/cancel': {
    signed: true,
    answer: ({ desk, parameters }) => {
      const order = desk.orders.find((one) => one.status === 'open' && isNamed(one, parameters));
      if (order === undefined) throw new BybitError(110001);
      desk.cancel(order);
      return { orderId: order.id, orderLinkId: order.clientId };
    },
  },
  'GET /v5/order/realtime': { signed: true, answer: openOrders },
  'GET /v5/order/history': { signed: true, answer: doneOrders },
  'GET /v5/execution/list': { signed: true, answer: executions },
};

function instruments({ desk, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const list = parameters['status'] === 'PreLaunch' ? [] : [...desk.markets.values()].map(instrumentRow);
  return { category: 'linear', ...pageOf(list, parameters, 1000, 500) };
}

/** The positions of a symbol, flat ones included, or the open positions of a settle coin. */
function positions({ desk, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const { symbol, settleCoin } = parameters;
  const slots: readonly Slot[] = desk.options.hedge ? ['LONG', 'SHORT'] : ['NET'];
  if (typeof symbol === 'string') {
    const own = marketOf(desk, parameters);
    return {
      category: 'linear',
      nextPageCursor: '',
      list: slots.map((slot) => positionRow(desk.position(own, slot), desk)),
    };
  }
  if (typeof settleCoin !== 'string') throw new BybitError(10001, 'symbol or settleCoin');
  const open = [...desk.positions.values()].filter(
    (one) => !one.amount.isZero() && desk.markets.get(one.symbol)?.quote === settleCoin,
  );
  return {
    category: 'linear',
    ...pageOf(
      open.map((one) => positionRow(one, desk)),
      parameters,
      200,
      20,
    ),
  };
}

function createOrder({ desk, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const request = vetted(desk, parameters);
  const order = desk.submit(request);
  return { orderId: order.id, orderLinkId: order.clientId };
}

/** Checks an order. Throws Bybit's rejection. A reducing order is cut to the open quantity. */
function vetted(desk: Desk, parameters: EndpointCall['parameters']): OrderRequest {
  const {
    side,
    orderType,
    qty,
    price,
    timeInForce,
    orderLinkId = '',
    reduceOnly = false,
    positionIdx = 0,
  } = parameters;
  const symbol = marketOf(desk, parameters);
  const market = desk.markets.get(symbol);
  if (market === undefined) throw new BybitError(10001, 'symbol');
  if (!market.isTrading) throw new BybitError(110074);
  if (orderLinkId !== '' && !CLIENT_ID.test(String(orderLinkId))) throw new BybitError(10001, 'orderLinkId');
  if (orderLinkId !== '' && desk.orders.some(({ clientId }) => clientId === orderLinkId)) throw new BybitError(110072);
  if (side !== 'Buy' && side !== 'Sell') throw new BybitError(10001, 'side');
  if (orderType !== 'Market' && orderType !== 'Limit') throw new BybitError(10001, 'orderType');
  const direction = side === 'Buy' ? 'BUY' : 'SELL';
  const slot: Slot = positionIdx === 0 ? 'NET' : positionIdx === 1 ? 'LONG' : 'SHORT';
  if (desk.options.hedge !== (slot !== 'NET')) throw new BybitError(10001, 'position idx not match position mode');
  if (typeof qty !== 'string' || !/^\d+(\.\d+)?$/.test(qty)) throw new BybitError(10001, 'Qty invalid');
  const quantity = new Exact(qty);
  const most = orderType === 'Market' ? market.marketMaxQuantity : market.maxQuantity;
  if (quantity.lte(0) || !quantity.mod(market.lotStep).isZero()) throw new BybitError(10001, 'Qty invalid');
  if (quantity.gt(most)) throw new BybitError(10001, 'The number of contracts exceeds maximum limit allowed');
  if (quantity.lt(market.minQuantity))
    throw new BybitError(10001, 'The number of contracts exceeds minimum limit allowed');
  const open = desk.reducible(symbol, slot, direction);
  const reduces = reduceOnly === true || slot === (direction === 'SELL' ? 'LONG' : 'SHORT');
  if (reduces && open.isZero()) throw new BybitError(110017);
  const limit = orderType === 'Limit' ? new Exact(String(price)) : null;
  if (!reduces && quantity.mul(limit ?? desk.mark(symbol)).lt(market.minNotional)) throw new BybitError(110094);
  return {
    clientId: String(orderLinkId),
    symbol,
    direction,
    slot,
    type: limit === null ? 'market' : 'limit',
    timeInForce: inForce(timeInForce),
    quantity: reduces ? Exact.min(quantity, open) : quantity,
    price: limit,
    reduceOnly: reduces,
  };
}

function inForce(given: unknown): OrderRequest['timeInForce'] {
  if (given === 'PostOnly') return 'POST_ONLY';
  return given === 'IOC' || given === 'FOK' ? given : 'GTC';
}

/** Open orders only: finished ones are in the history. */
function openOrders({ desk, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const stops = desk.stops.filter((stop) => stop.isOpen && matches(parameters, stop.symbol, stop.id, '')).map(stopRow);
  if (parameters['orderFilter'] === 'StopOrder') return { category: 'linear', ...pageOf(stops, parameters, 50, 20) };
  const orders = desk.orders.filter((order) => order.status === 'open' && isNamed(order, parameters)).map(orderRow);
  return { category: 'linear', ...pageOf([...orders, ...stops], parameters, 50, 20) };
}

/** Finished orders, newest first; of the last week where no time is given. */
function doneOrders({ desk, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const { from, to } = rangeOf(parameters, desk.now());
  const done = desk.orders
    .filter((order) => order.status !== 'open' && order.createdAt >= from && order.createdAt <= to)
    .filter((order) => isNamed(order, parameters))
    .toReversed();
  return { category: 'linear', ...pageOf(done.map(orderRow), parameters, 50, 20) };
}

/** Fills and funding payments, newest first; of one type where one is given. */
function executions({ desk, funding, parameters }: EndpointCall): object {
  mustBeLinear(parameters);
  const symbol = marketOf(desk, parameters);
  const { from, to } = rangeOf(parameters, desk.now());
  const { execType, orderId } = parameters;
  const fills = desk.fillsOf(symbol, from, to).map((fill) => ({ at: fill.at, row: executionRow(fill) }));
  const paid = funding
    .filter((one) => one.symbol === symbol && one.at >= from && one.at <= to)
    .map((one) => ({ at: one.at, row: fundingRow(one) }));
  const rows: readonly Record<string, unknown>[] = [...fills, ...paid]
    .toSorted((one, other) => other.at - one.at)
    .map(({ row }) => ({ ...row }));
  const wanted = rows
    .filter((row) => execType === undefined || row['execType'] === execType)
    .filter((row) => orderId === undefined || row['orderId'] === orderId);
  return { category: 'linear', ...pageOf(wanted, parameters, 100) };
}

/** A page with its cursor. Orders and executions have a cursor with every page that has rows; other lists only where more rows follow. */
function pageOf(
  rows: readonly object[],
  { limit, cursor }: EndpointCall['parameters'],
  most: number,
  usual = 50,
): object {
  const count = limit === undefined ? usual : Number(limit);
  if (!(count >= 1 && count <= most)) throw new BybitError(10001, 'limit');
  const start = typeof cursor === 'string' && cursor !== '' ? Number(cursor.split(':', 1)[0]) : 0;
  const list = rows.slice(start, start + count);
  const end = start + list.length;
  const hasCursor = most <= 100 ? list.length > 0 : end < rows.length;
  return { nextPageCursor: hasCursor ? `${end}%3A0` : '', list };
}

/** A start alone means a week from there, neither bound the last week; both may be at most a week apart. */
function rangeOf({ startTime, endTime }: EndpointCall['parameters'], now: number): { from: number; to: number } {
  const start = startTime === undefined ? null : Number(startTime);
  const end = endTime === undefined ? null : Number(endTime);
  const from = start ?? (end ?? now) - WEEK_MS;
  const to = end ?? (start === null ? now : start + WEEK_MS);
  if (to - from > WEEK_MS)
    throw new BybitError(10001, 'The time range between startTime and endTime cannot exceed 7 days');
  if (from < now - TWO_YEARS_MS) throw new BybitError(10001, 'Can only query the data within the last 2 years');
  return { from, to };
}

function isNamed({ symbol, id, clientId }: Order, parameters: EndpointCall['parameters']): boolean {
  return matches(parameters, symbol, id, clientId);
}

/** Filters by the exchange's id where given, else by the client's, else by symbol. */
function matches(
  { orderId, orderLinkId, symbol }: EndpointCall['parameters'],
  ...own: readonly [string, string, string]
): boolean {
  if (orderId !== undefined && orderId !== '') return own[1] === orderId;
  if (orderLinkId !== undefined && orderLinkId !== '') return own[2] === orderLinkId;
  return symbol === undefined || own[0] === symbol;
}

function marketOf(desk: Desk, { symbol }: EndpointCall['parameters']): string {
  if (typeof symbol === 'string' && desk.markets.has(symbol)) return symbol;
  throw new BybitError(10001, 'symbol invalid');
}

function mustBeLinear({ category }: EndpointCall['parameters']): void {
  if (category !== 'linear') throw new BybitError(10001, 'category');
}

/** Bybit's error codes and messages, from its V5 documentation. */
const WORDS = {
  10001: 'Request parameter error: %s',
  10002: 'invalid request, please check your server timestamp or recv_window param',
  10003: 'API key is invalid.',
  10004: 'Error sign, please check your signature generation algorithm.',
  10006: 'Too many visits. Exceeded the API Rate Limit.',
  10016: 'Internal server error.',
  110001: 'Order does not exist',
  110017: 'current position is zero, cannot fix reduce-only order qty',
  110072: 'OrderLinkedID is duplicate',
  110074: 'This contract is not live',
  110094: 'Order does not meet minimum order value 5USDT',
} as const;

export type BybitCode = keyof typeof WORDS;

export class BybitError extends Error {
  override readonly name = 'BybitError';
  readonly code: BybitCode;

  constructor(code: BybitCode, detail = '') {
    super(WORDS[code].replace('%s', detail));
    this.code = code;
  }
}
