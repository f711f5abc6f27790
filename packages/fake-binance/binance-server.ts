import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { AnswerChanges, answer, answerPage, refuse, turnAway, type Outcome, answerFaulty } from './answers.ts';
import { BinanceError } from './binance-error.ts';
import { BinanceExchange } from './binance-exchange.ts';
import { type Endpoint, checkKey, checkSigned, type Keys, type EndpointTable } from './endpoint.ts';
import { FaultPlan, type OneShot, counter, FAULTS } from './faults.ts';
import { type Matching, WHOLE } from './order.ts';
import { OrderCounts, type Ban, Weights, weightOf } from './allowances.ts';
import { type Received, bodyOf, receive, RequestLog } from './request-log.ts';
import { StreamServer } from './stream-server.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import { ACCOUNT_ENDPOINTS } from './account-endpoints.ts';
import { ALGO_ENDPOINTS } from './algo-orders.ts';
import { FUNDING_ENDPOINTS } from './funding.ts';
import { MARKET_ENDPOINTS } from './market-endpoints.ts';
import { ORDER_ENDPOINTS } from './order-endpoints.ts';
import { STREAM_ENDPOINTS } from './user-stream.ts';

/** Longer than any pause of a test, so that clients keep their connections. Unit: milliseconds. */
const KEEP_ALIVE_MS = 10 * 60 * 1000;

/** Larger than any request of the API. Unit: bytes. */
const MOST_BODY_BYTES = 64 * 1024;

const COUNTED_ORDERS: ReadonlySet<string> = new Set(['POST /fapi/v1/order', 'POST /fapi/v1/algoOrder']);

/** A local server of Binance's USD-M futures API, described in README.md beside this file. */
export class BinanceServer {
  readonly exchange: BinanceExchange;
  readonly faults: FaultPlan;
  readonly changes: AnswerChanges;
  readonly streams: StreamServer;
  readonly log = new RequestLog();
  /** Called before a request is executed, and again before it is answered. */
  onStep: ((step: string) => void) | null = null;
  readonly #options: Required<BinanceServerOptions>;
  readonly #server: Server;
  readonly #weights: Weights;
  readonly #orderCounts: OrderCounts;
  /** Client order ids for which requests are not answered. */
  readonly #unanswering = new Set<string>();
  readonly #closing = new AbortController();

