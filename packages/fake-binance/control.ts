import { z } from 'zod';
import { Exact } from '../../ports/exact-decimal.ts';
import { positionReply, ledgerOf } from './account-replies.ts';
import type { BinanceServer } from './binance-server.ts';
import type { Hand } from './binance-exchange.ts';
import { FAULTS_GIVEN, askForFaults, listFaults, removeFaults } from './control-faults.ts';
import { fundingReply } from './funding.ts';
import type { Market } from './market.ts';
import type { MarketWalk } from './prices.ts';
import { algoReply, fillReply, marketReply, orderReply } from './replies.ts';

/** What the control port acts on: the server, and the random walk of mark prices if there is one. */
export interface Controlled {
  readonly server: BinanceServer;
  readonly walk: MarketWalk | null;
}

/** One request of the control port. */
interface ControlRequest {
  readonly does: string;
  /** The schema of the body; null without a body. */
  readonly schema: z.ZodType | null;
  readonly act: (controlled: Controlled, given: never, searchParams: URLSearchParams) => unknown;
}

/** A decimal text, or a JSON number, which may lose digits. */
const decimal = z
  .union([z.string().regex(/^\d+(\.\d+)?$/, 'not a decimal number, e.g. "0.001"'), z.number().nonnegative()])
  .transform((value) => new Exact(value).toFixed());

const symbol = z.string().min(1);
const side = z.enum(['LONG', 'SHORT']);
const moment = z.int().min(0);

/** A market; what is left out keeps its value or has a default. */
export const MARKET = z.strictObject({
  symbol,
  price: decimal.optional(),
  tick: decimal.optional(),
  lotStep: decimal.optional(),
  minQuantity: decimal.optional(),
  maxQuantity: decimal.optional(),
  marketMaxQuantity: decimal.optional(),
  minNotional: decimal.optional(),
  baseAsset: z.string().optional(),
  quoteAsset: z.string().optional(),
  contractType: z.string().optional(),
  deliveryDate: moment.optional(),
  status: z.string().optional(),
});

export const POSITION = z.strictObject({
  symbol,
  side,
  quantity: decimal,
  price: decimal.optional(),
  at: moment.optional(),
  ageMinutes: z.number().min(0).optional(),
  fills: z.int().min(0).max(100_000).optional(),
});

/** Levels of one side, best first: price and contracts. */
const levels = z.array(z.tuple([decimal, decimal])).max(1000);

/** A generated book around the mark price, fixed levels, or none. */
const BOOK = z.union([
  z.strictObject({
    symbol,
    size: decimal,
    spreadTicks: z.int().min(0).max(100_000).optional(),
    depth: z.int().min(0).max(1000).optional(),
    stepTicks: z.int().min(1).max(100_000).optional(),
    refillMs: z.int().min(0).optional(),
    seed: z.int().optional(),
  }),
  z.strictObject({ symbol, bids: levels, asks: levels }),
  z.strictObject({ symbol, none: z.literal(true) }),
]);

const MARK = z.strictObject({ symbol, price: decimal });

const CLOSING = z.strictObject({
  symbol,
  side: side.optional(),
  quantity: decimal.optional(),
  hand: z.enum(['web', 'liquidation', 'adl', 'settlement'] as const satisfies readonly Hand[]).optional(),
  fills: z.int().min(1).max(100_000).optional(),
});

const RESTING = z.strictObject({ symbol, side, price: decimal, quantity: decimal.optional() });

const signedDecimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'not a decimal number, e.g. "-0.0001"');

const FUNDING = z.strictObject({
  symbol,
  rate: signedDecimal.optional(),
  amount: signedDecimal.optional(),
  asset: z.string().optional(),
  at: moment.optional(),
});

const STOP = z.strictObject({
  symbol,
  side,
  orderType: z.enum(['STOP_MARKET', 'TAKE_PROFIT_MARKET']),
  triggerPrice: decimal,
  quantity: decimal.optional(),
});

const CANDLE = z.strictObject({
  openTime: moment,
  open: decimal,
  high: decimal,
  low: decimal,
  close: decimal,
  volume: decimal.optional(),
});

