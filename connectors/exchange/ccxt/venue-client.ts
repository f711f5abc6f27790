import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import { didYouMean } from '../../../errors/nearest.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import { type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { Logger } from '../../../ports/logger.ts';
import { redactor } from '../../system/redactor.ts';
import { AGAIN, ruleFor } from './code-rules.ts';
import { VenueClock } from './venue-clock.ts';
import { VenueRefusal, VenueSilence, readRefusal } from './venue-refusal.ts';
import type { VenueSettings } from './venue-settings.ts';
import type { VenueTraits } from './venue-traits.ts';

/** No exchange takes longer unless something is wrong; then waiting does not mend it. Unit: milliseconds. */
const TIMEOUT_MS = 5000;

/**
 * A signed request that is older is refused by the exchange, so that one which was slow on its way does not become an order
 * after we have stopped looking for it (the settle window of execution is twice as long). Unit: milliseconds.
 */
const RECV_WINDOW_MS = 5000;

/** What an exchange asks to wait where it names no time. Unit: milliseconds. */
const DEFAULT_BLOCK_MS = 10_000;

/** An order that is being sent, for the requests that ccxt makes of it. */
interface OrderUnderWay {
  readonly gate: SendGate;
  /** A request that may be the order was handed to the network. */
  hasLeft: boolean;
}

/**
 * ccxt's client of one exchange, with one allowance, one clock and one way to fail for everything that this process asks of
 * it. Invariants:
 *
 * V1  Every failure is a VenueRefusal, with the exchange's own code, or a VenueSilence. No secret is in either.
 * V2  Once the exchange has said to wait (429, 418), nothing is asked until then.
 * V3  Nothing takes longer than the time-out, also where a reply stops in its middle.
 * V4  A request that may be an order asks its gate behind ccxt's queue, signed and ready, in the turn of the event loop in which it is
 *     handed to the network.
 */
export class VenueClient {
  readonly id: string;
  readonly clock: VenueClock;
  readonly settings: VenueSettings;
  readonly api: CcxtExchange;
  readonly logger: Logger;
  #blockedUntil: EpochMillis = 0;
  #measuredAt: EpochMillis | null = null;
  readonly #ordering = new AsyncLocalStorage<OrderUnderWay>();
  readonly #listening = new AsyncLocalStorage<unknown[]>();

  private constructor(api: CcxtExchange, settings: VenueSettings, machine: Clock, logger: Logger) {
    this.id = settings.id;
    this.api = api;
    this.settings = settings;
    this.clock = new VenueClock(machine);
    this.logger = logger;
    const { key = '', secret = '', passphrase = null } = settings.credentials ?? {};
    redactor.learn(key, secret, passphrase);
    this.#watchReplies();
    this.#boundRequests();
    Object.assign(api, { nonce: () => this.clock.now() });
  }

  /** Loads ccxt, which is large: only commands that need an exchange wait for it. Throws USAGE for an id that it does not know. */
  static async open(settings: VenueSettings, machine: Clock, logger: Logger): Promise<VenueClient> {
    const { default: ccxt } = await import('ccxt');
    const classes: Readonly<Record<string, unknown>> = { ...ccxt };
    const constructor = ccxt.exchanges.includes(settings.id) ? classes[settings.id] : undefined;
    if (!isConstructor(constructor)) {
      const named = didYouMean(settings.id, ccxt.exchanges);
      const flag = settings.stake === 'data' ? '--data-venue' : '--venue';
      throw new HarvestlineError(
        'USAGE',
        `${flag}: ccxt knows no exchange ${named}; docs/exchanges.md says which were tried`,
      );
    }
    const api = new constructor(configOf(settings));
    // Wallets are nobody's concern here, and futures keys may not ask about them.
    api.has['fetchCurrencies'] = false;
    // It would print requests whole.
    api.verbose = false;
    if (settings.stake === 'demo') toPractice(api, settings.traits.practice);
    if (settings.url !== null) redirect(api, settings.url);
    return new VenueClient(api, settings, machine, logger);
  }

