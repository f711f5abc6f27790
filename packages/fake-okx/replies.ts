import type { Desk, Fill, Hand, Order, Position, Slot, Stop } from '../fake-exchange/desk.ts';
import type { Market } from '../fake-exchange/market.ts';

/** Rows in OKX's form. Sizes are contracts of `ctVal` each; decimals and times are texts. */

const CATEGORIES: Readonly<Record<Hand, string>> = {
  client: 'normal',
  web: 'normal',
  stop: 'normal',
  target: 'normal',
  liquidation: 'full_liquidation',
  adl: 'adl',
  settlement: 'delivery',
};

/** The origins of orders that were triggered. */
const TRIGGERED: ReadonlySet<Hand> = new Set(['stop', 'target']);

const STATES = { open: 'live', filled: 'filled', cancelled: 'canceled' } as const;

export function instrumentRow(market: Market): object {
  const isSwap = market.deliversAt === null;
  return {
    instType: isSwap ? 'SWAP' : 'FUTURES',
    instId: market.symbol,
    instFamily: `${market.base}-${market.quote}`,
    uly: `${market.base}-${market.quote}`,
    baseCcy: '',
    quoteCcy: '',
    settleCcy: market.quote,
    ctVal: market.contractSize,
    ctMult: '1',
    ctValCcy: market.base,
    ctType: 'linear',
    expTime: market.deliversAt === null ? '' : String(market.deliversAt),
    lever: '50',
    tickSz: market.tick,
    lotSz: market.lotStep,
    minSz: market.minQuantity,
    maxLmtSz: market.maxQuantity,
    maxMktSz: market.marketMaxQuantity,
    state: market.isTrading ? 'live' : 'suspend',
    listTime: '1597026383085',
  };
}

function posSideOf(slot: Slot): string {
  return slot === 'NET' ? 'net' : slot.toLowerCase();
}

export function positionRow(position: Position, desk: Desk, mgnMode: string): object {
  const { symbol, slot, amount, entryPrice, openedAt, updatedAt } = position;
  const market = desk.markets.get(symbol);
  const mark = desk.mark(symbol);
  const notional = amount
    .abs()
    .mul(mark)
    .mul(market?.contractSize ?? 1);
  return {
    instType: market?.deliversAt === null ? 'SWAP' : 'FUTURES',
    instId: symbol,
    posId: `${symbol}-${slot}`,
    // Unsigned in hedge mode, signed in one-way mode.
    pos: (slot === 'NET' ? amount : amount.abs()).toFixed(),
    posSide: posSideOf(slot),
    mgnMode,
    avgPx: entryPrice.toFixed(),
    markPx: mark.toFixed(),
    last: mark.toFixed(),
    lever: '10',
    liqPx: '',
    imr: '1',
    mmr: '1',
    margin: '',
    upl: '0',
    uplRatio: '0',
    notionalUsd: notional.toFixed(),
    ccy: market?.quote ?? 'USDT',
    cTime: String(openedAt),
    uTime: String(updatedAt),
  };
}

export function orderRow(order: Order): object {
  const { filled, quantity, value, fee } = order;
  return {
    instType: 'SWAP',
    instId: order.symbol,
    ordId: order.id,
    clOrdId: order.clientId,
    algoId: TRIGGERED.has(order.hand) ? `algo-${order.id}` : '',
    category: CATEGORIES[order.hand],
    ordType: ordTypeOf(order),
    side: order.direction === 'BUY' ? 'buy' : 'sell',
    posSide: posSideOf(order.slot),
    tdMode: 'cross',
    px: order.price?.toFixed() ?? '',
    sz: quantity.toFixed(),
    accFillSz: filled.toFixed(),
    avgPx: filled.isZero() ? '' : value.div(filled).toDecimalPlaces(8).toFixed(),
    state: order.status === 'open' && filled.gt(0) ? 'partially_filled' : STATES[order.status],
    fee: fee.neg().toFixed(),
    feeCcy: 'USDT',
    reduceOnly: String(order.reduceOnly),
    slTriggerPx: '',
    tpTriggerPx: '',
    cTime: String(order.createdAt),
    uTime: String(order.updatedAt),
    fillTime: filled.isZero() ? '' : String(order.updatedAt),
  };
}

function ordTypeOf({ type, timeInForce }: Order): string {
  if (type === 'market') return 'market';
  return timeInForce === 'POST_ONLY' ? 'post_only' : timeInForce === 'GTC' ? 'limit' : timeInForce.toLowerCase();
}

/** The conditional order from which `order` was triggered. */
export function triggeredRow(order: Order): object {
  return {
    algoId: `algo-${order.id}`,
    instId: order.symbol,
    ordId: order.id,
    ordType: 'conditional',
    side: order.direction === 'BUY' ? 'buy' : 'sell',
    state: 'effective',
    actualSide: order.hand === 'stop' ? 'sl' : 'tp',
    sz: order.quantity.toFixed(),
    cTime: String(order.createdAt),
  };
}

/** An open stop or target of the whole position. */
export function stopRow(stop: Stop, hedge: boolean): object {
  const price = stop.triggerPrice.toFixed();
  const isStop = stop.kind === 'stop';
  return {
    algoId: stop.id,
    algoClOrdId: '',
    instId: stop.symbol,
    instType: 'SWAP',
    ordType: 'conditional',
    side: stop.side === 'LONG' ? 'sell' : 'buy',
    posSide: hedge ? stop.side.toLowerCase() : 'net',
    state: 'live',
    sz: '',
    closeFraction: '1',
    reduceOnly: 'true',
    slTriggerPx: isStop ? price : '',
    slOrdPx: isStop ? '-1' : '',
    tpTriggerPx: isStop ? '' : price,
    tpOrdPx: isStop ? '' : '-1',
    cTime: String(stop.createdAt),
  };
}

export function billIdOf({ seq }: Fill): number {
  return 5_000_000 + seq;
}

export function fillRow(fill: Fill): object {
  const { order, seq, price, quantity, fee, at } = fill;
  return {
    instType: 'SWAP',
    instId: order.symbol,
    tradeId: String(seq),
    ordId: order.id,
    clOrdId: order.clientId,
    billId: String(billIdOf(fill)),
    fillPx: price.toFixed(),
    fillSz: quantity.toFixed(),
    side: order.direction === 'BUY' ? 'buy' : 'sell',
    posSide: posSideOf(order.slot),
    execType: order.type === 'market' ? 'T' : 'M',
    feeCcy: 'USDT',
    fee: fee.neg().toFixed(),
    ts: String(at),
    fillTime: String(at),
  };
}
