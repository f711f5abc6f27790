import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import { type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { Logger } from '../../../ports/logger.ts';
import { redactor } from '../../system/redactor.ts';
import { openCcxt, type VenueSettings } from './venue-settings.ts';
import { type Priority, RequestQueue, type Reservation } from './request-queue.ts';
import { RETRY } from './venues/code-rules.ts';
import { VenueClock } from './venue-clock.ts';
import { ExchangeRejection, NoResponse, noResponseOf, rejectionOf } from './exchange-rejection.ts';
import type { Allowance } from './venues/venue-traits.ts';

/**
 * How long every signed request must have been rejected for its keys before the process ends, as it does where a broker rejects it. Unit:
 * milliseconds.
 */
const KEYS_REFUSED_MS = 30_000;

/** The wait after a 429 or 418 that names none. Unit: milliseconds. */
const DEFAULT_BLOCK_MS = 10_000;

/** An order that is being sent. */
interface OrderInFlight {
  readonly gate: SendGate;
  /** A request that may be the order has been handed to the network. */
  hasLeft: boolean;
}

/** The context of the requests that ccxt makes for one call. */
interface CallContext {
  readonly priority: Priority;
  readonly order: OrderInFlight | null;
  /** Collects the parsed replies; null: they are not kept. */
  readonly replies: unknown[] | null;
  /** The turn reserved for the first request; null: it waits in the queue. */
  turn: Reservation | null;
}

/**
 * ccxt's client of one exchange. All requests of this process share its rate limit, its clock and its way of failing.
 *
 * EXC-31  Every failure is an ExchangeRejection, with the exchange's own code, or a NoResponse. Neither contains a secret.
 * EXC-32  After the exchange has asked for a wait (429, 418), nothing is sent until it is over.
 * EXC-33  No request takes longer than the time-out, even if a reply stops in the middle.
 * EXC-34  A request that may be an order asks its gate after the queue, already signed, in the same turn of the event loop in which it is
 *         handed to the network.
 * EXC-35  If every signed request has been rejected for its keys for half a minute, the error is KEYS_REFUSED, which is not transient.
 * EXC-36  Every request takes its turn in one queue by its purpose (request-queue.ts), and leaves the queue when it is aborted.
 */
export class VenueClient {
  readonly id: string;
  readonly clock: VenueClock;
  readonly settings: VenueSettings;
  readonly api: CcxtExchange;
  readonly logger: Logger;
  readonly queue: RequestQueue;
  #blockedUntil: EpochMillis = 0;
  /** Since when every signed request has been rejected for its keys; null: the latest one was not. */
  #keysRejectedSince: EpochMillis | null = null;
  readonly #context = new AsyncLocalStorage<CallContext>();
  readonly #givenUp = new AsyncLocalStorage<AbortSignal>();

  private constructor(api: CcxtExchange, settings: VenueSettings, machine: Clock, logger: Logger) {
    this.id = settings.id;
    this.api = api;
    this.settings = settings;
    this.clock = new VenueClock(machine);
    this.logger = logger;
    this.queue = new RequestQueue(allowanceOf(settings, api), this.clock);
    const { key = '', secret = '', passphrase = null } = settings.credentials ?? {};
    redactor.learn(key, secret, passphrase);
    this.#watchReplies();
    this.#boundRequests();
    // EXC-36. ccxt signs a request after its turn has come.
    const throttle = (cost: unknown): Promise<void> => this.#turn(Number(cost ?? 1));
    Object.assign(api, { nonce: () => this.clock.now(), throttle });
  }

  /** Throws USAGE for an id that ccxt does not know. */
  static async open(settings: VenueSettings, machine: Clock, logger: Logger): Promise<VenueClient> {
    return new VenueClient(await openCcxt(settings), settings, machine, logger);
  }

  /** EXC-36: requests of `work` that wait in the queue fail with EXCHANGE_AWAY once `givenUp` is aborted. */
  unlessGivenUp<T>(givenUp: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#givenUp.run(givenUp, work);
  }

  /** Sends a request and returns its answer. Throws EXCHANGE_AWAY, with `what` in the message, where there is no complete answer. */
  async ask<T>(priority: Priority, what: string, question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    return this.#ask(what, plain(priority), question);
  }

  /** As `ask`, but returns null without sending anything where the request would have to wait for its turn. */
  async askIfFree<T>(priority: Priority, what: string, question: (api: CcxtExchange) => Promise<T>): Promise<T | null> {
    const turn = this.queue.reserve(priority);
    if (turn === null) return null;
    try {
      return await this.#ask(what, { ...plain(priority), turn }, question);
    } finally {
      turn.giveBack();
    }
  }

  /** As `ask`, with the replies as the exchange sent them: ccxt leaves out rows that it considers empty. */
  async askWithReplies<T>(
    priority: Priority,
    what: string,
    question: (api: CcxtExchange) => Promise<T>,
  ): Promise<{ readonly answer: T; readonly replies: readonly unknown[] }> {
    const replies: unknown[] = [];
    const answer = await this.#ask(what, { ...plain(priority), replies }, question);
    return { answer, replies };
  }

  /** As `ask`, for requests to which a rejection may be the answer. Throws ExchangeRejection or NoResponse. */
  async send<T>(priority: Priority, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    return this.#send(plain(priority), request);
  }

  /**
   * As `send`, for an order. Throws WithheldOrder if `gate` withheld it before anything was sent. If some of its requests had been sent
   * already, the order is in doubt like one without an answer.
   */
  async order<T>(gate: SendGate, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    const order: OrderInFlight = { gate, hasLeft: false };
    try {
      return await this.#send({ ...plain('place'), order }, request);
    } catch (thrown) {
      if (thrown instanceof WithheldOrder && order.hasLeft) throw new NoResponse(thrown.message);
      throw thrown;
    }
  }

  /** Measures the exchange's clock. Throws EXCHANGE_AWAY. */
  async measureClock(): Promise<void> {
    const before = this.clock.skewMs;
    try {
      await this.clock.measure(async () => Number(await this.send('look-up', (api) => api.fetchTime())));
    } catch (thrown) {
      throw new HarvestlineError('EXCHANGE_AWAY', `${this.id}: time: ${messageOf(thrown)}`);
    }
    const { skewMs } = this.clock;
    if (Math.abs(skewMs - before) >= LOUD_SKEW_MS) {
      this.logger.warn({ venue: this.id, skewMs }, "this machine's clock and the exchange's differ; corrected");
    }
  }

  /** The rest of the wait that the exchange asked for; 0: none. Unit: milliseconds. */
  get blockedMs(): number {
    return Math.max(0, this.#blockedUntil - this.clock.now());
  }

  async #ask<T>(what: string, context: CallContext, question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    try {
      try {
        return await this.#send(context, question);
      } catch (thrown) {
        const skewed = thrown instanceof ExchangeRejection && thrown.rule.meaning === 'resync';
        if (!skewed) throw thrown;
        await this.measureClock();
        return await this.#send(context, question);
      }
    } catch (thrown) {
      // EXC-35.
      const refusedFor = this.#keysRejectedSince === null ? 0 : this.clock.now() - this.#keysRejectedSince;
      const isOver = thrown instanceof ExchangeRejection && thrown.keys && refusedFor >= KEYS_REFUSED_MS;
      const code = isOver ? 'KEYS_REFUSED' : 'EXCHANGE_AWAY';
      throw new HarvestlineError(code, `${this.id}: ${what}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  async #send<T>(context: CallContext, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    if (this.clock.isOld) void this.measureClock().catch(() => {});
    return this.#context.run(context, async () => {
      try {
        return await request(this.api);
      } catch (thrown) {
        throw this.#failure(thrown);
      }
    });
  }

  async #turn(cost: number): Promise<void> {
    const context = this.#context.getStore();
    if (context === undefined || context.turn === null) {
      return this.queue.turn(context?.priority ?? 'positions', cost, this.#givenUp.getStore());
    }
    context.turn.take(cost);
    context.turn = null;
  }

  /** EXC-31. Whatever ccxt itself throws counts as no response. */
  #failure(thrown: unknown): ExchangeRejection | NoResponse | WithheldOrder {
    if (thrown instanceof ExchangeRejection || thrown instanceof WithheldOrder) return thrown;
    return noResponseOf(thrown);
  }

  /** EXC-31, EXC-32: sees every reply before ccxt interprets it. */
  #watchReplies(): void {
    const { api } = this;
    const original = api.handleErrors.bind(api);
    const watched: CcxtExchange['handleErrors'] = (status, reason, url, method, headers, body, json, asked, sent) => {
      this.queue.noteUsage(headers);
      let ccxtError: unknown = null;
      try {
        original(status, reason, url, method, headers, body, json, asked, sent);
      } catch (thrown) {
        ccxtError = thrown;
      }
      if (ccxtError === null && status < HTTP_ERROR) {
        if (this.#isSigned(asked)) this.#keysRejectedSince = null;
        this.#context.getStore()?.replies?.push(json);
        return undefined;
      }
      const ccxtClass = ccxtError instanceof Error ? ccxtError.name : null;
      const { codes } = this.settings.traits;
      const rejection = rejectionOf({ status, headers, body, json }, codes, ccxtClass, this.clock.now());
      const { retryAfterMs } = rejection;
      if (status === TOO_MANY || status === BANNED || retryAfterMs !== null) {
        this.#blockedUntil = this.clock.now() + (retryAfterMs ?? DEFAULT_BLOCK_MS);
        this.logger.warn({ venue: this.id, status, retryAfterMs }, 'the exchange asks to be left alone for a while');
      }
      if (rejection.keys) this.#noteRejectedKeys(rejection);
      else if (status < SERVER_ERROR && this.#isSigned(asked)) this.#keysRejectedSince = null;
      throw rejection;
    };
    Object.assign(api, { handleErrors: watched });
  }

  /** EXC-35. */
  #noteRejectedKeys({ message }: ExchangeRejection): void {
    if (this.#keysRejectedSince !== null) return;
    this.#keysRejectedSince = this.clock.now();
    const bound = `this process ends if that goes on for ${KEYS_REFUSED_MS / MS_PER_SECOND} s`;
    this.logger.error({ venue: this.id }, `the exchange refuses the keys: ${message}; ${bound}`);
  }

  /** Whether a request is signed: it has the key in its headers. */
  #isSigned(headers: unknown): boolean {
    const { credentials } = this.settings;
    if (credentials === null || typeof headers !== 'object' || headers === null) return false;
    return Object.values(headers).includes(credentials.key);
  }

  /** EXC-32, EXC-33, EXC-34. ccxt's own time-out covers the headers only. */
  #boundRequests(): void {
    const { api } = this;
    const original = api.fetch.bind(api);
    const bounded: CcxtExchange['fetch'] = async (...request) => {
      const blocked = this.blockedMs;
      if (blocked > 0) {
        const message = `left alone for another ${blocked} ms, as the exchange asked`;
        throw new ExchangeRejection(TOO_MANY, null, message, { retryAfterMs: blocked, rule: RETRY });
      }
      const order = this.#context.getStore()?.order ?? null;
      // Requests by GET are never orders.
      if (order === null || (request[1] ?? 'GET') === 'GET') return this.#bounded(() => original(...request));
      return order.gate(() => {
        order.hasLeft = true;
        return this.#bounded(() => original(...request));
      });
    };
    Object.assign(api, { fetch: bounded });
  }

  /** EXC-33. */
  async #bounded<T>(request: () => Promise<T>): Promise<T> {
    const { api } = this;
    const answered = new AbortController();
    const overdue = this.clock.sleep(api.timeout, answered.signal).then(() => {
      throw new NoResponse(`no whole answer within ${api.timeout} ms`);
    });
    const reply = request();
    try {
      return await Promise.race([reply, overdue]);
    } finally {
      // The loser of the race may still reject, with nobody to handle it.
      reply.catch(() => {});
      overdue.catch(() => {});
      answered.abort();
    }
  }
}

function plain(priority: Priority): CallContext {
  return { priority, order: null, replies: null, turn: null };
}

const MS_PER_SECOND = 1000;

const HTTP_ERROR = 400;
const SERVER_ERROR = 500;
const TOO_MANY = 429;
const BANNED = 418;

const MINUTE_MS = 60_000;
const SECONDS_PER_MINUTE = 60;

/** The least pace, as for a local server without a limit. Unit: milliseconds between requests. */
const SHORTEST_PACE_MS = 0.001;

/** A change of the skew from which on a warning is logged. Unit: milliseconds. */
const LOUD_SKEW_MS = 500;

/** The allowance of the settings, else the known one of the exchange, else ccxt's rateLimit. */
function allowanceOf({ traits: { allowance }, ccxt }: VenueSettings, { rateLimit }: CcxtExchange): Allowance {
  if (allowance !== null && ccxt['rateLimit'] === undefined) return allowance;
  const perMinute = MINUTE_MS / Math.max(Number(rateLimit), SHORTEST_PACE_MS);
  // An unknown exchange may count by the second.
  return { perMinute, burst: perMinute / SECONDS_PER_MINUTE, usedHeader: allowance?.usedHeader ?? null };
}
