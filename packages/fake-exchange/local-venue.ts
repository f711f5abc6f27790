import { parseArgs } from 'node:util';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { control } from './control.ts';
import { Desk } from './desk.ts';
import { type OneShot, type Received, type Reply, VenueServer } from './venue-server.ts';

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
