import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { BinanceError } from './binance-error.ts';
import { BinanceExchange } from './binance-exchange.ts';
import { control } from './control.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { FAULTS, type Fault, FaultPlan } from './faults.ts';
import { type Matching } from './orders.ts';
import { type Keys, checkSigned } from './signed-request.ts';
import { Weights } from './weights.ts';

export interface BinanceServerOptions {
  readonly clock?: Clock;
  readonly port?: number;
  readonly keys?: Keys;
  readonly seed?: number;
  readonly hedge?: boolean;
  /** How long a request that is never answered is held before its connection is closed. Unit: milliseconds. */
  readonly holdMs?: number;
  /** What 429 and 418 say. Unit: seconds. */
  readonly retryAfterS?: number;
  /** Allowance of a minute. Unit: weight. */
  readonly weightPerMinute?: number;
  /** Into how many fills a market order is split. */
  readonly fills?: number;
  readonly commissionAsset?: string;
}

/** An order as the client sent it, whatever became of it. */
export interface Attempt {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly quantity: string;
  readonly fault: Fault | null;
  /** The code that it was refused with; null where it was taken, or nobody said. */
  readonly code: string | null;
}

export const TEST_KEYS: Keys = { key: 'test-key-0f3b9c5d7e21', secret: 'test-secret-6a1d2f4b8c90e7' };

/** A server of Binance's USD-M futures API on this machine. See README.md beside this file. */
export class BinanceServer {
  readonly exchange: BinanceExchange;
  readonly faults: FaultPlan;
  /** Requests by `METHOD path`. */
  readonly requests = new Map<string, number>();
  readonly injected: { readonly fault: Fault; readonly path: string; readonly clientOrderId: string | null }[] = [];
  readonly attempts: Attempt[] = [];
  /** Called before a request is carried out, and after it, before it is answered. */
  onStep: ((step: string) => void) | null = null;
  readonly #options: Required<BinanceServerOptions>;
  readonly #server: Server;
  readonly #random: SeededRandom;
  readonly #weights: Weights;
  /** Client order ids that nobody is told of any more. */
  readonly #dark = new Set<string>();
  readonly #closing = new AbortController();