  /** Asks a question. Throws EXCHANGE_AWAY when there is no whole answer; `what` names it. */
  async ask<T>(what: string, question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    try {
      return await this.#asked(question);
    } catch (thrown) {
      throw new HarvestlineError('EXCHANGE_AWAY', `${this.id}: ${what}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  /** The same, with the replies as the exchange sent them: ccxt leaves out what it takes for empty. */
  async askWithReplies<T>(
    what: string,
    question: (api: CcxtExchange) => Promise<T>,
  ): Promise<{ readonly answer: T; readonly replies: readonly unknown[] }> {
    const replies: unknown[] = [];
    const answer = await this.#listening.run(replies, () => this.ask(what, question));
    return { answer, replies };
  }

  /** The same for a question to which a refusal may be an answer: throws VenueRefusal or VenueSilence. */
  async send<T>(request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    try {
      if (this.#isClockOld()) void this.measureClock().catch(() => {});
      return await request(this.api);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  /**
   * The same for an order. Throws WithheldOrder where `gate` let nothing go that may have been the order: nothing was sent then. An order
   * that takes several requests, of which some have left, is in doubt like one without an answer.
   */
  async order<T>(gate: SendGate, request: (api: CcxtExchange) => Promise<T>): Promise<T> {
    const order: OrderUnderWay = { gate, hasLeft: false };
    return this.#ordering.run(order, async () => {
      try {
        return await this.send(request);
      } catch (thrown) {
        if (thrown instanceof WithheldOrder && order.hasLeft) throw new VenueSilence(thrown.message);
        throw thrown;
      }
    });
  }

  /** Measures the exchange's clock. Throws EXCHANGE_AWAY. */
  async measureClock(): Promise<void> {
    const before = this.clock.skewMs;
    // Also where it fails: the next look is a minute later, unless the exchange says that the time is wrong.
    this.#measuredAt = this.clock.now();
    try {
      await this.clock.measure(async () => Number(await this.send((api) => api.fetchTime())));
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

  async #asked<T>(question: (api: CcxtExchange) => Promise<T>): Promise<T> {
    try {
      return await this.send(question);
    } catch (thrown) {
      const skewed = thrown instanceof VenueRefusal && thrown.rule.meaning === 'resync';
      if (!skewed) throw thrown;
      await this.measureClock();
      return this.send(question);
    }
  }

  /** V1. What ccxt itself throws on the way is silence, but for what the exchange refused. */
  #failure(thrown: unknown): VenueRefusal | VenueSilence | WithheldOrder {
    if (thrown instanceof VenueRefusal || thrown instanceof WithheldOrder) return thrown;
    const unsupported = thrown instanceof Error && CANNOT.has(thrown.name);
    return new VenueSilence(redactor.redactForeign(messageOf(thrown)), unsupported);
  }

  /** V1, V2: every reply comes by here before ccxt makes anything of it. */
  #watchReplies(): void {
    const { api } = this;
    const original = api.handleErrors.bind(api);
    const watched: CcxtExchange['handleErrors'] = (status, reason, url, method, headers, body, json, asked, sent) => {
      let refused: unknown = null;
      try {
        original(status, reason, url, method, headers, body, json, asked, sent);
      } catch (thrown) {
        refused = thrown;
      }
      if (refused === null && status < HTTP_ERROR) {
        this.#listening.getStore()?.push(json);
        return undefined;
      }
      const { code, message, retryAfterMs } = readRefusal(status, headers, body, json);
      if (status === TOO_MANY || status === BANNED) {
        this.#blockedUntil = this.clock.now() + (retryAfterMs ?? DEFAULT_BLOCK_MS);
        this.logger.warn({ venue: this.id, status, retryAfterMs }, 'the exchange asks to be left alone for a while');
      }
      const ccxtClass = refused instanceof Error ? refused.name : null;
      const rule = ruleFor(this.settings.traits.codes, { status, code, ccxtClass });
      throw new VenueRefusal(status, code, redactor.redactForeign(message), { retryAfterMs, rule });
    };
    Object.assign(api, { handleErrors: watched });
  }

  /** V2, V3, V4. ccxt's own time-out ends with the headers. */
  #boundRequests(): void {
    const { api } = this;
    const original = api.fetch.bind(api);
    const bounded: CcxtExchange['fetch'] = async (...request) => {
      const blocked = this.blockedMs;
      if (blocked > 0) {
        const message = `left alone for another ${blocked} ms, as the exchange asked`;
        throw new VenueRefusal(TOO_MANY, null, message, { retryAfterMs: blocked, rule: AGAIN });
      }
      const order = this.#ordering.getStore();
      // Questions are asked by GET wherever an exchange has a choice.
      if (order === undefined || (request[1] ?? 'GET') === 'GET') return this.#bounded(() => original(...request));
      return order.gate(() => {
        order.hasLeft = true;
        return this.#bounded(() => original(...request));
      });
    };
    Object.assign(api, { fetch: bounded });
  }

  /** V3. */
  async #bounded<T>(request: () => Promise<T>): Promise<T> {
    const { api } = this;
    const answered = new AbortController();
    const overdue = this.clock.sleep(api.timeout, answered.signal).then(() => {
      throw new VenueSilence(`no whole answer within ${api.timeout} ms`);
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

/** ccxt's names for what it cannot ask an exchange. */
const CANNOT: ReadonlySet<string> = new Set(['NotSupported', 'ArgumentsRequired']);

const HTTP_ERROR = 400;
const TOO_MANY = 429;
const BANNED = 418;

/** Clocks of servers drift by milliseconds a minute. Unit: milliseconds. */
const MEASURE_MS = 60_000;

/** A skew below is ordinary. Unit: milliseconds. */
const LOUD_SKEW_MS = 500;

function isConstructor(given: unknown): given is new (config: object) => CcxtExchange {
  return typeof given === 'function';
}

function configOf({ credentials, traits, ccxt }: VenueSettings): object {
  const options = typeof ccxt['options'] === 'object' && ccxt['options'] !== null ? ccxt['options'] : {};
  return {
    enableRateLimit: true,
    timeout: TIMEOUT_MS,
    ...ccxt,
    // Decimal texts instead of doubles: no digit is lost on the way.
    number: String,
    options: {
      recvWindow: RECV_WINDOW_MS,
      warnOnFetchOpenOrdersWithoutSymbol: false,
      ...traits.ccxtOptions,
      ...options,
    },
    ...(credentials === null
      ? {}
      : {
          apiKey: credentials.key,
          secret: credentials.secret,
          ...(credentials.passphrase === null ? {} : { password: credentials.passphrase }),
        }),
  };
}

/** Points ccxt at the exchange's practice accounts. Throws EXCHANGE_UNSUPPORTED where ccxt knows no way to them. */
function toPractice(api: CcxtExchange, practice: VenueTraits['practice']): void {
  const { urls } = api;
  const hasDemo = urls['demo'] !== undefined || urls['demotrading'] !== undefined;
  if (practice === 'demo-trading' || (practice === 'any' && hasDemo)) {
    api.enableDemoTrading(true);
    return;
  }
  if (practice === 'sandbox' || (practice === 'any' && urls['test'] !== undefined)) {
    api.setSandboxMode(true);
    return;
  }
  const message = `--demo: ccxt knows no address of practice accounts of ${api.id}`;
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', message);
}

/** Puts another scheme, host and port into every address, and leaves the paths. */
function redirect(api: CcxtExchange, url: string): void {
  const { origin } = new URL(url);
  const moved = (address: unknown): unknown => {
    if (typeof address === 'string') return address.replace(/^https?:\/\/[^/]+/, origin);
    if (typeof address !== 'object' || address === null) return address;
    return Object.fromEntries(Object.entries(address).map(([name, one]) => [name, moved(one)]));
  };
  Object.assign(api.urls, { api: moved(api.urls['api']) });
}
