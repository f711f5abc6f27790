import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import type { Allowance } from './venues/venue-traits.ts';

/** Purposes of requests, the most urgent first. */
export const PRIORITIES = ['cancel', 'place', 'look-up', 'positions', 'history'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The share of the allowance that one process spends in the long run: other programs may use the same address. */
const SPENT = 0.7;

/** The share of the burst that a request must leave to more urgent ones. Orders and cancellations never wait for weight. */
const LEFT: Readonly<Record<Priority, number>> = {
  cancel: -Infinity,
  place: -Infinity,
  'look-up': 0,
  positions: 0.25,
  history: 0.5,
};

/** The share of the allowance, by the exchange's own count, from which on a request waits for the next minute. */
const CEILING: Readonly<Record<Priority, number>> = {
  cancel: Infinity,
  place: Infinity,
  'look-up': 0.95,
  positions: 0.8,
  history: 0.5,
};

/** What old fills may cost, since they can wait: half a year of one symbol is some 130 of weight. Units: share of a minute's allowance. */
const HISTORY = { spent: 0.1, burst: 0.05 };

const MINUTE_MS = 60_000;

/** The assumed cost of a reserved turn: that of a page of fills at most exchanges. Unit: weight. */
const RESERVED = 5;

/** A turn that is reserved for one request. */
export interface Reservation {
  readonly take: (cost: number) => void;
  readonly giveBack: () => void;
}

/** A request that waits for its turn. */
interface Waiting {
  readonly cost: number;
  readonly go: () => void;
}

/**
 * The queue of all requests that a process sends to an exchange. It replaces ccxt's, which is first come, first served.
 *
 * EXC-22  A request goes before all of lower priority; within a priority the order is first come, first served.
 * EXC-23  An order never waits for weight: exchanges count orders separately, and a rejection is at least an answer.
 * EXC-24  Every other request leaves enough for more urgent ones, by our own count and by the exchange's, which includes other programs.
 * EXC-25  History has a bound of its own, so reading it takes nothing from the rest.
 * EXC-26  A request that is aborted leaves the queue and costs nothing.
 */
export class RequestQueue {
  readonly allowance: Allowance;
  readonly #clock: Clock;
  readonly #waiting: Record<Priority, Waiting[]> = {
    cancel: [],
    place: [],
    'look-up': [],
    positions: [],
    history: [],
  };
  readonly #spent: Record<Priority, number> = { cancel: 0, place: 0, 'look-up': 0, positions: 0, history: 0 };
  readonly #all: Bucket;
  readonly #history: Bucket;
  /** The exchange's count of the running minute. */
  #reported: { readonly used: number; readonly until: EpochMillis } | null = null;
  #pause: AbortController | null = null;
  /** Reserved turns that have not been taken. */
  #reserved = 0;

  constructor(allowance: Allowance, clock: Clock) {
    this.allowance = allowance;
    this.#clock = clock;
    const { perMinute, burst } = allowance;
    this.#all = new Bucket(burst, (perMinute * SPENT) / MINUTE_MS, clock);
    this.#history = new Bucket(
      Math.min(burst, perMinute * HISTORY.burst),
      (perMinute * HISTORY.spent) / MINUTE_MS,
      clock,
    );
  }

  /** What was spent since the start, by purpose. Unit: weight. */
  get spent(): Readonly<Record<Priority, number>> {
    return this.#spent;
  }

  /** The share of the running minute's allowance that is used by the exchange's count; null: it has not reported any. */
  get used(): number | null {
    const reported = this.#reported;
    if (reported === null) return null;
    return this.#clock.now() < reported.until ? reported.used / this.allowance.perMinute : 0;
  }

  /** Resolves when a request of that cost may be signed and sent. Rejects once `givenUp` is aborted. */
  turn(priority: Priority, cost: number, givenUp?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      // EXC-26.
      const leave = (): void => {
        this.#waiting[priority] = this.#waiting[priority].filter((one) => one !== waiting);
        this.#advance();
        reject(new Error('given up before its turn came'));
      };
      const go = (): void => {
        givenUp?.removeEventListener('abort', leave);
        resolve();
      };
      const waiting: Waiting = { cost, go };
      if (givenUp?.aborted === true) return leave();
      givenUp?.addEventListener('abort', leave, { once: true });
      this.#waiting[priority].push(waiting);
      this.#advance();
    });
  }

  /** Reserves a turn for a request that could go at once, until it is taken or given back; null where the request would have to wait. */
  reserve(priority: Priority): Reservation | null {
    const before = PRIORITIES.slice(0, PRIORITIES.indexOf(priority) + 1);
    if (!before.every((one) => this.#waiting[one].length === 0) || this.#waitOf(priority) > 0) return null;
    let isKept = true;
    this.#reserved += 1;
    const give = (): void => {
      if (isKept) this.#reserved -= 1;
      isKept = false;
    };
    return {
      take: (cost) => {
        give();
        this.#spend(priority, cost);
      },
      giveBack: give,
    };
  }

  /** Notes the exchange's count from the headers of a reply. */
  noteUsage(headers: Readonly<Record<string, unknown>>): void {
    const { usedHeader } = this.allowance;
    if (usedHeader === null) return;
    const [, text] = Object.entries(headers).find(([name]) => name.toLowerCase() === usedHeader) ?? [];
    const used = typeof text === 'string' && text !== '' ? Number(text) : NaN;
    if (!Number.isFinite(used) || used < 0) return;
    const now = this.#clock.now();
    this.#reported = { used, until: (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS };
  }

  #advance(): void {
    this.#pause?.abort();
    this.#pause = null;
    for (;;) {
      const priority = PRIORITIES.find((one) => this.#waiting[one].length > 0);
      if (priority === undefined) return;
      const wait = this.#waitOf(priority);
      // Less urgent requests need even more room, so none of them could go.
      if (wait > 0) return this.#advanceAfter(wait);
      const next = this.#waiting[priority].shift();
      if (next === undefined) return;
      this.#spend(priority, next.cost);
      next.go();
    }
  }

  #spend(priority: Priority, cost: number): void {
    this.#spent[priority] += cost;
    this.#all.take(cost);
    if (priority === 'history') this.#history.take(cost);
  }

  #advanceAfter(ms: number): void {
    const pause = new AbortController();
    this.#pause = pause;
    void this.#advanceWhenOver(ms, pause.signal);
  }

  async #advanceWhenOver(ms: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal);
    if (!signal.aborted) this.#advance();
  }

  /** How long a request of that priority has to wait. Unit: milliseconds. */
  #waitOf(priority: Priority): number {
    const { burst } = this.allowance;
    // EXC-24.
    const left = this.#reported === null ? 0 : this.#reported.until - this.#clock.now();
    const isFull = (this.used ?? 0) >= CEILING[priority];
    const own = priority === 'history' ? this.#history.waitFor(this.#reserved * RESERVED) : 0;
    return Math.max(this.#all.waitFor(LEFT[priority] * burst), own, isFull ? left : 0);
  }
}

/** A token bucket. It may go below zero, so that a request which costs more than the bucket holds can go. */
class Bucket {
  readonly #size: number;
  readonly #perMs: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: EpochMillis;

  constructor(size: number, perMs: number, clock: Clock) {
    this.#size = size;
    this.#perMs = perMs;
    this.#clock = clock;
    this.#tokens = size;
    this.#at = clock.now();
  }

  take(cost: number): void {
    this.#fill();
    this.#tokens -= cost;
  }

  /** How long until it holds that many. Unit: milliseconds. */
  waitFor(tokens: number): number {
    this.#fill();
    return tokens <= this.#tokens ? 0 : Math.ceil((tokens - this.#tokens) / this.#perMs);
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that was set back neither adds nor removes tokens.
    this.#tokens = Math.min(this.#size, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
