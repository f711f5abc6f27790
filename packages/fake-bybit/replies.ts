import type { Exact } from '../../ports/exact-decimal.ts';
import type { Desk, Fill, Hand, Order, Position, Stop } from '../fake-exchange/desk.ts';
import type { Market } from '../fake-exchange/market.ts';

/** Rows in Bybit's form. Decimals and times are texts. */

const CREATED_BY: Readonly<Record<Hand, string>> = {
  client: 'CreateByUser',
  web: 'CreateByUser',
  stop: 'CreateByStopLoss',
  target: 'CreateByTakeProfit',
  liquidation: 'CreateByLiq',
  adl: 'CreateByAdl_PassThrough',
  settlement: 'CreateBySettle',
};

const STOP_TYPES: Readonly<Partial<Record<Hand, string>>> = { stop: 'StopLoss', target: 'TakeProfit' };

const EXECUTED_AS: Readonly<Partial<Record<Hand, string>>> = {
  liquidation: 'BustTrade',
  adl: 'AdlTrade',
  settlement: 'Settle',
};

const STATUSES = { open: 'New', filled: 'Filled', cancelled: 'Cancelled' } as const;

export function instrumentRow(market: Market): object {
  return {
    symbol: market.symbol,
    contractType: market.deliversAt === null ? 'LinearPerpetual' : 'LinearFutures',
    status: market.isTrading ? 'Trading' : 'Closed',
    baseCoin: market.base,
    quoteCoin: market.quote,
    settleCoin: market.quote,
    launchTime: '1585526400000',
    deliveryTime: String(market.deliversAt ?? 0),
    deliveryFeeRate: '',
    priceScale: '2',
    leverageFilter: { minLeverage: '1', maxLeverage: '100.00', leverageStep: '0.01' },
    priceFilter: { minPrice: market.tick, maxPrice: '1999999.80', tickSize: market.tick },
    lotSizeFilter: {
      maxOrderQty: market.maxQuantity,
      minOrderQty: market.minQuantity,
      qtyStep: market.lotStep,
      postOnlyMaxOrderQty: market.maxQuantity,
      maxMktOrderQty: market.marketMaxQuantity,
      minNotionalValue: market.minNotional,
    },
    unifiedMarginTrade: true,
    fundingInterval: 480,
    copyTrading: 'none',
  };
}

/** 1 and 2 for the sides in hedge mode, 0 in one-way mode. */
function positionIdxOf(slot: Position['slot']): 0 | 1 | 2 {
  if (slot === 'NET') return 0;
  return slot === 'LONG' ? 1 : 2;
}

export function positionRow({ symbol, slot, amount, entryPrice, openedAt, updatedAt }: Position, desk: Desk): object {
  const mark = desk.mark(symbol);
  const flat = amount.isZero();
  return {
    positionIdx: positionIdxOf(slot),
    riskId: 1,
    riskLimitValue: '2000000',
    symbol,
    side: flat ? '' : amount.isNegative() ? 'Sell' : 'Buy',
    size: amount.abs().toFixed(),
    avgPrice: flat ? '0' : entryPrice.toFixed(),
    positionValue: flat ? '' : amount.abs().mul(entryPrice).toFixed(),
    tradeMode: 0,
    positionStatus: 'Normal',
    autoAddMargin: 0,
    leverage: '10',
    positionBalance: '0',
    markPrice: mark.toFixed(),
    liqPrice: '',
    bustPrice: '',
    positionMM: '0',
    positionIM: '0',
    tpslMode: 'Full',
    takeProfit: '',
    stopLoss: '',
    trailingStop: '0',
    unrealisedPnl: flat ? '' : mark.sub(entryPrice).mul(amount).toFixed(),
    cumRealisedPnl: '0',
    createdTime: String(openedAt),
    updatedTime: String(updatedAt),
    seq: 1,
  };
}

