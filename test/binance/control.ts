import { BinanceError } from './binance-error.ts';
import type { ConditionalSpec, Hand, MarketSpec, OpeningSpec } from './binance-exchange.ts';
import type { BinanceServer } from './binance-server.ts';
import type { Fault, OneShot } from './faults.ts';
import { fillReply, orderReply, positionReply } from './replies.ts';

/**
 * What another process may do to the server: `POST /_control/NAME` with a JSON object, answered with JSON. The same as the methods of
 * BinanceExchange and FaultPlan, which a test in the same process calls directly.
 */
const CONTROLS: Readonly<Record<string, (server: BinanceServer, given: never) => unknown>> = {
  market: ({ exchange }, given: MarketSpec) => exchange.setMarket(given),
  mark: ({ exchange }, { symbol, price }: { symbol: string; price: string }) => exchange.setMark(symbol, price),
  open: ({ exchange }, given: OpeningSpec) => orderReply(exchange.open(given)),
  close: ({ exchange }, given: { symbol: string; side: 'LONG' | 'SHORT'; hand?: Hand; quantity?: string }) => {
    const order = exchange.close(given.symbol, given.side, given.hand, given.quantity);
    return order === null ? null : orderReply(order);
  },
  stop: ({ exchange }, given: ConditionalSpec) => exchange.placeStop(given),
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
  state: (server) => stateOf(server),
};

export function control(server: BinanceServer, path: string, body: string): unknown {
  const name = path.slice('/_control/'.length);
  const act = Object.hasOwn(CONTROLS, name) ? CONTROLS[name] : undefined;
  if (act === undefined) return { error: `no such control; there are ${Object.keys(CONTROLS).join(', ')}` };
  try {
    const given: unknown = body === '' ? {} : JSON.parse(body);
    return act(server, given as never) ?? {};
  } catch (thrown) {
    return { error: thrown instanceof BinanceError ? thrown.body : String(thrown) };
  }
}

/** Everything that a test compares with: positions, orders, fills, and what the client asked. */
export function stateOf({ exchange, requests, injected, attempts }: BinanceServer) {
  const { account } = exchange.orders;
  return {
    positions: [...account.positions.values()].map((position) =>
      positionReply(position, exchange.orders.mark(position.symbol)),
    ),
    orders: [...exchange.orders.all()].map(orderReply),
    fills: [...account.fills.values()].flat().map((fill) => fillReply(fill, 'USDT')),
    requests: Object.fromEntries(requests),
    faults: injected,
    attempts,
  };
}
