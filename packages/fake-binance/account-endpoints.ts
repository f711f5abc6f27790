import type { Position } from './account.ts';
import {
  LEVERAGE,
  MAINTENANCE_RATE,
  MOST_NOTIONAL,
  accountReply,
  balanceReply,
  olderPositionReply,
  positionReply,
} from './account-replies.ts';
import { BinanceError } from './binance-error.ts';
import type { BinanceExchange } from './binance-exchange.ts';
import {
  type EndpointCall,
  type EndpointTable,
  signed,
  booleanOf,
  limitOf,
  mandatory,
  rangeOf,
  symbolOf,
  wholeOf,
} from './endpoint.ts';
import { fillReply } from './replies.ts';

const RIGHTS = { feeTier: 0, canTrade: true, canDeposit: true, canWithdraw: true, multiAssetsMargin: false };

/** Endpoints of the account, apart from orders. */
export const ACCOUNT_ENDPOINTS: EndpointTable = {
  'GET /fapi/v1/positionSide/dual': signed(({ exchange }) => ({ dualSidePosition: exchange.orders.hedge })),
  'POST /fapi/v1/positionSide/dual': signed(({ exchange, parameters }) => {
    mandatory(parameters, 'dualSidePosition');
    const hedge = booleanOf(parameters, 'dualSidePosition') === true;
    exchange.switchMode(hedge);
    return { code: 200, msg: 'success' };
  }),
  'GET /sapi/v1/account/apiRestrictions': signed(({ exchange: { keyRights } }) => ({
    ipRestrict: !keyRights.anyAddress,
    enableReading: true,
    enableFutures: keyRights.futures,
    enableWithdrawals: keyRights.withdrawals,
  })),
  'GET /fapi/v1/multiAssetsMargin': signed(() => ({ multiAssetsMargin: false })),
  'GET /fapi/v2/positionRisk': signed(({ exchange, parameters }) =>
    positionsOf(exchange, parameters.get('symbol')).map((one) => olderPositionReply(one, exchange.orders)),
  ),
  // Unlike version 2, this leaves out symbols with neither position nor order.
  'GET /fapi/v3/positionRisk': signed(({ exchange, parameters }) =>
    activePositions(exchange, parameters.get('symbol')).map((one) => positionReply(one, exchange.orders)),
  ),
  'GET /fapi/v2/account': signed(({ exchange }) => ({
    ...RIGHTS,
    updateTime: 0,
    ...accountReply(exchange.orders, positionsOf(exchange, null), exchange.now()),
  })),
  'GET /fapi/v3/account': signed(({ exchange }) =>
    accountReply(exchange.orders, activePositions(exchange, null), exchange.now()),
  ),
  'GET /fapi/v2/balance': signed(({ exchange }) => balanceReply(exchange.orders, exchange.now())),
  'GET /fapi/v3/balance': signed(({ exchange }) => balanceReply(exchange.orders, exchange.now())),
  'GET /fapi/v1/accountConfig': signed(({ exchange }) => ({
    ...RIGHTS,
    dualSidePosition: exchange.orders.hedge,
    updateTime: 0,
  })),
  'GET /fapi/v1/symbolConfig': signed((asked) =>
    symbolsOf(asked).map((symbol) => ({
      symbol,
      marginType: 'CROSSED',
      isAutoAddMargin: false,
      leverage: LEVERAGE,
      maxNotionalValue: MOST_NOTIONAL,
    })),
  ),
  'GET /fapi/v1/leverageBracket': signed((asked) => {
    const bracket = {
      bracket: 1,
      initialLeverage: LEVERAGE,
      notionalCap: Number(MOST_NOTIONAL),
      notionalFloor: 0,
      maintMarginRatio: Number(MAINTENANCE_RATE),
      cum: 0,
    };
    return symbolsOf(asked).map((symbol) => ({ symbol, notionalCoef: 1, brackets: [bracket] }));
  }),
  'GET /fapi/v1/commissionRate': signed(({ exchange, parameters }) => {
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    const { makerRate, takerRate } = exchange.orders.account.commission;
    return { symbol, makerCommissionRate: makerRate, takerCommissionRate: takerRate };
  }),
  'GET /fapi/v1/userTrades': signed(({ exchange, parameters }) => {
    const { account } = exchange.orders;
    const { symbol } = exchange.orders.market(symbolOf(parameters));
    const limit = limitOf(parameters);
    const orderId = wholeOf(parameters, 'orderId');
    const fromId = wholeOf(parameters, 'fromId');
    const isTimed = parameters.has('startTime') || parameters.has('endTime');
    if (fromId !== undefined && isTimed) throw new BinanceError('-1128');
    if (fromId !== undefined) return account.fillsFromId(symbol, fromId, limit).map(fillReply);
    const { from, to, hasStart } = rangeOf(parameters, exchange.now());
    if (orderId === undefined) {
      return account.fillsBetween(symbol, from, to, limit, hasStart ? 'first' : 'last').map(fillReply);
    }
    const own = account.fillsOfOrder(orderId).filter((fill) => fill.symbol === symbol);
    const asked = isTimed ? own.filter(({ time }) => time >= from && time <= to) : own;
    return asked.slice(0, limit).map(fillReply);
  }),
};

/** The positions of one market or of all, flat ones included. */
function positionsOf(exchange: BinanceExchange, symbol: string | null): readonly Position[] {
  const { account, hedge, markets } = exchange.orders;
  const symbols = symbol === null ? [...markets.keys()] : [exchange.orders.market(symbol).symbol];
  const sides = hedge ? (['LONG', 'SHORT'] as const) : (['BOTH'] as const);
  return symbols.flatMap((one) => sides.map((side) => account.position(one, side)));
}

function activePositions(exchange: BinanceExchange, symbol: string | null): readonly Position[] {
  const ordered = new Set(exchange.orders.index.open(symbol ?? undefined).map((order) => order.symbol));
  if (ordered.size === 0) return heldPositions(exchange, symbol);
  return positionsOf(exchange, symbol).filter((one) => !one.amount.isZero() || ordered.has(one.symbol));
}

function heldPositions({ orders }: BinanceExchange, symbol: string | null): readonly Position[] {
  return [...orders.account.positions.values()].filter(
    (one) => !one.amount.isZero() && (symbol === null || one.symbol === symbol),
  );
}

function symbolsOf({ exchange, parameters }: EndpointCall): readonly string[] {
  if (!parameters.has('symbol')) return [...exchange.orders.markets.keys()];
  return [exchange.orders.market(symbolOf(parameters)).symbol];
}