  private constructor(given: BinanceServerOptions) {
    this.#options = serverOptions(given);
    const { clock, hedge, seed, makerRate, takerRate } = this.#options;
    const { commissionAsset: asset, commissionAssetPrice: assetPrice } = this.#options;
    this.exchange = new BinanceExchange(clock, {
      hedge,
      seed,
      commission: { asset, assetPrice, takerRate, makerRate },
    });
    const nextFaultId = counter();
    this.faults = new FaultPlan(new SeededRandom(seed), nextFaultId);
    this.changes = new AnswerChanges(nextFaultId);
    const { weightPerMinute, ordersPer10Seconds: per10Seconds, ordersPerMinute: perMinute } = this.#options;
    this.#weights = new Weights(weightPerMinute);
    this.#orderCounts = new OrderCounts({ per10Seconds, perMinute });
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#serve(request, response).catch((thrown: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(thrown));
      });
    });
    this.streams = new StreamServer(this.#server, this.exchange, nextFaultId);
  }

  static async start(options: BinanceServerOptions = {}): Promise<BinanceServer> {
    const started = new BinanceServer(options);
    started.#server.listen(started.#options.port, '127.0.0.1');
    await once(started.#server, 'listening');
    void started.streams.run(started.#options.clock, started.#closing.signal);
    return started;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  get requests(): RequestLog['requests'] {
    return this.log.requests;
  }

  get injected(): RequestLog['injected'] {
    return this.log.injected;
  }

  get attempts(): RequestLog['attempts'] {
    return this.log.attempts;
  }

  /** Ends the fault `unanswering` for one order, or for all. */
  lift(clientOrderId?: string): void {
    if (clientOrderId === undefined) this.#unanswering.clear();
    else this.#unanswering.delete(clientOrderId);
  }

  /** Bans the address until a time; a past time ends a ban. */
  ban(ban: Ban): void {
    this.#weights.banUntil(ban);
  }

  get banned(): Ban | null {
    return this.#weights.banAt(this.exchange.now());
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#closing.abort();
    this.streams.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request, MOST_BODY_BYTES);
    if (body === null) return answer(response, 413, { msg: `at most ${MOST_BODY_BYTES} bytes are read` });
    const received = receive(request, body, this.exchange.now(), (name) => this.log.count(name));
    const { name, method, path } = received;
    this.log.noteArrival(received, response, () => this.exchange.now());
    const endpoint = ENDPOINTS[name];
    if (endpoint === undefined) {
      return answer(response, 404, { code: -5000, msg: `Path ${path}, Method ${method} is invalid` });
    }
    if (this.#allows(received, response)) await this.#execute(received, endpoint, response);
  }

  /** Whether the rate limits allow a request; answers it where they do not. */
  #allows(received: Received, response: ServerResponse): boolean {
    const now = this.exchange.now();
    const allowance = this.#weights.take(weightOf(received.name, received.parameters), now);
    response.setHeader('X-MBX-USED-WEIGHT-1M', allowance.used);
    if (allowance.kind === 'refused') {
      this.log.noteOrder(received, now, null, '-1003');
      const { status, ban } = allowance;
      turnAway(response, {
        status,
        retryAfterS: ban?.retryAfter === false ? null : allowance.retryAfterS,
        perMinute: this.#options.weightPerMinute,
        bannedUntil: ban?.until ?? null,
      });
      return false;
    }
    if (!COUNTED_ORDERS.has(received.name)) return true;
    const { headers, over } = this.#orderCounts.take(now);
    for (const [header, count] of Object.entries(headers)) response.setHeader(header, count);
    if (over === null) return true;
    this.log.noteOrder(received, now, null, '-1015');
    refuse(response, new BinanceError('-1015', over));
    return false;
  }

  async #execute(received: Received, endpoint: Endpoint, response: ServerResponse): Promise<void> {
    const { name, clientOrderId, parameters } = received;
    const injection = this.faults.draw({ ...received, symbol: parameters.get('symbol') });
    const fault = injection?.fault ?? null;
    if (fault !== null) this.log.noteFault(received, this.exchange.now(), fault);
    this.onStep?.(`before ${name}`);
    const isLate = injection !== null && 'late' in FAULTS[injection.fault];
    if (isLate) void this.#executeLate(received, endpoint, injection);
    const outcome = isLate ? null : this.#outcome(received, endpoint, injection);
    this.log.noteOrder(received, this.exchange.now(), fault, outcome?.code ?? null);
    this.onStep?.(`after ${name}`);
    if (fault === 'unanswering' && clientOrderId !== null) this.#unanswering.add(clientOrderId);
    else if (clientOrderId !== null && this.#unanswering.has(clientOrderId)) return answerPage(response, 503);
    await answerFaulty(response, injection, outcome, { ...this.#options, closing: this.#closing.signal });
  }

  /** Executes a request with delay, whether or not anybody still waits for its answer. */
  async #executeLate(received: Received, endpoint: Endpoint, injection: OneShot): Promise<void> {
    const { clock, delayMs } = this.#options;
    await clock.sleep(injection.delayMs ?? delayMs, this.#closing.signal);
    if (!this.#closing.signal.aborted) this.#outcome(received, endpoint, injection);
  }

  /** Executes a request. Null where a fault prevents it. */
  #outcome(received: Received, endpoint: Endpoint, injection: OneShot | null): Outcome | null {
    const { key, payload, parameters } = received;
    const fault = injection?.fault ?? null;
    if (fault !== null && !FAULTS[fault].taken) return null;
    try {
      if (endpoint.security === 'signed') checkSigned(payload, key, this.#options.keys, this.exchange.now());
      else if (endpoint.security === 'key') checkKey(key, this.#options.keys);
      if (fault === 'empty-positions') return { status: 200, body: [], code: null };
      if (fault === 'hand-change') {
        this.exchange.closeSome(parameters.get('symbol') ?? '', parameters.get('side') === 'BUY' ? 'BUY' : 'SELL');
      }
      const { fills, slippageTicks } = this.#options;
      const matching: Matching = { ...WHOLE, fills, slippageTicks, share: fault === 'partial-fill' ? 0.5 : 1 };
      const asked = { exchange: this.exchange, parameters, matching, allowances: this.#shownAllowances() };
      this.changes.vet(received, this.exchange.now());
      return { status: 200, body: this.changes.changed(received, endpoint.answer(asked)), code: null };
    } catch (thrown) {
      if (!(thrown instanceof BinanceError)) throw thrown;
      return { status: thrown.status, body: thrown.reply, code: thrown.code };
    }
  }

  /** The limits that exchangeInfo shows: Binance's own in place of Infinity, which JSON cannot express. */
  #shownAllowances(): Allowances {
    const { weightPerMinute, ordersPer10Seconds, ordersPerMinute } = this.#options;
    return {
      weightPerMinute,
      ordersPer10Seconds: Math.min(ordersPer10Seconds, BINANCE_ALLOWANCES.ordersPer10Seconds),
      ordersPerMinute: Math.min(ordersPerMinute, BINANCE_ALLOWANCES.ordersPerMinute),
    };
  }
}

export interface BinanceServerOptions {
  readonly clock?: Clock;
  /** 0 picks a free one. */
  readonly port?: number;
  readonly keys?: Keys;
  /** The seed of generated candles and of random faults. */
  readonly seed?: number;
  /** Whether the account is in hedge mode. */
  readonly hedge?: boolean;
  /** How long an unanswered request is held before its connection is closed. Unit: milliseconds. */
  readonly holdMs?: number;
  /** The delay of a late order. Unit: milliseconds. */
  readonly delayMs?: number;
  /** Retry-After of an injected 429 or 418. Unit: seconds. */
  readonly retryAfterS?: number;
  /** Unit: weight. */
  readonly weightPerMinute?: number;
  /** Unit: orders. Unlimited by default. */
  readonly ordersPer10Seconds?: number;
  /** Unit: orders. Unlimited by default. */
  readonly ordersPerMinute?: number;
  /** The number of fills of a market order, each one tick worse than the one before. */
  readonly fills?: number;
  /** How much worse than the mark price the first fill of a market order is. Unit: ticks. */
  readonly slippageTicks?: number;
  readonly commissionAsset?: string;
  /** Unit: quote currency per unit of the commission asset. */
  readonly commissionAssetPrice?: string;
  /** Unit: fraction of notional. */
  readonly takerRate?: string;
  /** Unit: fraction of notional. */
  readonly makerRate?: string;
}

export interface Allowances {
  readonly weightPerMinute: number;
  readonly ordersPer10Seconds: number;
  readonly ordersPerMinute: number;
}

/** Binance's own limits. Units: weight, orders. */
export const BINANCE_ALLOWANCES: Allowances = { weightPerMinute: 2400, ordersPer10Seconds: 300, ordersPerMinute: 1200 };

export const TEST_KEYS: Keys = { key: 'test-key-0f3b9c5d7e21', secret: 'test-secret-6a1d2f4b8c90e7' };

function serverOptions(given: BinanceServerOptions): Required<BinanceServerOptions> {
  return {
    clock: new SystemClock(),
    port: 0,
    keys: TEST_KEYS,
    seed: 1,
    hedge: false,
    holdMs: 2000,
    delayMs: 100,
    retryAfterS: 1,
    weightPerMinute: BINANCE_ALLOWANCES.weightPerMinute,
    ordersPer10Seconds: Infinity,
    ordersPerMinute: Infinity,
    fills: 1,
    slippageTicks: 0,
    commissionAsset: 'USDT',
    commissionAssetPrice: '1',
    takerRate: '0.0005',
    makerRate: '0.0002',
    ...given,
  };
}

/** All endpoints, by method and path. */
export const ENDPOINTS: EndpointTable = {
  ...MARKET_ENDPOINTS,
  ...ACCOUNT_ENDPOINTS,
  ...ORDER_ENDPOINTS,
  ...ALGO_ENDPOINTS,
  ...FUNDING_ENDPOINTS,
  ...STREAM_ENDPOINTS,
};
