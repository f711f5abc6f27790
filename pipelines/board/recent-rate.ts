import type { Clock, EpochMillis } from '../../ports/clock.ts';

/** Unit: milliseconds. */
const WINDOW_MS = 60_000;

/** So that a board does not change merely because time passes. Unit: milliseconds. */
const ROUND_MS = 1000;

/** How fast a count grows, over the last minute of this machine's clock. Pure but for the clock that it is given. */
export class RecentRate {
  readonly #clock: Clock;
  #samples: readonly { readonly at: EpochMillis; readonly count: number }[] = [];
  #rate = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Unit: a second. What was there at the first call counts for nothing. */
  of(count: number): number {
    const now = this.#clock.now();
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < ROUND_MS) return this.#rate;
    this.#samples = [...this.#samples.filter(({ at }) => now - at <= WINDOW_MS), { at: now, count }];
    const [first] = this.#samples;
    if (first === undefined || now <= first.at) return this.#rate;
    this.#rate = Math.round(((count - first.count) / (now - first.at)) * 1000 * 10) / 10;
    return this.#rate;
  }
}