/** All requests of the control port. README.md has an example of each. */
export const CONTROLS: Readonly<Record<string, ControlRequest>> = {
  'POST /markets': command(
    'adds a market, or changes one that is there; one, or a list',
    oneOrMore(MARKET),
    ({ server }, given) => given.map((one) => setMarket(server, one)),
  ),
  'GET /markets': query('the markets, as exchangeInfo shows them, with their marks', ({ server: { exchange } }) =>
    [...exchange.orders.markets.values()].map((market) => ({
      ...marketReply(market),
      markPrice: exchange.orders.mark(market.symbol).toFixed(),
    })),
  ),
  'POST /positions': command('opens or grows a position; one, or a list', oneOrMore(POSITION), ({ server }, given) =>
    given.map((one) => openPosition(server, one)),
  ),
  'GET /positions': query('what is open', ({ server: { exchange } }) =>
    [...exchange.orders.account.positions.values()]
      .filter(({ amount }) => !amount.isZero())
      .map((position) => positionReply(position, exchange.orders)),
  ),
  'POST /mark': command('sets mark prices; one, or a list', oneOrMore(MARK), ({ server: { exchange } }, given) => {
    for (const one of given) exchange.orders.market(one.symbol);
    for (const one of given) exchange.setMark(one.symbol, one.price);
    return { marks: Object.fromEntries(given.map((one) => [one.symbol, exchange.orders.mark(one.symbol).toFixed()])) };
  }),
  'POST /book': command(
    'gives a market an order book: made up around the mark, or level by level; `none` takes it away',
    BOOK,
    ({ server: { exchange } }, { symbol: market, ...book }) => {
      exchange.orders.market(market);
      exchange.setBook(market, 'none' in book ? null : book);
      return { book: 'none' in book ? null : book };
    },
  ),
  'POST /close': command('closes a position, or a part of it, by somebody else', CLOSING, ({ server }, given) =>
    closePosition(server, given),
  ),
  'POST /orders': command(
    'rests a limit order of somebody else that closes',
    RESTING,
    ({ server: { exchange } }, given) => orderReply(exchange.rest(given, given.price)),
  ),
  'POST /stops': command('places a stop or a target of somebody else', STOP, ({ server: { exchange } }, given) => {
    exchange.orders.market(given.symbol);
    const { quantity, ...stop } = given;
    return { algoId: exchange.placeStop(quantity === undefined ? stop : { ...stop, quantity }) };
  }),
  'POST /trigger': command(
    'triggers a stop or a target',
    z.strictObject({ algoId: z.int() }),
    ({ server }, { algoId }) => {
      const order = server.exchange.trigger(algoId);
      return order === null ? null : orderReply(order);
    },
  ),
  'POST /cancel': command(
    'cancels what rests, by its orderId, or its algoId',
    z.union([z.strictObject({ symbol, orderId: z.int() }), z.strictObject({ algoId: z.int() })]),
    ({ server: { exchange } }, given) =>
      'algoId' in given
        ? algoReply(exchange.algos.cancel(given, exchange.now()))
        : orderReply(exchange.orders.cancel(given.symbol, { orderId: given.orderId }, exchange.now())),
  ),
  'POST /funding': command(
    'charges funding of what is open in a market',
    FUNDING,
    ({ server: { exchange } }, given) => ({
      payments: exchange.funding.charge(exchange, given).map(fundingReply),
    }),
  ),
  'POST /mode': command(
    'switches the position mode, as the account owner may: only while nothing is open',
    z.strictObject({ hedge: z.boolean() }),
    ({ server: { exchange } }, { hedge }) => {
      exchange.switchMode(hedge);
      return { hedge: exchange.orders.hedge };
    },
  ),
  'POST /key': command(
    'changes what the key may do, as the account owner may',
    z.strictObject({ withdrawals: z.boolean(), futures: z.boolean(), anyAddress: z.boolean() }).partial(),
    ({ server: { exchange } }, given) => {
      const { withdrawals, futures, anyAddress } = exchange.keyRights;
      exchange.keyRights = {
        withdrawals: given.withdrawals ?? withdrawals,
        futures: given.futures ?? futures,
        anyAddress: given.anyAddress ?? anyAddress,
      };
      return exchange.keyRights;
    },
  ),
  'POST /faults': command('asks for faults: one, a list, or chances', FAULTS_GIVEN, ({ server }, given) =>
    askForFaults(server, given),
  ),
  'GET /faults': query('the faults that wait or stand', ({ server }) => listFaults(server)),
  'DELETE /faults': query('ends all faults, or the one of `?id=`', ({ server }, _given, searchParams) =>
    removeFaults(server, searchParams.has('id') ? Number(searchParams.get('id')) : null),
  ),
  'POST /candles': command(
    'gives candles in place of made-up ones',
    z.strictObject({ symbol, interval: z.string(), candles: z.array(CANDLE).min(1).max(10_000) }),
    ({ server: { exchange } }, given) => {
      const candles = given.candles.map(({ volume = '1000', ...candle }) => ({ ...candle, volume }));
      exchange.candles.set(given.symbol, given.interval, candles);
      return { candles: candles.length };
    },
  ),
  'POST /clock': command(
    "sets the exchange's clock apart from the machine's",
    z.strictObject({ skewMs: z.int() }),
    ({ server: { exchange } }, { skewMs }) => {
      exchange.skewMs = skewMs;
      return { serverTime: exchange.now() };
    },
  ),
  'POST /step': command(
    'moves the marks of --market by so many steps at once',
    z.strictObject({ steps: z.int().min(1).max(100_000) }),
    ({ walk }, { steps }) => {
      if (walk === null) throw new TypeError('the marks do not move by themselves: start with --market seed:N');
      walk.step(steps);
      return { steps: walk.steps };
    },
  ),
  'GET /orders': query(
    'every order as it arrived, and what it was told; `?symbol=`',
    ({ server }, _given, searchParams) => ordersOf(server, searchParams.get('symbol')),
  ),
  'GET /ledger': query('every fill, fee and balance; `?symbol=`', ({ server: { exchange } }, _given, searchParams) =>
    ledgerOf({ orders: exchange.orders, funding: exchange.funding, now: exchange.now() }, searchParams.get('symbol')),
  ),
  'GET /state': query('everything at once', ({ server, walk }) => ({ ...stateOf(server), steps: walk?.steps ?? 0 })),
};

