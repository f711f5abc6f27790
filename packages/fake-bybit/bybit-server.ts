import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { control } from '../fake-exchange/control.ts';
import { Desk } from '../fake-exchange/desk.ts';
import { type OneShot, type Received, type Reply, VenueServer } from '../fake-exchange/venue-server.ts';
import { type BybitCode, BybitError } from './bybit-error.ts';
import { ENDPOINTS } from './endpoints.ts';
import type { Funding } from './replies.ts';
import { type Keys, checkSigned } from './signed-request.ts';

export interface BybitServerOptions {
  readonly clock?: Clock;
  /** 0 picks a free one. */
  readonly port?: number;
  readonly keys?: Keys;
  readonly hedge?: boolean;
  /** Into how many fills a market order is split, each one tick worse. */
  readonly fills?: number;
  /** `PORTFOLIO_MARGIN` is another. */
  readonly marginMode?: string;
  /** Whether the account is a unified one. */
  readonly isUnified?: boolean;
}

export const TEST_KEYS: Keys = { key: 'bybit-key-7c1e05d2', secret: 'bybit-secret-93af6b0d41' };

/** A server of Bybit's V5 API for linear contracts on this machine. See README.md beside this file. */
export class BybitServer {
  readonly desk: Desk;
  readonly http: VenueServer;
  readonly #funding: Funding[] = [];
  readonly #options: Required<Omit<BybitServerOptions, 'clock' | 'port' | 'fills' | 'hedge'>>;

  private constructor({ clock = new SystemClock(), hedge = false, fills = 1, ...given }: BybitServerOptions) {
    this.#options = { keys: TEST_KEYS, marginMode: 'REGULAR_MARGIN', isUnified: true, ...given };
    this.desk = new Desk({ clock, hedge, fills, feeRate: '0.00055' });
    this.http = new VenueServer(clock, (received) => this.#carryOut(received));
  }

  static async start(options: BybitServerOptions = {}): Promise<BybitServer> {
    const server = new BybitServer(options);
    await server.http.listen(options.port ?? 0);
    return server;
  }

  get url(): string {
    return this.http.url;
  }

  close(): Promise<void> {
    return this.http.close();
  }

  /** A code of Bybit's in answer to the next request of that name, whatever it is. */
  refuse(request: string, code: BybitCode, taken = false): void {
    this.http.fail({ request, taken, answer: this.#refusal(new BybitError(code)) });
  }

  fail(...faults: readonly OneShot[]): void {
    this.http.fail(...faults);
  }

  /** A payment for a position, which stands among the executions. */
  payFunding(symbol: string, paid: string, at = this.desk.now()): void {
    const { amount } = this.desk.position(symbol, 'NET');
    this.#funding.push({ symbol, size: amount, paid, price: this.desk.mark(symbol), at });
  }

  #carryOut(received: Received): Reply {
    const controlled = control(this.desk, received);
    if (controlled !== null) return controlled;
    const endpoint = ENDPOINTS[received.name];
    if (endpoint === undefined) return { status: 404, body: {} };
    try {
      if (endpoint.signed) checkSigned(received, this.#options.keys, this.desk.now());
      const { marginMode, isUnified } = this.#options;
      const parameters = parametersOf(received);
      const result = endpoint.answer({ desk: this.desk, funding: this.#funding, marginMode, isUnified, parameters });
      return { status: 200, body: { retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time: this.desk.now() } };
    } catch (thrown) {
      if (!(thrown instanceof BybitError)) throw thrown;
      return this.#refusal(thrown);
    }
  }

  /** With status 200, as all but what stands before the exchange. */
  #refusal({ code, message }: BybitError): Reply {
    const time = this.desk.now();
    const body = { retCode: code, retMsg: message, result: {}, retExtInfo: {}, time };
    return code === 10006
      ? { status: 200, body, headers: { 'X-Bapi-Limit-Reset-Timestamp': String(time + 1000) } }
      : { status: 200, body };
  }
}

function parametersOf({ method, query, body }: Received): Readonly<Record<string, unknown>> {
  if (method === 'GET') return Object.fromEntries(new URLSearchParams(query));
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    throw new BybitError(10001, 'the body is no JSON');
  }
}
