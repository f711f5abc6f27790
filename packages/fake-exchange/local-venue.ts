import { parseArgs } from 'node:util';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { Desk, type Side, type Stop } from './desk.ts';
import { type OneShot, type Received, type Reply, VenueServer } from './venue-server.ts';
import type { MarketSpec } from './market.ts';

export interface LocalVenueOptions {
  readonly clock?: Clock;
  /** 0 picks a free one. */
  readonly port?: number;
  /** Whether each side of a symbol is a position of its own. */
  readonly hedge?: boolean;
  /** Into how many fills a market order is split, each one tick worse. */
  readonly fills?: number;
}

/** A desk behind HTTP, and its control port; how requests are read and answered is each exchange's own. */
export abstract class LocalVenue {
  readonly desk: Desk;
  readonly http: VenueServer;

  /** `feeRate`: share of an order's value. */
  protected constructor({ clock = new SystemClock(), hedge = false, fills = 1 }: LocalVenueOptions, feeRate: string) {
    this.desk = new Desk({ clock, hedge, fills, feeRate });
    this.http = new VenueServer(clock, (received) => control(this.desk, received) ?? this.answer(received));
  }

  protected abstract answer(received: Received): Reply;

  get url(): string {
    return this.http.url;
  }

  close(): Promise<void> {
    return this.http.close();
  }

  fail(...faults: readonly OneShot[]): void {
    this.http.fail(...faults);
  }
}

/** Of the query, or of a JSON body; `malformed` is thrown where that is none. */
export function parametersOf(
  { method, query, body }: Received,
  malformed: () => Error,
): Readonly<Record<string, unknown>> {
  if (method === 'GET') return Object.fromEntries(new URLSearchParams(query));
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    throw malformed();
  }
}

/**
 * Such an exchange as a process: prints its address as a line of JSON and runs until it is told to stop. `keys`: those that it takes where no
 * option of that name says otherwise.
 */
export async function serve<K extends Readonly<Record<keyof K, string>>>(
  keys: K,
  start: (options: LocalVenueOptions & { readonly keys: K }) => Promise<LocalVenue>,
): Promise<void> {
  const named = Object.entries<string>(keys).map(
    ([name, usual]) => [name, { type: 'string', default: usual }] as const,
  );
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      hedge: { type: 'boolean', default: false },
      fills: { type: 'string', default: '1' },
      ...Object.fromEntries(named),
    },
  });
  const given = Object.fromEntries(
    Object.keys(keys).map((name) => [name, String(values[name as keyof typeof values])]),
  );
  const server = await start({
    port: Number(values.port),
    keys: given as K,
    hedge: values.hedge,
    fills: Number(values.fills),
  });
  process.stdout.write(`${JSON.stringify({ http: server.url })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

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
function control(desk: Desk, { path, body }: Received): Reply | null {
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
