import type { Direction } from './account.ts';
import { BinanceError } from './binance-error.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import {
  type EndpointCall,
  type EndpointTable,
  signed,
  booleanOf,
  limitOf,
  mandatory,
  oneOf,
  positionSideOf,
  rangeOf,
  symbolOf,
  wholeOf,
} from './endpoint.ts';
import { type OrderRequest, type TimeInForce, isOpen, type OrderName } from './order.ts';
import { acknowledgement, orderReply } from './replies.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Orders } from './orders.ts';

/** Types that Binance moved to the algo endpoints in December 2025. */
const CONDITIONAL_TYPES = ['STOP', 'STOP_MARKET', 'TAKE_PROFIT', 'TAKE_PROFIT_MARKET', 'TRAILING_STOP_MARKET'];

const IN_FORCE: readonly TimeInForce[] = ['GTC', 'IOC', 'FOK', 'GTX'];

/** Unit: orders. */
const USUAL_FORCED = 50;
const MOST_FORCED = 100;

/** Endpoints of ordinary orders. */
export const ORDER_ENDPOINTS: EndpointTable = {
  'POST /fapi/v1/order': signed(placeOrder),
  'GET /fapi/v1/order': signed(({ exchange, parameters }) =>
    orderReply(exchange.orders.find(marketOf(exchange, parameters), nameOf(parameters), exchange.now())),
  ),
  'DELETE /fapi/v1/order': signed(({ exchange, parameters }) =>
    orderReply(exchange.orders.cancel(marketOf(exchange, parameters), nameOf(parameters), exchange.now())),
  ),
  'DELETE /fapi/v1/allOpenOrders': signed(({ exchange, parameters }) => {
    const symbol = marketOf(exchange, parameters);
    for (const { orderId } of exchange.orders.index.open(symbol)) {
      exchange.orders.cancel(symbol, { orderId }, exchange.now());
    }
    return { code: 200, msg: 'The operation of cancel all open order is done.' };
  }),
  'GET /fapi/v1/openOrder': signed(({ exchange, parameters }) => {
    const order = exchange.orders.find(marketOf(exchange, parameters), nameOf(parameters), exchange.now());
    if (!isOpen(order)) throw new BinanceError('-2013');
    return orderReply(order);
  }),
  'GET /fapi/v1/openOrders': signed(({ exchange, parameters }) => {
    const symbol = parameters.has('symbol') ? marketOf(exchange, parameters) : undefined;
    return exchange.orders.index.open(symbol).map(orderReply);
  }),
  'GET /fapi/v1/allOrders': signed(({ exchange, parameters }) => {
    const symbol = marketOf(exchange, parameters);
    const { index } = exchange.orders;
    const now = exchange.now();
    const limit = limitOf(parameters);
    const orderId = wholeOf(parameters, 'orderId');
    if (orderId !== undefined) return index.fromId(symbol, orderId, limit, now).map(orderReply);
    const { from, to } = rangeOf(parameters, now);
    return index.between(symbol, from, to, limit, now).map(orderReply);
  }),
  'GET /fapi/v1/forceOrders': signed(({ exchange, parameters }) => {
    const symbol = parameters.get('symbol');
    const kind = parameters.has('autoCloseType')
      ? oneOf(parameters, 'autoCloseType', ['LIQUIDATION', 'ADL'] as const)
      : null;
    const { from, to } = rangeOf(parameters, exchange.now());
    return exchange.orders.index
      .forcedBetween(from, to, limitOf(parameters, USUAL_FORCED, MOST_FORCED))
      .filter((order) => symbol === null || order.symbol === symbol)
      .filter(({ clientOrderId }) => kind === null || clientOrderId.startsWith('adl') === (kind === 'ADL'))
      .map(orderReply);
  }),
};

function placeOrder({ exchange, parameters, matching }: EndpointCall): object {
  const symbol = symbolOf(parameters);
  const side = oneOf<Direction>(parameters, 'side', ['BUY', 'SELL'], '-1117');
  const type = mandatory(parameters, 'type');
  if (CONDITIONAL_TYPES.includes(type)) throw new BinanceError('-4120');
  if (type !== 'MARKET' && type !== 'LIMIT') throw new BinanceError('-1116');
  const answered = parameters.has('newOrderRespType')
    ? oneOf(parameters, 'newOrderRespType', ['ACK', 'RESULT'] as const, '-1136')
    : 'ACK';
  const request: OrderRequest = {
    symbol,
    side,
    positionSide: positionSideOf(parameters),
    type,
    quantity: mandatory(parameters, 'quantity'),
    price: type === 'LIMIT' ? mandatory(parameters, 'price') : null,
    reduceOnly: booleanOf(parameters, 'reduceOnly'),
    clientOrderId: parameters.get('newClientOrderId') ?? exchange.newClientId(),
    ...(type === 'LIMIT' ? { timeInForce: oneOf(parameters, 'timeInForce', IN_FORCE, '-1115') } : {}),
  };
  vetAgainstResting(exchange.orders, request);
  const order = exchange.submit(request, matching);
  return answered === 'RESULT' ? orderReply(order) : acknowledgement(order);
}

/** The symbol that is named. Throws -1121 where there is no such market. */
function marketOf({ orders }: BinanceExchange, parameters: URLSearchParams): string {
  return orders.market(symbolOf(parameters)).symbol;
}

function nameOf(parameters: URLSearchParams): OrderName {
  const orderId = wholeOf(parameters, 'orderId');
  const clientOrderId = parameters.get('origClientOrderId') ?? undefined;
  if (orderId === undefined && clientOrderId === undefined) throw new BinanceError('-1102', 'orderId');
  return { orderId, clientOrderId };
}

/**
 * Throws -4118 for a reducing order if resting orders would already reduce the position so far that too little of it is left. An order larger
 * than the position itself is rejected elsewhere.
 */
function vetAgainstResting(orders: Orders, { symbol, side, positionSide, reduceOnly, quantity }: OrderRequest): void {
  const own = positionSide ?? 'BOTH';
  const closing = own === 'BOTH' ? reduceOnly === true : side === (own === 'LONG' ? 'SELL' : 'BUY');
  if (!closing) return;
  const resting = orders.index
    .open(symbol)
    .filter((one) => one.side === side && one.positionSide === own && (own !== 'BOTH' || one.reduceOnly));
  const reserved = Exact.sum(0, ...resting.map((one) => one.quantity.sub(one.executedQty)));
  if (reserved.isZero()) return;
  const open = orders.account.reducible(symbol, own, side);
  if (open.gte(quantity) && open.lt(reserved.add(quantity))) throw new BinanceError('-4118');
}