  private constructor(options: BinanceServerOptions) {
    this.#options = {
      clock: new SystemClock(),
      port: 0,
      keys: TEST_KEYS,
      seed: 1,
      hedge: false,
      holdMs: 2000,
      retryAfterS: 1,
      weightPerMinute: 2400,
      fills: 1,
      commissionAsset: 'USDT',
      ...options,
    };
    this.exchange = new BinanceExchange(this.#options.clock, this.#options.hedge);
    this.#random = new SeededRandom(this.#options.seed);
    this.faults = new FaultPlan(this.#random);
    this.#weights = new Weights(this.#options.weightPerMinute);
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(thrown));
      });
    });
  }

  static async start(options: BinanceServerOptions = {}): Promise<BinanceServer> {
    const started = new BinanceServer(options);
    await new Promise<void>((resolve, reject) => {
      started.#server.once('error', reject);
      started.#server.listen(started.#options.port, '127.0.0.1', resolve);
    });
    return started;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const body = await textOf(request);
    if (path.startsWith('/_control/')) return answer(response, 200, control(this, path, body));
    const name = `${method} ${path}`;
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    const allowance = this.#weights.take(path, this.exchange.now());
    if (allowance.kind === 'refused') return this.#turnAway(response, allowance.status, allowance.retryAfterS);
    response.setHeader('X-MBX-USED-WEIGHT-1M', allowance.used);
    const parameters = new URLSearchParams([query, body].filter((part) => part !== '').join('&'));
    const endpoint = ENDPOINTS[name];
    if (endpoint === undefined) return void response.writeHead(404).end();
    const fault = this.faults.draw(method, path);
    const clientOrderId = parameters.get('newClientOrderId') ?? parameters.get('origClientOrderId');
    if (fault !== null) this.injected.push({ fault, path, clientOrderId });
    this.onStep?.(`before ${name}`);
    const outcome = this.#carryOut(endpoint, request, query + body, parameters, fault);
    if (name === 'POST /fapi/v1/order') this.#note(parameters, fault, outcome);
    this.onStep?.(`after ${name}`);
    await this.#reply(response, fault, parameters, outcome);
  }

  /** Does what was asked, unless the fault is that it is not done. */
  #carryOut(
    endpoint: Endpoint,
    request: IncomingMessage,
    payload: string,
    parameters: URLSearchParams,
    fault: Fault | null,
  ): { readonly status: number; readonly body: unknown; readonly code: string | null } | null {
    if (fault !== null && !FAULTS[fault].taken) return null;
    try {
      if (endpoint.signed) {
        const key = request.headers['x-mbx-apikey'];
        checkSigned(payload, typeof key === 'string' ? key : undefined, this.#options.keys, this.exchange.now());
      }
      if (fault === 'hand-change') this.#meddle(parameters);
      const { commissionAsset, fills } = this.#options;
      const matching: Matching = { fills, share: fault === 'partial-fill' ? 0.5 : 1 };
      const asked = { exchange: this.exchange, random: this.#random, parameters, matching, commissionAsset };
      const answered = fault === 'empty-positions' ? [] : endpoint.answer(asked);
      return { status: 200, body: answered, code: null };
    } catch (thrown) {
      if (!(thrown instanceof BinanceError)) throw thrown;
      return { status: thrown.status, body: JSON.parse(thrown.body), code: thrown.code };
    }
  }

  #meddle(parameters: URLSearchParams): void {
    const positionSide = parameters.get('positionSide');
    this.exchange.closeSome(
      parameters.get('symbol') ?? '',
      parameters.get('side') === 'BUY' ? 'BUY' : 'SELL',
      positionSide === 'LONG' || positionSide === 'SHORT' ? positionSide : null,
    );
  }

  async #reply(
    response: ServerResponse,
    fault: Fault | null,
    parameters: URLSearchParams,
    outcome: { readonly status: number; readonly body: unknown } | null,
  ): Promise<void> {
    const clientOrderId = parameters.get('newClientOrderId') ?? parameters.get('origClientOrderId');
    if (fault === 'unanswering' && clientOrderId !== null) this.#dark.add(clientOrderId);
    else if (clientOrderId !== null && this.#dark.has(clientOrderId)) return answerPage(response, 503);
    const faulty = fault === null ? null : FAULTS[fault].answer;
    const { status, body } = outcome ?? { status: 200, body: {} };
    if (faulty === null) return answer(response, status, body);
    if (faulty === 'reset') return void response.socket?.destroy();
    if (faulty === 'half') return half(response, JSON.stringify(body));
    if (faulty === 'none') {
      await this.#options.clock.sleep(this.#options.holdMs, this.#closing.signal);
      return void response.socket?.destroy();
    }
    if ('html' in faulty) return answerPage(response, faulty.status);
    if (faulty.status === 429 || faulty.status === 418)
      return this.#turnAway(response, faulty.status, this.#options.retryAfterS);
    return answer(response, faulty.status, JSON.parse(new BinanceError(faulty.code).body));
  }

  #turnAway(response: ServerResponse, status: 429 | 418, retryAfterS: number): void {
    response.setHeader('Retry-After', retryAfterS);
    answer(response, status, JSON.parse(new BinanceError('-1003', '2400').body));
  }

  #note(parameters: URLSearchParams, fault: Fault | null, outcome: { readonly code: string | null } | null): void {
    const faulty = fault === null ? null : FAULTS[fault].answer;
    const told = faulty !== null && typeof faulty === 'object' && 'code' in faulty ? faulty.code : null;
    this.attempts.push({
      clientOrderId: parameters.get('newClientOrderId') ?? '',
      symbol: parameters.get('symbol') ?? '',
      quantity: parameters.get('quantity') ?? '',
      fault,
      code: outcome?.code ?? told,
    });
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(body));
}

function answerPage(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(
    `<html><head><title>${status}</title></head><body>Something in front of the exchange failed.</body></html>`,
  );
}

/** Less than the headers promise, and then the connection is gone. */
function half(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', 'content-length': text.length + 1 });
  response.write(text.slice(0, Math.ceil(text.length / 2)), () => response.socket?.destroy());
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
