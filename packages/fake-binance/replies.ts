import { Exact } from '../../ports/exact-decimal.ts';
import type { Fill } from './account.ts';
import type { AlgoOrder } from './algo-orders.ts';
import { MOST_OPEN_ORDERS, PRICE_CAP, PRICE_FLOOR, type Market } from './market.ts';
import type { Order } from './order.ts';

/** Binance's forms of orders, fills, conditional orders and markets. As there, decimals are texts. */

const plain = (value: Exact): string => value.toFixed();

/** Binance rounds the average price of an order. Unit: decimal places. */
const AVERAGE_DIGITS = 5;

export function orderReply(order: Order): object {
  const { executedQty, cumQuote } = order;
  return {
    orderId: order.orderId,
    symbol: order.symbol,
    status: order.status,
    clientOrderId: order.clientOrderId,
    price: plain(order.price),
    avgPrice: executedQty.isZero() ? '0.00' : cumQuote.div(executedQty).toFixed(AVERAGE_DIGITS),
    origQty: plain(order.quantity),
    executedQty: plain(executedQty),
    cumQty: plain(executedQty),
    cumQuote: plain(cumQuote),
    timeInForce: order.timeInForce,
    type: order.type,
    reduceOnly: order.reduceOnly,
    closePosition: false,
    side: order.side,
    positionSide: order.positionSide,
    stopPrice: '0',
    workingType: 'CONTRACT_PRICE',
    priceProtect: false,
    origType: order.type,
    priceMatch: 'NONE',
    selfTradePreventionMode: 'EXPIRE_MAKER',
    goodTillDate: 0,
    time: order.time,
    updateTime: order.updateTime,
  };
}

/** The answer to an order with newOrderRespType ACK: taken, without its fills. */
export function acknowledgement(order: Order): object {
  return { ...orderReply(order), status: 'NEW', executedQty: '0', cumQty: '0', cumQuote: '0', avgPrice: '0.00' };
}

export function fillReply(fill: Fill): object {
  return {
    symbol: fill.symbol,
    id: fill.id,
    orderId: fill.orderId,
    side: fill.side,
    price: plain(fill.price),
    qty: plain(fill.quantity),
    realizedPnl: plain(fill.realizedPnl),
    quoteQty: plain(fill.quantity.mul(fill.price)),
    commission: plain(fill.commission),
    commissionAsset: fill.commissionAsset,
    time: fill.time,
    positionSide: fill.positionSide,
    buyer: fill.side === 'BUY',
    maker: fill.maker,
  };
}

export function algoReply(order: AlgoOrder): object {
  return {
    algoId: order.algoId,
    clientAlgoId: order.clientAlgoId,
    algoType: 'CONDITIONAL',
    orderType: order.orderType,
    symbol: order.symbol,
    side: order.side,
    positionSide: order.positionSide,
    timeInForce: 'GTC',
    quantity: order.quantity,
    algoStatus: order.status,
    actualOrderId: order.actualOrderId === null ? '' : String(order.actualOrderId),
    actualPrice: '0',
    triggerPrice: order.triggerPrice,
    price: '0',
    icebergQuantity: null,
    selfTradePreventionMode: 'EXPIRE_MAKER',
    workingType: order.workingType,
    priceMatch: 'NONE',
    closePosition: order.closePosition,
    priceProtect: false,
    reduceOnly: order.reduceOnly,
    createTime: order.time,
    updateTime: order.updateTime,
    triggerTime: order.triggerTime,
    goodTillDate: 0,
  };
}

/** ccxt itself rejects order types that are not listed. */
const ORDER_TYPES = [
  'LIMIT',
  'MARKET',
  'STOP',
  'STOP_MARKET',
  'TAKE_PROFIT',
  'TAKE_PROFIT_MARKET',
  'TRAILING_STOP_MARKET',
];

export function marketReply(market: Market): object {
  const { symbol, baseAsset, quoteAsset, contractType, deliveryDate } = market;
  const { tick, lotStep, minQuantity, maxQuantity, marketMaxQuantity, minNotional, status } = market;
  return {
    symbol,
    pair: `${baseAsset}${quoteAsset}`,
    contractType,
    deliveryDate,
    onboardDate: 1_569_398_400_000,
    status,
    maintMarginPercent: '2.5000',
    requiredMarginPercent: '5.0000',
    baseAsset,
    quoteAsset,
    marginAsset: quoteAsset,
    pricePrecision: new Exact(tick).decimalPlaces(),
    quantityPrecision: new Exact(lotStep).decimalPlaces(),
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: 'COIN',
    underlyingSubType: [],
    triggerProtect: '0.0500',
    liquidationFee: '0.0125',
    marketTakeBound: '0.05',
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: tick, maxPrice: '10000000', tickSize: tick },
      { filterType: 'LOT_SIZE', stepSize: lotStep, minQty: minQuantity, maxQty: maxQuantity },
      { filterType: 'MARKET_LOT_SIZE', stepSize: lotStep, minQty: minQuantity, maxQty: marketMaxQuantity },
      { filterType: 'MAX_NUM_ORDERS', limit: MOST_OPEN_ORDERS },
      { filterType: 'MIN_NOTIONAL', notional: minNotional },
      { filterType: 'PERCENT_PRICE', multiplierUp: PRICE_CAP, multiplierDown: PRICE_FLOOR, multiplierDecimal: '4' },
    ],
    orderTypes: ORDER_TYPES,
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX', 'GTD'],
  };
}