function command<T>(
  does: string,
  schema: z.ZodType<T>,
  act: (controlled: Controlled, given: T, searchParams: URLSearchParams) => unknown,
): ControlRequest {
  return { does, schema, act };
}

function query(
  does: string,
  act: (controlled: Controlled, given: null, searchParams: URLSearchParams) => unknown,
): ControlRequest {
  return { does, schema: null, act };
}

/** Accepts a list or a single item. */
function oneOrMore<T extends z.ZodType>(schema: T) {
  return z.union([z.array(schema).min(1), schema.transform((one) => [one])]);
}

/** Adds a market or changes the given fields of one. */
export function setMarket({ exchange }: BinanceServer, given: z.infer<typeof MARKET>): object {
  const before = exchange.orders.markets.get(given.symbol);
  const price = given.price ?? exchange.orders.marks.get(given.symbol)?.toFixed();
  if (price === undefined) throw new TypeError(`price: ${given.symbol} is new here, and a market has a price`);
  const changes = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<Market>;
  exchange.setMarket({ ...before, ...changes, symbol: given.symbol, price });
  return marketReply(exchange.orders.market(given.symbol));
}

export function openPosition({ exchange }: BinanceServer, given: z.infer<typeof POSITION>): object {
  const { symbol: market, side: held, quantity, price, ageMinutes, fills } = given;
  exchange.orders.market(market);
  const at = given.at ?? (ageMinutes === undefined ? undefined : Math.round(exchange.now() - ageMinutes * MINUTE_MS));
  const opening = {
    symbol: market,
    side: held,
    quantity,
    ...(price === undefined ? {} : { price }),
    ...(at === undefined ? {} : { at }),
    ...(fills === undefined ? {} : { fills }),
  };
  if (fills === 0) exchange.showWithoutFill(opening);
  else exchange.open(opening);
  const positionSide = exchange.orders.hedge ? held : 'BOTH';
  return positionReply(exchange.orders.account.position(market, positionSide), exchange.orders);
}

const MINUTE_MS = 60_000;

/** Closes the given side, or the one that is open. Null where it is flat. */
function closePosition({ exchange }: BinanceServer, given: z.infer<typeof CLOSING>): object | null {
  const { symbol: market, hand, quantity, fills } = given;
  exchange.orders.market(market);
  const open = (['LONG', 'SHORT'] as const).filter((one) => exchange.openQuantity(market, one).gt(0));
  if (given.side === undefined && open.length > 1) throw new TypeError('side: both are open; name LONG or SHORT');
  const closed = given.side ?? open[0];
  if (closed === undefined) return null;
  const order = exchange.close(market, closed, hand, quantity, fills);
  return order === null ? null : withFills({ exchange }, order);
}

function withFills({ exchange: { orders } }: Pick<BinanceServer, 'exchange'>, order: Parameters<typeof orderReply>[0]) {
  return { ...orderReply(order), fills: orders.account.fillsOfOrder(order.orderId).map(fillReply) };
}

/** `arrived` are the requests of clients, rejected or not; `orders` all orders that the exchange took. */
function ordersOf(server: BinanceServer, market: string | null) {
  const isMeant = (of: string | undefined): boolean => market === null || of === market;
  const { orders, algos } = server.exchange;
  return {
    arrived: server.log.arrivals.filter(({ parameters }) => isMeant(parameters['symbol'])),
    orders: [...orders.all()].filter((order) => isMeant(order.symbol)).map((order) => withFills(server, order)),
    algoOrders: algos.ofSymbol(market).map(algoReply),
  };
}

/** The whole state for tests: positions, orders with their fills, and the requests of the client. */
export function stateOf(server: BinanceServer) {
  const { exchange, faults, log } = server;
  const { orders, algos } = exchange;
  const { account } = orders;
  return {
    serverTime: exchange.now(),
    hedge: orders.hedge,
    positions: [...account.positions.values()].map((position) => positionReply(position, orders)),
    orders: [...orders.all()].map((order) => withFills(server, order)),
    algoOrders: algos.ofSymbol(null).map(algoReply),
    fills: account.allFills().map(fillReply),
    requests: Object.fromEntries(log.requests),
    faults: log.injected,
    faultsWaiting: faults.waiting,
    attempts: log.attempts,
  };
}
