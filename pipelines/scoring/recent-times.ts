import type { EpochMillis } from '../../schemas/generated/records.ts';

/** So many times are kept before those out of reach are looked for. */
const FIRST_SWEEP = 1024;

/** Times of events in any order, of which only those within `spanMs` of the newest are kept: what is older is never asked for. */
export class RecentTimes {
  readonly #spanMs: number;
  #times: EpochMillis[] = [];
  #newest = -Infinity;
  #sweepAt = FIRST_SWEEP;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** How many are held in memory. */
  get held(): number {
    return this.#times.length;
  }

  add(time: EpochMillis): void {
    this.#newest = Math.max(this.#newest, time);
    if (time <= this.#newest - this.#spanMs) return;
    this.#times.push(time);
    if (this.#times.length < this.#sweepAt) return;
    this.#times = this.#times.filter((each) => each > this.#newest - this.#spanMs);
    // Twice what is left: each time is looked at a bounded number of times.
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#times.length * 2);
  }

  /** How many are later than `from`, which is no more than the span before the newest. */
  countAfter(from: EpochMillis): number {
    return this.#times.reduce((count, time) => (time > from ? count + 1 : count), 0);
  }
}
