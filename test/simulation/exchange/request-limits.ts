/**
 * What the exchange refuses because it is asked too often, and how long a client that was refused leaves it alone: as
 * connectors/exchange/ccxt/venue-client.ts has it. An exchange counts requests by the address that they come from, and orders by account.
 *
 * SIM-42  Nothing that is refused for a limit takes effect, and the client sends nothing until the wait is over that the exchange asked for
 *         (EXC-32): whatever it is asked meanwhile fails at once.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Fault } from '../faults.ts';
import type { Host } from '../host.ts';
import type { VenueAccount } from './venue-account.ts';

/** The wait after a refusal that names none, as the client has it. Unit: milliseconds. */
const DEFAULT_BLOCK_MS = 10_000;

/** Requests are counted by the minute of the clock, and so a refusal ends with it. */
const MINUTE_MS = 60_000;

const MS_PER_SECOND = 1000;

/** A refusal for a limit of requests names no wait where `much` lies above it. */
const NAMES_WAIT = 0.8;

/** A request was refused for a limit, or not sent because of an earlier refusal. */
export class TooOften extends Error {
  override readonly name = 'TooOften';
  /** As a report has it: the exchange's own, or the HTTP status where the client itself refuses. */
  readonly code: string;
  /** Null: the exchange names none. Unit: milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(code: string, message: string, retryAfterMs: number | null) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The limits of the exchange for one process. */
export class RequestLimits {
  readonly #host: Host;
  readonly #account: VenueAccount;
  #blockedUntil: EpochMillis = 0;

  constructor(host: Host, account: VenueAccount) {
    this.#host = host;
    this.#account = account;
  }

  /** What keeps the client from sending; null: nothing. */
  get block(): TooOften | null {
    const waitMs = this.#blockedUntil - this.#now;
    if (waitMs <= 0) return null;
    return new TooOften('429', `left alone for another ${waitMs} ms, as the exchange asked`, waitMs);
  }

  /** What the exchange answers a request that arrives; null: it is worked. */
  refusal(isOrder: boolean): TooOften | null {
    const { faults } = this.#account;
    const { role } = this.#host;
    const banned = faults.strikes('address_banned', role);
    if (banned !== null) {
      const until = this.#endOf(banned);
      const words = `HTTP 418: Way too many requests; IP banned until ${until}.`;
      return new TooOften('-1003', words, until - this.#now);
    }
    const limited = faults.strikes('requests_limited', role);
    if (limited !== null) {
      return new TooOften(
        '-1003',
        'HTTP 429: Too many requests.',
        limited.much < NAMES_WAIT ? this.#restOfMinute : null,
      );
    }
    if (!isOrder || faults.strikes('orders_limited', 'account') === null) return null;
    return new TooOften('-1015', 'HTTP 429: Too many new orders.', null);
  }

  /** The client has learned of a refusal. */
  note({ retryAfterMs }: TooOften): void {
    this.#blockedUntil = this.#now + (retryAfterMs ?? DEFAULT_BLOCK_MS);
  }

  #endOf({ at, forMs }: Fault): EpochMillis {
    return this.#account.start + at + forMs;
  }

  /** Retry-After: whole seconds. */
  get #restOfMinute(): number {
    return Math.ceil((MINUTE_MS - (this.#now % MINUTE_MS)) / MS_PER_SECOND) * MS_PER_SECOND;
  }

  get #now(): EpochMillis {
    return this.#host.kernel.now;
  }
}
