import type { Desk, Side, Stop } from './desk.ts';
import type { MarketSpec } from './market.ts';
import type { Received, Reply } from './venue-server.ts';

const PREFIX = '/_control/';

type Control = (desk: Desk, given: never) => unknown;

/** What another process may do: `POST /_control/NAME` with a JSON object. The same as the methods of Desk. */
const CONTROLS: Readonly<Record<string, Control>> = {
  market: (desk, given: MarketSpec) => desk.setMarket(given),
  mark: (desk, { symbol, price }: { symbol: string; price: string }) => desk.setMark(symbol, price),
  open: (desk, given: Parameters<Desk['open']>[0]) => ({ orderId: desk.open(given).id }),
  close: (desk, { symbol, side, hand, quantity }: Closing) => ({
    orderId: desk.close(symbol, side, hand, quantity)?.id ?? null,
  }),
  stop: (desk, given: Parameters<Desk['placeStop']>[0]) => ({ id: desk.placeStop(given).id }),
  state: (desk) => stateOf(desk),
};

interface Closing {
  readonly symbol: string;
  readonly side: Side;
  readonly hand?: Parameters<Desk['close']>[2];
  readonly quantity?: string;
}

/** Null where the request is none of these. 400 with `{"error"}` where it cannot be done, 404 where there is no such control. */
export function control(desk: Desk, { path, body }: Received): Reply | null {
  if (!path.startsWith(PREFIX)) return null;
  const name = path.slice(PREFIX.length);
  const act = Object.hasOwn(CONTROLS, name) ? CONTROLS[name] : undefined;
  if (act === undefined) {
    return { status: 404, body: { error: `no such control; there are ${Object.keys(CONTROLS).join(', ')}` } };
  }
  try {
    const given: unknown = body === '' ? {} : JSON.parse(body);
    return { status: 200, body: act(desk, given as never) ?? {} };
  } catch (thrown) {
    return { status: 400, body: { error: String(thrown) } };
  }
}

/** Positions, orders and stops, in the exchange's contracts. */
function stateOf({ positions, orders, stops, fills }: Desk): object {
  return {
    positions: [...positions.values()].map(({ symbol, slot, amount, entryPrice }) => ({
      symbol,
      slot,
      amount,
      entryPrice,
    })),
    orders: orders.map(({ id, clientId, symbol, direction, quantity, filled, status, hand }) => ({
      id,
      clientId,
      symbol,
      direction,
      quantity,
      filled,
      status,
      hand,
    })),
    stops: stops.map((stop: Stop) => ({ ...stop })),
    fills: fills.length,
  };
}