export function orderRow(order: Order): object {
  const { filled, quantity, value, fee } = order;
  return {
    orderId: order.id,
    orderLinkId: order.clientId,
    symbol: order.symbol,
    side: order.direction === 'BUY' ? 'Buy' : 'Sell',
    orderType: order.type === 'market' ? 'Market' : 'Limit',
    orderStatus: order.status === 'cancelled' && filled.gt(0) ? 'PartiallyFilledCanceled' : STATUSES[order.status],
    createType: CREATED_BY[order.hand],
    stopOrderType: STOP_TYPES[order.hand] ?? '',
    cancelType: 'UNKNOWN',
    timeInForce: order.type === 'market' ? 'IOC' : order.timeInForce === 'POST_ONLY' ? 'PostOnly' : order.timeInForce,
    positionIdx: positionIdxOf(order.slot),
    price: order.price?.toFixed() ?? '0',
    qty: quantity.toFixed(),
    avgPrice: filled.isZero() ? '' : value.div(filled).toDecimalPlaces(4).toFixed(),
    cumExecQty: filled.toFixed(),
    cumExecValue: value.toFixed(),
    cumExecFee: fee.toFixed(),
    leavesQty: order.status === 'open' ? quantity.sub(filled).toFixed() : '0',
    leavesValue: '0',
    triggerPrice: '',
    triggerDirection: 0,
    triggerBy: '',
    takeProfit: '',
    stopLoss: '',
    tpslMode: '',
    reduceOnly: order.reduceOnly,
    closeOnTrigger: false,
    rejectReason: 'EC_NoError',
    createdTime: String(order.createdAt),
    updatedTime: String(order.updatedAt),
  };
}

/** An open stop or target of the whole position. It keeps its id when it triggers. */
export function stopRow(stop: Stop): object {
  const isStop = stop.kind === 'stop';
  const rises = (stop.side === 'LONG') !== isStop;
  return {
    orderId: stop.id,
    orderLinkId: '',
    symbol: stop.symbol,
    side: stop.side === 'LONG' ? 'Sell' : 'Buy',
    orderType: 'Market',
    orderStatus: 'Untriggered',
    createType: isStop ? 'CreateByStopLoss' : 'CreateByTakeProfit',
    stopOrderType: isStop ? 'StopLoss' : 'TakeProfit',
    timeInForce: 'IOC',
    positionIdx: 0,
    price: '0',
    qty: '0',
    avgPrice: '',
    cumExecQty: '0',
    cumExecValue: '0',
    cumExecFee: '0',
    leavesQty: '0',
    triggerPrice: stop.triggerPrice.toFixed(),
    triggerDirection: rises ? 1 : 2,
    triggerBy: 'MarkPrice',
    takeProfit: '',
    stopLoss: '',
    tpslMode: 'Full',
    reduceOnly: true,
    closeOnTrigger: true,
    createdTime: String(stop.createdAt),
    updatedTime: String(stop.createdAt),
  };
}

export function executionRow({ order, seq, price, quantity, closed, fee, at }: Fill): object {
  return {
    symbol: order.symbol,
    orderId: order.id,
    orderLinkId: order.clientId,
    side: order.direction === 'BUY' ? 'Buy' : 'Sell',
    orderPrice: price.toFixed(),
    orderQty: order.quantity.toFixed(),
    leavesQty: '0',
    createType: CREATED_BY[order.hand],
    orderType: order.type === 'market' ? 'Market' : 'Limit',
    stopOrderType: STOP_TYPES[order.hand] ?? 'UNKNOWN',
    execFee: fee.toFixed(),
    // As at Bybit, ids are not in the order of the executions.
    execId: `${((seq * 7919) % 100_003).toString(16).padStart(5, '0')}-${seq}`,
    execPrice: price.toFixed(),
    execQty: quantity.toFixed(),
    execType: EXECUTED_AS[order.hand] ?? 'Trade',
    execValue: price.mul(quantity).toFixed(),
    execTime: String(at),
    feeCurrency: '',
    isMaker: order.type === 'limit',
    feeRate: '0.00055',
    closedSize: closed.toFixed(),
    seq,
  };
}

/** A funding payment, which Bybit lists among the executions. */
export interface Funding {
  readonly symbol: string;
  readonly size: Exact;
  /** Unit: quote currency; a cost is positive. */
  readonly paid: string;
  readonly price: Exact;
  readonly at: number;
}

export function fundingRow({ symbol, size, paid, price, at }: Funding): object {
  return {
    symbol,
    orderId: `funding-${symbol}-${at}`,
    orderLinkId: '',
    side: size.isNegative() ? 'Buy' : 'Sell',
    orderPrice: '0',
    orderQty: '0',
    leavesQty: '0',
    createType: '',
    orderType: 'UNKNOWN',
    stopOrderType: 'UNKNOWN',
    execFee: paid,
    execId: `funding-${symbol}-${at}`,
    execPrice: price.toFixed(),
    execQty: size.abs().toFixed(),
    execType: 'Funding',
    execValue: size.abs().mul(price).toFixed(),
    execTime: String(at),
    feeCurrency: '',
    isMaker: false,
    feeRate: '0.0001',
    closedSize: '0',
    seq: at,
  };
}
