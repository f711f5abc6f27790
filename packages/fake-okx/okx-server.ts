import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { control } from '../fake-exchange/control.ts';
import { Desk } from '../fake-exchange/desk.ts';
import { type OneShot, type Received, type Reply, VenueServer } from '../fake-exchange/venue-server.ts';
import { ENDPOINTS } from './endpoints.ts';
import { type OkxCode, OkxError } from './okx-error.ts';
import { type Keys, checkSigned } from './signed-request.ts';

export interface OkxServerOptions {
  readonly clock?: Clock;
  /** 0 picks a free one. */
  readonly port?: number;
  readonly keys?: Keys;
  /** Long-short mode, in which each side is a position of its own. */
  readonly hedge?: boolean;
  /** Into how many fills a market order is split, each one tick worse. */
  readonly fills?: number;
  /** Whether the keys are of a practice account. */
  readonly isDemo?: boolean;
  /** `cross` or `isolated`. */
  readonly marginMode?: string;
  /** 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin. */
  readonly accountLevel?: string;
}

export const TEST_KEYS: Keys = {
  key: 'okx-key-5a20c7e1',
  secret: 'okx-secret-b18f3d6e94',
  passphrase: 'okx-pass-61d0',
};

/** A server of OKX's V5 API for linear contracts on this machine. See README.md beside this file. */
export class OkxServer {
  readonly desk: Desk;
  readonly http: VenueServer;
  readonly #options: Required<Pick<OkxServerOptions, 'keys' | 'isDemo' | 'marginMode' | 'accountLevel'>>;

  private constructor({ clock = new SystemClock(), hedge = false, fills = 1, ...given }: OkxServerOptions) {
    this.#options = { keys: TEST_KEYS, isDemo: true, marginMode: 'cross', accountLevel: '2', ...given };
    this.desk = new Desk({ clock, hedge, fills, feeRate: '0.0005' });
    this.http = new VenueServer(clock, (received) => this.#carryOut(received));
  }

  static async start(options: OkxServerOptions = {}): Promise<OkxServer> {
    const server = new OkxServer(options);
    await server.http.listen(options.port ?? 0);
    return server;
  }

  get url(): string {
    return this.http.url;
  }

  close(): Promise<void> {
    return this.http.close();
  }

  /** A code of OKX's in answer to the next request of that name, whatever it is. */
  refuse(request: string, code: OkxCode, taken = false): void {
    this.http.fail({ request, taken, answer: refusal(new OkxError(code), request) });
  }

  fail(...faults: readonly OneShot[]): void {
    this.http.fail(...faults);
  }

  #carryOut(received: Received): Reply {
    const controlled = control(this.desk, received);
    if (controlled !== null) return controlled;
    const endpoint = ENDPOINTS[received.name];
    if (endpoint === undefined) return { status: 404, body: { code: '404', msg: 'Not Found', data: [] } };
    try {
      const { keys, isDemo, marginMode, accountLevel } = this.#options;
      if (endpoint.signed) checkSigned(received, keys, isDemo, this.desk.now());
      const parameters = parametersOf(received);
      const data = endpoint.answer({ desk: this.desk, marginMode, accountLevel, parameters });
      return { status: 200, body: { code: '0', msg: '', data } };
    } catch (thrown) {
      if (!(thrown instanceof OkxError)) throw thrown;
      return refusal(thrown, received.name);
    }
  }
}

/** What is wrong with an order stands in the list, beside a code 1 that says no more than that all of them failed. */
function refusal({ code, status, message }: OkxError, request: string): Reply {
  if (status !== 200 || !request.startsWith('POST ')) return { status, body: { code, msg: message, data: [] } };
  const data = [{ ordId: '', clOrdId: '', sCode: code, sMsg: message, tag: '' }];
  return { status, body: { code: '1', msg: 'All operations failed', data } };
}

function parametersOf({ method, query, body }: Received): Readonly<Record<string, unknown>> {
  if (method === 'GET') return Object.fromEntries(new URLSearchParams(query));
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    throw new OkxError('51000', 'body');
  }
}
