import { positionReply } from './account-replies.ts';
import { BinanceError } from './binance-error.ts';
import type { ConditionalSpec, Hand, OpeningSpec } from './binance-exchange.ts';
import type { BinanceServer } from './binance-server.ts';
import type { GivenCandle } from './candles.ts';
import type { OneShot } from './fault-plan.ts';
import type { Fault } from './faults.ts';
import type { MarketSpec } from './market.ts';
import { algoReply, fillReply, orderReply } from './replies.ts';

interface Closing {
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  readonly hand?: Hand;
  readonly quantity?: string;
}

/**
 * What another process may do to the server: `POST /_control/NAME` with a JSON object, answered with JSON. The same as the methods of
 * BinanceExchange and FaultPlan, which a test in the same process calls directly.
 */
const CONTROLS: Readonly<Record<string, (server: BinanceServer, given: never) => unknown>> = {
  market: ({ exchange }, given: MarketSpec) => exchange.setMarket(given),
  mark: ({ exchange }, { symbol, price }: { symbol: string; price: string }) => exchange.setMark(symbol, price),
  candles: ({ exchange }, given: { symbol: string; interval: string; candles: readonly GivenCandle[] }) =>
    exchange.candles.set(given.symbol, given.interval, given.candles),
  open: ({ exchange }, given: OpeningSpec) => orderReply(exchange.open(given)),
  close: ({ exchange }, { symbol, side, hand, quantity }: Closing) => {
    const order = exchange.close(symbol, side, hand, quantity);
    return order === null ? null : orderReply(order);
  },
  stop: ({ exchange }, given: ConditionalSpec) => ({ algoId: exchange.placeStop(given) }),
  trigger: ({ exchange }, { algoId }: { algoId: number }) => {
    const order = exchange.trigger(algoId);
    return order === null ? null : orderReply(order);
  },
  skew: ({ exchange }, { ms }: { ms: number }) => {
    exchange.skewMs = ms;
  },
  fault: ({ faults }, given: OneShot) => faults.add(given),
  chances: ({ faults }, given: Partial<Record<Fault, number>>) => faults.byChance(given),
  calm: ({ faults }) => faults.clear(),
  lift: (server, { clientOrderId }: { clientOrderId?: string }) => server.lift(clientOrderId),
  state: (server) => stateOf(server),
};

/** 400 with `{"error"}` where it cannot be done, 404 where there is no such control. */
export function control(server: BinanceServer, path: string, body: string): { status: number; reply: unknown } {
  const name = path.slice('/_control/'.length);
  const act = Object.hasOwn(CONTROLS, name) ? CONTROLS[name] : undefined;
  if (act === undefined) {
    return { status: 404, reply: { error: `no such control; there are ${Object.keys(CONTROLS).join(', ')}` } };
  }
  try {
    const given: unknown = body === '' ? {} : JSON.parse(body);
    const done = act(server, given as never);
    return { status: 200, reply: done === undefined ? {} : done };
  } catch (thrown) {
    const error = thrown instanceof BinanceError ? `${thrown.code}: ${thrown.message}` : String(thrown);
    return { status: 400, reply: { error } };
  }
}

/** Everything that a test compares with: positions, orders with their fills, and what the client asked. */
export function stateOf({ exchange, faults, log }: BinanceServer) {
  const { orders, algos } = exchange;
  const { account } = orders;
  return {
    serverTime: exchange.now(),
    hedge: orders.hedge,
    positions: [...account.positions.values()].map((position) => positionReply(position, orders)),
    orders: [...orders.all()].map((order) => ({
      ...orderReply(order),
      fills: account.fillsOfOrder(order.orderId).map(fillReply),
    })),
    algoOrders: algos.ofSymbol(null).map(algoReply),
    fills: account.allFills().map(fillReply),
    requests: Object.fromEntries(log.requests),
    faults: log.injected,
    faultsWaiting: faults.waiting,
    attempts: log.attempts,
  };
}
