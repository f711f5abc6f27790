import { Exact } from '../../ports/exact-decimal.ts';
import type { Desk, Order, OrderRequest, Slot } from '../fake-exchange/desk.ts';
import { billIdOf, fillRow, instrumentRow, orderRow, positionRow, stopRow, triggeredRow } from './replies.ts';

export interface EndpointCall {
  readonly desk: Desk;
  /** The margin mode of the account's positions: `cross` or `isolated`. */
  readonly marginMode: string;
  /** 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin. */
  readonly accountLevel: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Endpoint {
  readonly signed: boolean;
  /** The rows of `data`. */
  readonly answer: (asked: EndpointCall) => readonly object[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How far back fills are listed. */
const HISTORY_MS = 90 * DAY_MS;
/** How long an order that ended without a fill is known. */
const UNFILLED_KEPT_MS = 2 * 60 * 60 * 1000;
const PAGE = 100;

const CLIENT_ID = /^[0-9A-Za-z]{1,32}$/;

/** All endpoints, by method and path. */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET /api/v5/public/time': { signed: false, answer: ({ desk }) => [{ ts: String(desk.now()) }] },
  'GET /api/v5/public/instruments': {
    signed: false,
    answer: ({ desk, parameters }) =>
      [...desk.markets.values()]
        .filter(({ deliversAt }) => (deliversAt === null ? 'SWAP' : 'FUTURES') === parameters['instType'])
        .map(instrumentRow),
  },
  'GET /api/v5/public/mark-price': {
    signed: false,
    answer: ({ desk, parameters }) => {
      const instId = marketOf(desk, parameters);
      return [{ instType: 'SWAP', instId, markPx: desk.mark(instId).toFixed(), ts: String(desk.now()) }];
    },
  },
  'GET /api/v5/market/candles': {
    signed: false,
    answer: ({ desk, parameters }) => {
      if (parameters['bar'] !== '5m') throw new OkxError('51000', 'bar');
      return desk
        .candles(marketOf(desk, parameters), Math.min(Number(parameters['limit'] ?? 100), 300))
        .map(([openTime, price], index) => [
          String(openTime),
          price,
          price,
          price,
          price,
          '1000',
          '10',
          '1000',
          index === 0 ? '0' : '1',
        ]);
    },
  },
  'GET /api/v5/account/config': {
    signed: true,
    answer: ({ desk, accountLevel }) => [
      { uid: '1', mainUid: '1', acctLv: accountLevel, posMode: desk.options.hedge ? 'long_short_mode' : 'net_mode' },
    ],
  },
  'GET /api/v5/account/positions': {
    signed: true,
    answer: ({ desk, marginMode, parameters: { instId } }) =>
      [...desk.positions.values()]
        .filter(({ symbol, amount }) => !amount.isZero() && (instId === undefined || symbol === instId))
        .map((position) => positionRow(position, desk, marginMode)),
  },
  'POST /api/v5/trade/batch-orders': { signed: true, answer: createOrder },
  'POST /api/v5/trade/cancel-order': {
    signed: true,
    answer: ({ desk, parameters }) => {
      const order = desk.orders.find((one) => one.status === 'open' && isNamed(one, parameters));
      if (order === undefined) throw new OkxError('51400');
      desk.cancel(order);
      return [{ ordId: order.id, clOrdId: order.clientId, sCode: '0', sMsg: '' }];
    },
  },
  'GET /api/v5/trade/order': {
    signed: true,
    answer: ({ desk, parameters }) => {
      const order = desk.orders.findLast((one) => isNamed(one, parameters));
      if (order === undefined || isForgotten(order, desk.now())) throw new OkxError('51603');
      return [orderRow(order)];
    },
  },
  'GET /api/v5/trade/order-algo': {
    signed: true,
    answer: ({ desk, parameters: { algoId } }) => {
      const order = desk.orders.find(({ id }) => `algo-${id}` === algoId);
      if (order === undefined) throw new OkxError('51603');
      return [triggeredRow(order)];
    },
  },
  'GET /api/v5/trade/orders-pending': {
    signed: true,
    answer: ({ desk, parameters: { instId } }) =>
      desk.orders
        .filter(({ status, symbol }) => status === 'open' && (instId === undefined || symbol === instId))
        .map(orderRow),
  },
  'GET /api/v5/trade/orders-algo-pending': {
    signed: true,
    answer: ({ desk, parameters: { ordType, instId } }) => {
      if (typeof ordType !== 'string') throw new OkxError('51000', 'ordType');
      // These two types alone may be combined.
      if (ordType.includes(',') && ordType !== 'conditional,oco') throw new OkxError('51000', 'ordType');
      if (!ordType.includes('conditional')) return [];
      return desk.stops
        .filter((one) => one.isOpen && one.symbol === instId)
        .map((one) => stopRow(one, desk.options.hedge));
    },
  },
  'GET /api/v5/trade/fills-history': { signed: true, answer: fills },
};

/** ccxt sends a list with one order. */
function createOrder({ desk, marginMode, parameters }: EndpointCall): readonly object[] {
  const [given] = Object.values(parameters);
  const order = desk.submit(vetted(desk, marginMode, typeof given === 'object' && given !== null ? { ...given } : {}));
  return [
    { ordId: order.id, clOrdId: order.clientId, sCode: '0', sMsg: 'Order placed', tag: '', ts: String(desk.now()) },
  ];
}

/** Checks an order. Throws OKX's rejection. */
function vetted(desk: Desk, marginMode: string, parameters: EndpointCall['parameters']): OrderRequest {
  const { side, ordType, sz, px, clOrdId = '', posSide = 'net', tdMode, reduceOnly } = parameters;
  const symbol = marketOf(desk, parameters);
  const market = desk.markets.get(symbol);
  if (market === undefined) throw new OkxError('51001');
  if (!market.isTrading) throw new OkxError('51022');
  if (clOrdId !== '' && !CLIENT_ID.test(String(clOrdId))) throw new OkxError('51000', 'clOrdId');
  if (clOrdId !== '' && desk.orders.some(({ clientId }) => clientId === clOrdId)) throw new OkxError('51016');
  if (side !== 'buy' && side !== 'sell') throw new OkxError('51000', 'side');
  if (tdMode !== 'cross' && tdMode !== 'isolated') throw new OkxError('51000', 'tdMode');
  const slot: Slot | undefined = ({ net: 'NET', long: 'LONG', short: 'SHORT' } as const)[String(posSide)];
  if (slot === undefined || desk.options.hedge !== (slot !== 'NET')) throw new OkxError('51000', 'posSide');
  const direction = side === 'buy' ? 'BUY' : 'SELL';
  const quantity = typeof sz === 'string' && /^\d+(\.\d+)?$/.test(sz) ? new Exact(sz) : null;
  if (quantity === null) throw new OkxError('51000', 'sz');
  if (!quantity.mod(market.lotStep).isZero()) throw new OkxError('51121');
  if (quantity.lt(market.minQuantity)) throw new OkxError('51020');
  if (ordType === 'market' && quantity.gt(market.marketMaxQuantity)) throw new OkxError('51202');
  const reduces = reduceOnly === true || reduceOnly === 'true' || slot === (direction === 'SELL' ? 'LONG' : 'SHORT');
  // Cross and isolated margin are separate positions.
  const open = tdMode === marginMode ? desk.reducible(symbol, slot, direction) : new Exact(0);
  if (reduces && open.isZero()) throw new OkxError('51169');
  if (reduces && quantity.gt(open)) throw new OkxError('51112');
  return {
    clientId: String(clOrdId),
    symbol,
    direction,
    slot,
    type: ordType === 'market' ? 'market' : 'limit',
    timeInForce: inForce(ordType),
    quantity,
    price: ordType === 'market' ? null : new Exact(String(px)),
    reduceOnly: reduces,
  };
}

function inForce(ordType: unknown): OrderRequest['timeInForce'] {
  if (ordType === 'post_only') return 'POST_ONLY';
  if (ordType === 'ioc') return 'IOC';
  return ordType === 'fok' ? 'FOK' : 'GTC';
}

/** Newest first; `after` requests fills before a bill id. Fills older than three months are omitted silently. */
function fills({ desk, parameters }: EndpointCall): readonly object[] {
  const { begin, end, after, ordId, limit = PAGE } = parameters;
  const symbol = marketOf(desk, parameters);
  if (!(Number(limit) >= 1 && Number(limit) <= PAGE)) throw new OkxError('51000', 'limit');
  const from = Math.max(Number(begin ?? 0), desk.now() - HISTORY_MS);
  return desk
    .fillsOf(symbol, from, Number(end ?? desk.now()))
    .filter((fill) => after === undefined || billIdOf(fill) < Number(after))
    .filter((fill) => ordId === undefined || fill.order.id === ordId)
    .toSorted((one, other) => billIdOf(other) - billIdOf(one))
    .slice(0, Number(limit))
    .map(fillRow);
}

function isForgotten({ status, filled, updatedAt }: Order, now: number): boolean {
  return status === 'cancelled' && filled.isZero() && now - updatedAt > UNFILLED_KEPT_MS;
}

function isNamed({ symbol, id, clientId }: Order, { instId, ordId, clOrdId }: EndpointCall['parameters']): boolean {
  if (symbol !== instId) return false;
  return ordId === undefined ? clientId === clOrdId && clientId !== '' : id === ordId;
}

function marketOf(desk: Desk, { instId }: EndpointCall['parameters']): string {
  if (typeof instId === 'string' && desk.markets.has(instId)) return instId;
  throw new OkxError('51001');
}

/** OKX's error codes with their HTTP statuses and messages, from its V5 documentation. */
const WORDS = {
  '50004': [
    400,
    'API endpoint request timeout (does not mean that the request was successful or failed, please check the request result)',
  ],
  '50011': [429, 'Rate limit reached. Please refer to API documentation and throttle requests accordingly'],
  '50101': [401, 'APIKey does not match current environment.'],
  '50102': [401, 'Timestamp request expired'],
  '50105': [401, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.'],
  '50111': [401, 'Invalid OK-ACCESS-KEY'],
  '50113': [401, 'Invalid Sign'],
  '51000': [200, 'Parameter %s error'],
  '51001': [200, 'Instrument ID does not exist'],
  '51016': [200, 'Duplicated client order ID'],
  '51020': [200, 'Your order should meet or exceed the minimum order amount.'],
  '51022': [200, 'Contract suspended'],
  '51112': [200, 'Close order size exceeds the available size for this position.'],
  '51121': [200, 'Order quantity must be a multiple of the lot size.'],
  '51169': [
    200,
    "Order failed because you don't have any positions in this direction for this contract to reduce or close.",
  ],
  '51202': [200, 'Market order amount exceeds the maximum amount.'],
  '51400': [200, 'Cancellation failed as the order has been filled, canceled or does not exist.'],
  '51603': [200, 'Order does not exist'],
} as const satisfies Record<string, readonly [number, string]>;

export type OkxCode = keyof typeof WORDS;

export class OkxError extends Error {
  override readonly name = 'OkxError';
  readonly code: OkxCode;
  readonly status: number;

  constructor(code: OkxCode, detail = '') {
    const [status, words] = WORDS[code];
    super(words.replace('%s', detail));
    this.code = code;
    this.status = status;
  }
}
