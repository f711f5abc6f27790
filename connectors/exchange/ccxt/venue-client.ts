import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import { type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { Logger } from '../../../ports/logger.ts';
import { redactor } from '../../system/redactor.ts';
import { openCcxt, type VenueSettings } from './venue-settings.ts';
import { type Priority, RequestQueue, type Reservation } from './request-queue.ts';
import { AGAIN, ruleFor } from './venues/code-rules.ts';
import { VenueClock } from './venue-clock.ts';
import { ExchangeRejection, NoResponse, readRejection } from './exchange-rejection.ts';
import type { Allowance } from './venues/venue-traits.ts';

/**
 * Keys that are refused for so long are not refused by mistake: the process ends then, as it does where a broker refuses it. Questions without
 * keys do not count. Unit: milliseconds.
 */
const KEYS_REFUSED_MS = 30_000;

/** What an exchange asks to wait where it names no time. Unit: milliseconds. */
const DEFAULT_BLOCK_MS = 10_000;

/** An order that is being sent. */
interface OrderUnderWay {
  readonly gate: SendGate;
  /** A request that may be the order was handed to the network. */
  hasLeft: boolean;
}

/** What is being asked, for the requests that ccxt makes of it. */
interface Asked {
  readonly priority: Priority;
  readonly order: OrderUnderWay | null;
  /** Where replies are kept as they come; null: nowhere. */
  readonly replies: unknown[] | null;
  /** The turn that is kept for its first request; null: it waits for its turn. */
  turn: Reservation | null;
}

/**
 * ccxt's client of one exchange, with one allowance, one clock and one way to fail for everything that this process asks of
 * it. Invariants:
 *
 * EXC-31  Every failure is an ExchangeRejection, with the exchange's own code, or a NoResponse. No secret is in either.
 * EXC-32  Once the exchange has said to wait (429, 418), nothing is asked until then.
 * EXC-33  Nothing takes longer than the time-out, also where a reply stops in its middle.
 * EXC-34  A request that may be an order asks its gate behind the queue, signed and ready, in the turn of the event loop in which it is
 *     handed to the network.
 * EXC-35  Keys that are refused at every request for half a minute are KEYS_REFUSED, which nobody waits out.
 * EXC-36  Every request has its turn in one queue, by what it is for (request-queue.ts). What nobody waits for any more leaves it.
 */
export class VenueClient {
  readonly id: string;
  readonly clock: VenueClock;
  readonly settings: VenueSettings;
  readonly api: CcxtExchange;
  readonly logger: Logger;
  readonly queue: RequestQueue;
  #blockedUntil: EpochMillis = 0;
  #measuredAt: EpochMillis | null = null;
  /** Since when every signed request has been refused for its keys; null: the latest was not. */
  #keysRefusedAt: EpochMillis | null = null;
  readonly #asked = new AsyncLocalStorage<Asked>();
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
    // EXC-36. ccxt signs after it.
    const throttle = (cost: unknown): Promise<void> => this.#turn(Number(cost ?? 1));
    Object.assign(api, { nonce: () => this.clock.now(), throttle });
  }

  /** Throws USAGE for an id that ccxt does not know. */
  static async open(settings: VenueSettings, machine: Clock, logger: Logger): Promise<VenueClient> {
    return new VenueClient(await openCcxt(settings), settings, machine, logger);
  }

  /** EXC-36: what `work` asks leaves the queue, with EXCHANGE_AWAY, once `givenUp` is aborted. */
  unlessGivenUp<T>(givenUp: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#givenUp.run(givenUp, work);
  }

  /** Asks a question. Throws EXCHANGE_AWAY when there is no whole answer; `what` names it. */
  async ask<T>(priority: Priority, what: string, question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    return this.#ask(what, plain(priority), question);
  }

  /** The same for a question that is not asked at all where it would have to wait: null. */
  async askIfFree<T>(priority: Priority, what: string, question: (api: CcxtExchange) => Promise<T>): Promise<T | null> {
    const turn = this.queue.reserve(priority);
    if (turn === null) return null;
    try {
      return await this.#ask(what, { ...plain(priority), turn }, question);
    } finally {
      turn.giveBack();
    }
  }

  /** The same, with the replies as the exchange sent them: ccxt leaves out what it takes for empty. */
  async askWithReplies<T>(
    priority: Priority,
    what: string,
    question: (api: CcxtExchange) => Promise<T>,
  ): Promise<{ readonly answer: T; readonly replies: readonly unknown[] }> {
    const replies: unknown[] = [];
    const answer = await this.#ask(what, { ...plain(priority), replies }, question);
    return { answer, replies };
  }

  /** The same for a question to which a refusal may be an answer: throws ExchangeRejection or NoResponse. */
  async send<T>(priority: Priority, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    return this.#send(plain(priority), request);
  }

  /**
   * The same for an order. Throws WithheldOrder where `gate` let nothing go that may have been the order: nothing was sent then. An order
   * that takes several requests, of which some have left, is in doubt like one without an answer.
   */
  async order<T>(gate: SendGate, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    const order: OrderUnderWay = { gate, hasLeft: false };
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
    // Also where it fails: the next look is a minute later, unless the exchange says that the time is wrong.
    this.#measuredAt = this.clock.now();
    try {
      await this.clock.measure(async () => Number(await this.send('look-up', (api) => api.fetchTime())));
      this.#measuredAt = this.clock.now();
    } catch (thrown) {
      throw new HarvestlineError('EXCHANGE_AWAY', `${this.id}: time: ${messageOf(thrown)}`);
    }
    const { skewMs } = this.clock;
    if (Math.abs(skewMs - before) >= LOUD_SKEW_MS) {
      this.logger.warn({ venue: this.id, skewMs }, "this machine's clock and the exchange's differ; corrected");
    }
  }

  /** The first measurement is the owner's to wait for. */
  #isClockOld(): boolean {
    return this.#measuredAt !== null && Math.abs(this.clock.now() - this.#measuredAt) > MEASURE_MS;
  }

  /** How long the exchange wants to be left alone; 0: not at all. Unit: milliseconds. */
  get blockedMs(): number {
    return Math.max(0, this.#blockedUntil - this.clock.now());
  }

  async #ask<T>(what: string, asked: Asked, question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    try {
      try {
        return await this.#send(asked, question);
      } catch (thrown) {
        const skewed = thrown instanceof ExchangeRejection && thrown.rule.meaning === 'resync';
        if (!skewed) throw thrown;
        await this.measureClock();
        return await this.#send(asked, question);
      }
    } catch (thrown) {
      // EXC-35.
      const refusedFor = this.#keysRefusedAt === null ? 0 : this.clock.now() - this.#keysRefusedAt;
      const isOver = thrown instanceof ExchangeRejection && thrown.keys && refusedFor >= KEYS_REFUSED_MS;
      const code = isOver ? 'KEYS_REFUSED' : 'EXCHANGE_AWAY';
      throw new HarvestlineError(code, `${this.id}: ${what}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  async #send<T>(asked: Asked, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    if (this.#isClockOld()) void this.measureClock().catch(() => {});
    return this.#asked.run(asked, async () => {
      try {
        return await request(this.api);
      } catch (thrown) {
        throw this.#failure(thrown);
      }
    });
  }

  async #turn(cost: number): Promise<void> {
    const asked = this.#asked.getStore();
    if (asked === undefined || asked.turn === null) {
      return this.queue.turn(asked?.priority ?? 'positions', cost, this.#givenUp.getStore());
    }
    asked.turn.take(cost);
    asked.turn = null;
  }

  /** EXC-31. What ccxt itself throws on the way is silence, but for what the exchange refused. */
  #failure(thrown: unknown): ExchangeRejection | NoResponse | WithheldOrder {
    if (thrown instanceof ExchangeRejection || thrown instanceof WithheldOrder) return thrown;
    const unsupported = thrown instanceof Error && CANNOT.has(thrown.name);
    return new NoResponse(redactor.redactForeign(messageOf(thrown)), unsupported);
  }

  /** EXC-31, EXC-32: every reply comes by here before ccxt makes anything of it. */
  #watchReplies(): void {
    const { api } = this;
    const original = api.handleErrors.bind(api);
    const watched: CcxtExchange['handleErrors'] = (status, reason, url, method, headers, body, json, asked, sent) => {
      this.queue.heard(headers);
      let refused: unknown = null;
      try {
        original(status, reason, url, method, headers, body, json, asked, sent);
      } catch (thrown) {
        refused = thrown;
      }
      if (refused === null && status < HTTP_ERROR) {
        if (this.#isSigned(asked)) this.#keysRefusedAt = null;
        this.#asked.getStore()?.replies?.push(json);
        return undefined;
      }
      const { code, message, retryAfterMs } = readRejection({ status, headers, body, json }, this.clock.now());
      if (status === TOO_MANY || status === BANNED || retryAfterMs !== null) {
        this.#blockedUntil = this.clock.now() + (retryAfterMs ?? DEFAULT_BLOCK_MS);
        this.logger.warn({ venue: this.id, status, retryAfterMs }, 'the exchange asks to be left alone for a while');
      }
      const ccxtClass = refused instanceof Error ? refused.name : null;
      const rule = ruleFor(this.settings.traits.codes, { status, code, ccxtClass });
      const refusal = new ExchangeRejection(status, code, redactor.redactForeign(message), { retryAfterMs, rule });
      if (refusal.keys) this.#noteRefusedKeys(refusal);
      else if (status < SERVER_ERROR && this.#isSigned(asked)) this.#keysRefusedAt = null;
      throw refusal;
    };
    Object.assign(api, { handleErrors: watched });
  }

  /** EXC-35. */
  #noteRefusedKeys({ message }: ExchangeRejection): void {
    if (this.#keysRefusedAt !== null) return;
    this.#keysRefusedAt = this.clock.now();
    const bound = `this process ends if that goes on for ${KEYS_REFUSED_MS / MS_PER_SECOND} s`;
    this.logger.error({ venue: this.id }, `the exchange refuses the keys: ${message}; ${bound}`);
  }

  /** Whether a request named the account: it has the key in its headers. */
  #isSigned(headers: unknown): boolean {
    const { credentials } = this.settings;
    if (credentials === null || typeof headers !== 'object' || headers === null) return false;
    return Object.values(headers).includes(credentials.key);
  }

  /** EXC-32, EXC-33, EXC-34. ccxt's own time-out ends with the headers. */
  #boundRequests(): void {
    const { api } = this;
    const original = api.fetch.bind(api);
    const bounded: CcxtExchange['fetch'] = async (...request) => {
      const blocked = this.blockedMs;
      if (blocked > 0) {
        const message = `left alone for another ${blocked} ms, as the exchange asked`;
        throw new ExchangeRejection(TOO_MANY, null, message, { retryAfterMs: blocked, rule: AGAIN });
      }
      const order = this.#asked.getStore()?.order ?? null;
      // Questions are asked by GET wherever an exchange has a choice.
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
      // Whichever lost the race has nobody to tell.
      reply.catch(() => {});
      overdue.catch(() => {});
      answered.abort();
    }
  }
}

function plain(priority: Priority): Asked {
  return { priority, order: null, replies: null, turn: null };
}

/** ccxt's names for what it cannot ask an exchange. */
const CANNOT: ReadonlySet<string> = new Set(['NotSupported', 'ArgumentsRequired']);

const MS_PER_SECOND = 1000;

const HTTP_ERROR = 400;
const SERVER_ERROR = 500;
const TOO_MANY = 429;
const BANNED = 418;

/** Clocks of servers drift by milliseconds a minute. Unit: milliseconds. */
const MEASURE_MS = 60_000;

const MINUTE_MS = 60_000;
const SECONDS_PER_MINUTE = 60;

/** Of a local server that needs none. Unit: milliseconds. */
const SHORTEST_PACE_MS = 0.001;

/** A skew below is ordinary. Unit: milliseconds. */
const LOUD_SKEW_MS = 500;

/** As the settings say, or as is known of the exchange, or as ccxt paces its requests. */
function allowanceOf({ traits: { allowance }, ccxt }: VenueSettings, { rateLimit }: CcxtExchange): Allowance {
  if (allowance !== null && ccxt['rateLimit'] === undefined) return allowance;
  const perMinute = MINUTE_MS / Math.max(Number(rateLimit), SHORTEST_PACE_MS);
  // An exchange that nobody has tried may count by the second.
  return { perMinute, burst: perMinute / SECONDS_PER_MINUTE, usedHeader: allowance?.usedHeader ?? null };
}
