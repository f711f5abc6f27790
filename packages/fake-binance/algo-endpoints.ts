import type { Direction } from './account.ts';
import { type AlgoName, type ConditionalType, isReached } from './algo-orders.ts';
import { BinanceError } from './binance-error.ts';
import { type Asked, type EndpointTable, signed } from './endpoint.ts';
import { vetClientId, vetQuantity, vetTriggerPrice } from './filters.ts';
import { booleanOf, limitOf, mandatory, oneOf, positionSideOf, rangeOf, symbolOf, wholeOf } from './parameters.ts';
import { algoReply } from './replies.ts';

/** Conditional orders. */
export const ALGO_ENDPOINTS: EndpointTable = {
  'POST /fapi/v1/algoOrder': signed(placeAlgo),
  'GET /fapi/v1/algoOrder': signed(({ exchange, parameters }) => algoReply(exchange.algos.find(nameOf(parameters)))),
  'DELETE /fapi/v1/algoOrder': signed(({ exchange, parameters }) => {
    const { algoId, clientAlgoId } = exchange.algos.cancel(nameOf(parameters), exchange.now());
    return { algoId, clientAlgoId, code: '200', msg: 'success' };
  }),
  'DELETE /fapi/v1/algoOpenOrders': signed(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    for (const { algoId } of exchange.algos.open(symbol)) exchange.algos.cancel({ algoId }, exchange.now());
    return { code: 200, msg: 'The operation of cancel all open order is done.' };
  }),
  'GET /fapi/v1/openAlgoOrders': signed(({ exchange, parameters }) => {
    const symbol = parameters.has('symbol') ? exchange.orders.market(symbolOf(parameters)).symbol : null;
    return exchange.algos.open(symbol).map(algoReply);
  }),
  'GET /fapi/v1/allAlgoOrders': signed(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    const { from, to } = rangeOf(parameters, exchange.now());
    const within = exchange.algos.ofSymbol(symbol).filter(({ time }) => time >= from && time <= to);
    return within.slice(-limitOf(parameters)).map(algoReply);
  }),
};

const TYPES: readonly ConditionalType[] = ['STOP_MARKET', 'TAKE_PROFIT_MARKET'];

/** What it would close is looked at when it is triggered. */
function placeAlgo({ exchange, parameters }: Asked): object {
  oneOf(parameters, 'algoType', ['CONDITIONAL'] as const);
  const market = exchange.orders.market(symbolOf(parameters));
  const side = oneOf<Direction>(parameters, 'side', ['BUY', 'SELL'], '-1117');
  const orderType = oneOf(parameters, 'type', TYPES, '-1116');
  const triggerPrice = mandatory(parameters, 'triggerPrice');
  const closePosition = booleanOf(parameters, 'closePosition') === true;
  const reduceOnly = booleanOf(parameters, 'reduceOnly');
  const clientAlgoId = parameters.get('clientAlgoId') ?? exchange.newClientId();
  if (closePosition && parameters.has('quantity')) throw new BinanceError('-4137');
  const quantity = closePosition ? '0' : mandatory(parameters, 'quantity');
  vetClientId(clientAlgoId);
  vetTriggerPrice(triggerPrice, market);
  if (!closePosition) vetQuantity({ quantity, type: 'MARKET' }, market);
  const positionSide = exchange.orders.positionSideOf({ positionSide: positionSideOf(parameters), reduceOnly });
  if (isReached({ orderType, side, triggerPrice }, exchange.orders.mark(market.symbol))) {
    throw new BinanceError('-2021');
  }
  const order = exchange.algos.add({
    clientAlgoId,
    symbol: market.symbol,
    side,
    positionSide,
    orderType,
    quantity,
    triggerPrice,
    workingType: parameters.get('workingType') === 'MARK_PRICE' ? 'MARK_PRICE' : 'CONTRACT_PRICE',
    reduceOnly: closePosition || reduceOnly === true,
    closePosition,
    time: exchange.now(),
  });
  return algoReply(order);
}

function nameOf(parameters: URLSearchParams): AlgoName {
  const algoId = wholeOf(parameters, 'algoId');
  const clientAlgoId = parameters.get('clientAlgoId') ?? undefined;
  if (algoId === undefined && clientAlgoId === undefined) throw new BinanceError('-1102', 'algoId');
  return { algoId, clientAlgoId };
}
