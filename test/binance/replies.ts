import { Exact } from '../../ports/exact-decimal.ts';
import type { Fill, Market, Position } from './account.ts';
import type { AlgoOrder } from './algo-orders.ts';
import type { Order } from './orders.ts';

/** What Binance answers, field by field. Numbers that could lose digits are texts, as there. */

const plain = (value: Exact): string => value.toFixed();

export function orderReply(order: Order): object {
  const { executedQty, cumQuote } = order;
  return {
    orderId: order.orderId,
    symbol: order.symbol,
    status: order.status,
    clientOrderId: order.clientOrderId,
    price: plain(order.price),
    // Binance rounds the average; the fills have it exactly.
    avgPrice: executedQty.isZero() ? '0.00' : cumQuote.div(executedQty).toFixed(AVERAGE_DIGITS),
    origQty: plain(order.quantity),
    executedQty: plain(executedQty),
    cumQty: plain(executedQty),
    cumQuote: plain(cumQuote),
    timeInForce: 'GTC',
    type: order.type,
    reduceOnly: order.reduceOnly,
    closePosition: false,
    side: order.side,
    positionSide: order.positionSide,
    stopPrice: '0',
    workingType: 'CONTRACT_PRICE',
    priceProtect: false,
    origType: order.origType,
    priceMatch: 'NONE',
    selfTradePreventionMode: 'EXPIRE_MAKER',
    goodTillDate: 0,
    time: order.time,
    updateTime: order.updateTime,
  };
}

const AVERAGE_DIGITS = 5;

export function fillReply(fill: Fill, commissionAsset: string): object {
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
    commissionAsset,
    time: fill.time,
    positionSide: fill.positionSide,
    buyer: fill.side === 'BUY',
    maker: false,
  };
}

export function positionReply({ symbol, positionSide, amount, entryPrice, updateTime }: Position, mark: Exact): object {
  return {
    symbol,
    positionSide,
    positionAmt: plain(amount),
    entryPrice: plain(entryPrice),
    breakEvenPrice: plain(entryPrice),
    markPrice: plain(mark),
    unRealizedProfit: plain(mark.sub(entryPrice).mul(amount)),
    liquidationPrice: '0',
    isolatedMargin: '0',
    notional: plain(amount.mul(mark)),
    marginAsset: 'USDT',
    isolatedWallet: '0',
    initialMargin: plain(amount.mul(mark).abs().div(LEVERAGE)),
    maintMargin: '0',
    positionInitialMargin: '0',
    openOrderInitialMargin: '0',
    adl: 2,
    bidNotional: '0',
    askNotional: '0',
    updateTime,
  };
}

const LEVERAGE = 10;

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
    triggerPrice: order.triggerPrice,
    price: '0',
    actualOrderId: order.actualOrderId === null ? '' : String(order.actualOrderId),
    workingType: 'MARK_PRICE',
    closePosition: order.closePosition,
    reduceOnly: order.reduceOnly,
    createTime: order.time,
    updateTime: order.time,
  };
}

export function marketReply(market: Market): object {
  const { symbol, baseAsset, tick, lotStep, minQuantity, maxQuantity, marketMaxQuantity, minNotional } = market;
  const orderTypes = [
    'LIMIT',
    'MARKET',
    'STOP',
    'STOP_MARKET',
    'TAKE_PROFIT',
    'TAKE_PROFIT_MARKET',
    'TRAILING_STOP_MARKET',
  ];
  return {
    symbol,
    pair: symbol,
    contractType: 'PERPETUAL',
    deliveryDate: 4_133_404_800_000,
    onboardDate: 1_569_398_400_000,
    status: 'TRADING',
    baseAsset,
    quoteAsset: 'USDT',
    marginAsset: 'USDT',
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
      { filterType: 'MAX_NUM_ORDERS', limit: 200 },
      { filterType: 'MAX_NUM_ALGO_ORDERS', limit: 10 },
      { filterType: 'MIN_NOTIONAL', notional: minNotional },
      { filterType: 'PERCENT_PRICE', multiplierUp: '1.0500', multiplierDown: '0.9500', multiplierDecimal: '4' },
    ],
    orderTypes,
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX', 'GTD'],
  };
}
