import { LocalVenue, type LocalVenueOptions, parametersOf } from '../fake-exchange/local-venue.ts';
import type { Received, Reply } from '../fake-exchange/venue-server.ts';
import { type BybitCode, BybitError, ENDPOINTS } from './endpoints.ts';
import type { Funding } from './replies.ts';
import { createHmac } from 'node:crypto';

export interface BybitServerOptions extends LocalVenueOptions {
  readonly keys?: Keys;
  /** `REGULAR_MARGIN` by default; `PORTFOLIO_MARGIN` is another. */
  readonly marginMode?: string;
  /** Whether it is a unified account. */
  readonly isUnified?: boolean;
}

export const TEST_KEYS: Keys = { key: 'bybit-key-7c1e05d2', secret: 'bybit-secret-93af6b0d41' };

/** A local server of Bybit's V5 API for linear contracts, described in README.md beside this file. */
export class BybitServer extends LocalVenue {
  readonly #funding: Funding[] = [];
  readonly #options: Required<Omit<BybitServerOptions, keyof LocalVenueOptions>>;

  private constructor(given: BybitServerOptions) {
    super(given, '0.00055');
    this.#options = { keys: TEST_KEYS, marginMode: 'REGULAR_MARGIN', isUnified: true, ...given };
  }

  static async start(options: BybitServerOptions = {}): Promise<BybitServer> {
    const server = new BybitServer(options);
    await server.http.listen(options.port ?? 0);
    return server;
  }

  /** Answers the next request of that name with a code. */
  refuse(request: string, code: BybitCode, taken = false): void {
    this.http.fail({ request, taken, answer: this.#refusal(new BybitError(code)) });
  }

  /** Adds a funding payment for a position, which is listed among the executions. */
  payFunding(symbol: string, paid: string, at = this.desk.now()): void {
    const { amount } = this.desk.position(symbol, 'NET');
    this.#funding.push({ symbol, size: amount, paid, price: this.desk.mark(symbol), at });
  }

  protected answer(received: Received): Reply {
    const endpoint = ENDPOINTS[received.name];
    if (endpoint === undefined) return { status: 404, body: {} };
    try {
      if (endpoint.signed) checkSigned(received, this.#options.keys, this.desk.now());
      const { marginMode, isUnified } = this.#options;
      const parameters = parametersOf(received, () => new BybitError(10001, 'the body is no JSON'));
      const result = endpoint.answer({ desk: this.desk, funding: this.#funding, marginMode, isUnified, parameters });
      return { status: 200, body: { retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time: this.desk.now() } };
    } catch (thrown) {
      if (!(thrown instanceof BybitError)) throw thrown;
      return this.#refusal(thrown);
    }
  }

  /** Rejections have HTTP status 200. */
  #refusal({ code, message }: BybitError): Reply {
    const time = this.desk.now();
    const body = { retCode: code, retMsg: message, result: {}, retExtInfo: {}, time };
    return code === 10006
      ? { status: 200, body, headers: { 'X-Bapi-Limit-Reset-Timestamp': String(time + 1000) } }
      : { status: 200, body };
  }
}

interface Keys {
  readonly key: string;
  readonly secret: string;
}

/** How far ahead the client's clock may be. Unit: milliseconds. */
const AHEAD_MS = 1000;

/** Verifies the headers: an HMAC-SHA256 over time, key, window and query or body. Throws 10003, 10004 or 10002. */
function checkSigned({ headers, query, body, method }: Received, { key, secret }: Keys, now: number): void {
  const header = (name: string): string => String(headers[name] ?? '');
  if (header('x-bapi-api-key') !== key) throw new BybitError(10003);
  const [timestamp, window] = [header('x-bapi-timestamp'), header('x-bapi-recv-window')];
  const payload = timestamp + key + window + (method === 'GET' ? query : body);
  const expected = createHmac('sha256', secret).update(payload).digest('hex');
  if (header('x-bapi-sign') !== expected) throw new BybitError(10004);
  const age = now - Number(timestamp);
  if (!(age <= Number(window) && age > -AHEAD_MS)) throw new BybitError(10002);
}
