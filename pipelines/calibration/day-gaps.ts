import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { Interval } from './proportion.ts';

/**
 * The gap between confidence and outcomes, by day. Positions of one day share the market and are no independent draws, so a day is what is
 * counted with:
 *
 * DG1  The interval comes from the spread of the days' sums (clusters), and is never narrower than that of independent outcomes.
 * DG2  What too few days cannot tell is null.
 */
export interface ConfidentOutcome {
  readonly closed_at: EpochMillis;
  readonly confidence: number;
  readonly won: boolean;
}

export interface Cusum {
  /** Largest distance that the running sum of deviations has from 0, in its own standard deviations. */
  readonly statistic: number;
  /** Beyond it a gap that never changed lies in 1 of 20 cases (Kolmogorov's distribution). */
  readonly threshold: number;
  /** The day before which the gap differs most from that after it. Unit: milliseconds since 1970, 0:00 UTC. */
  readonly day: EpochMillis;
}

const DAY_MS = 86_400_000;

/** A two-sided 95 % interval, as the standard normal distribution has it. Unit: standard errors. */
const Z = 1.959964;

/** The spread of fewer sums is a guess. Unit: days. */
const LEAST_DAYS = 10;

/** 95 % quantile of the largest value of a Brownian bridge. */
const KOLMOGOROV_95 = 1.3581;

/** Gaps of outcomes as they come, in memory that grows with days only. */
export class DayGaps {
  readonly #days = new Map<number, { sum: number; n: number }>();
  #n = 0;
  #sum = 0;
  #squares = 0;

  add({ closed_at: closedAt, confidence, won }: ConfidentOutcome): void {
    const deviation = confidence - (won ? 1 : 0);
    const day = Math.floor(closedAt / DAY_MS);
    let sums = this.#days.get(day);
    if (sums === undefined) this.#days.set(day, (sums = { sum: 0, n: 0 }));
    sums.sum += deviation;
    sums.n += 1;
    this.#n += 1;
    this.#sum += deviation;
    this.#squares += deviation * deviation;
  }

  /** Mean confidence minus the share that won. */
  get gap(): number {
    return this.#sum / this.#n;
  }

  /** Mean squared error of the confidences. */
  get brier(): number {
    return this.#squares / this.#n;
  }

  /** 95 % interval of the gap (DG1); null for fewer than 10 days (DG2). */
  interval(): Interval | null {
    const days = this.#days.size;
    if (days < LEAST_DAYS) return null;
    const squares = this.#daySums().reduce((sum, [, one]) => sum + one * one, 0);
    const clustered = (squares * days) / (days - 1);
    const independent = this.#squares - this.#n * this.gap * this.gap;
    const half = (Z * Math.sqrt(Math.max(clustered, independent))) / this.#n;
    return { low: this.gap - half, high: this.gap + half };
  }

  /** Whether the gap has changed over time (DG2). */
  cusum(): Cusum | null {
    const sums = this.#daySums().toSorted(([one], [other]) => one - other);
    const spread = Math.sqrt(sums.reduce((sum, [, one]) => sum + one * one, 0));
    if (sums.length < 2 * LEAST_DAYS || spread === 0) return null;
    let running = 0;
    let farthest = { distance: 0, day: 0 };
    for (const [day, sum] of sums) {
      running += sum;
      if (Math.abs(running) > farthest.distance) farthest = { distance: Math.abs(running), day: (day + 1) * DAY_MS };
    }
    return { statistic: farthest.distance / spread, threshold: KOLMOGOROV_95, day: farthest.day };
  }

  /** By day, the sum of what its outcomes are off the gap. */
  #daySums(): readonly (readonly [day: number, sum: number])[] {
    const { gap } = this;
    return Array.from(this.#days, ([day, { sum, n }]) => [day, sum - n * gap] as const);
  }
}
