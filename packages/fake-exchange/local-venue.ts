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
  /** Whether the account is in hedge mode. */
  readonly hedge?: boolean;
  /** The number of fills of a market order, each one tick worse. */
  readonly fills?: number;
}

/** A Desk behind HTTP, with control requests. Subclasses speak the protocols of real exchanges. */
export abstract class LocalVenue {
  readonly desk: Desk;
  readonly http: VenueServer;

  /** `feeRate` is a fraction of notional. */
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

/** The parameters of the query or the JSON body. Throws `malformed` where that is not JSON. */
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
 * Runs a local exchange as a process: prints its address as a line of JSON, and runs until it is stopped. `keys` are the default keys, which
 * options of the same names replace.
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

/** Methods of Desk for other processes: `POST /_control/NAME` with a JSON object. */
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

/** The reply to a control request; null for any other. 400 with `{"error"}` for a failed one, 404 for an unknown one. */
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
