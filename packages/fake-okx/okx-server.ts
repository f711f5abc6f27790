import { LocalVenue, type LocalVenueOptions, parametersOf } from '../fake-exchange/local-venue.ts';
import type { Received, Reply } from '../fake-exchange/venue-server.ts';
import { ENDPOINTS, type OkxCode, OkxError } from './endpoints.ts';
import { createHmac } from 'node:crypto';

export interface OkxServerOptions extends LocalVenueOptions {
  readonly keys?: Keys;
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

/** A local server of OKX's V5 API for linear contracts, described in README.md beside this file. */
export class OkxServer extends LocalVenue {
  readonly #options: Required<Pick<OkxServerOptions, 'keys' | 'isDemo' | 'marginMode' | 'accountLevel'>>;

  private constructor(given: OkxServerOptions) {
    super(given, '0.0005');
    this.#options = { keys: TEST_KEYS, isDemo: true, marginMode: 'cross', accountLevel: '2', ...given };
  }

  static async start(options: OkxServerOptions = {}): Promise<OkxServer> {
    const server = new OkxServer(options);
    await server.http.listen(options.port ?? 0);
    return server;
  }

  /** Answers the next request of that name with a code. */
  refuse(request: string, code: OkxCode, taken = false): void {
    this.http.fail({ request, taken, answer: refusal(new OkxError(code), request) });
  }

  protected answer(received: Received): Reply {
    const endpoint = ENDPOINTS[received.name];
    if (endpoint === undefined) return { status: 404, body: { code: '404', msg: 'Not Found', data: [] } };
    try {
      const { keys, isDemo, marginMode, accountLevel } = this.#options;
      if (endpoint.signed) checkSigned(received, keys, isDemo, this.desk.now());
      const parameters = parametersOf(received, () => new OkxError('51000', 'body'));
      const data = endpoint.answer({ desk: this.desk, marginMode, accountLevel, parameters });
      return { status: 200, body: { code: '0', msg: '', data } };
    } catch (thrown) {
      if (!(thrown instanceof OkxError)) throw thrown;
      return refusal(thrown, received.name);
    }
  }
}

/** The rejection of an order is an entry of `data`; the code beside it only says that all operations failed. */
function refusal({ code, status, message }: OkxError, request: string): Reply {
  if (status !== 200 || !request.startsWith('POST ')) return { status, body: { code, msg: message, data: [] } };
  const data = [{ ordId: '', clOrdId: '', sCode: code, sMsg: message, tag: '' }];
  return { status, body: { code: '1', msg: 'All operations failed', data } };
}

interface Keys {
  readonly key: string;
  readonly secret: string;
  readonly passphrase: string;
}

/** How far the client's clock may deviate. Unit: milliseconds. */
const WINDOW_MS = 30_000;

/**
 * Verifies the headers: an HMAC-SHA256 in base64 over time, method, path, query and body. A key belongs either to practice accounts, which a
 * further header selects, or to real ones.
 */
function checkSigned({ headers, method, path, query, body }: Received, keys: Keys, isDemo: boolean, now: number): void {
  const header = (name: string): string => String(headers[name] ?? '');
  if (header('ok-access-key') !== keys.key) throw new OkxError('50111');
  if (header('ok-access-passphrase') !== keys.passphrase) throw new OkxError('50105');
  if ((header('x-simulated-trading') === '1') !== isDemo) throw new OkxError('50101');
  const timestamp = header('ok-access-timestamp');
  if (!(Math.abs(now - Date.parse(timestamp)) <= WINDOW_MS)) throw new OkxError('50102');
  const payload = timestamp + method + path + (query === '' ? '' : `?${query}`) + body;
  const expected = createHmac('sha256', keys.secret).update(payload).digest('base64');
  if (header('ok-access-sign') !== expected) throw new OkxError('50113');
}
