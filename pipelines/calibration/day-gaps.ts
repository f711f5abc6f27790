import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { Interval } from '../watch/proportion.ts';

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

/** Mean confidence minus the share that won. */
export function gapOf(outcomes: readonly ConfidentOutcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + deviation(outcome), 0) / outcomes.length;
}

/** 95 % interval of the gap (DG1); null for fewer than 10 days (DG2). */
export function gapInterval(outcomes: readonly ConfidentOutcome[]): Interval | null {
  const gap = gapOf(outcomes);
  const sums = [...daySums(outcomes, gap).values()];
  const days = sums.length;
  if (days < LEAST_DAYS) return null;
  const clustered = (sums.reduce((sum, one) => sum + one * one, 0) * days) / (days - 1);
  const independent = outcomes.reduce((sum, outcome) => sum + (deviation(outcome) - gap) ** 2, 0);
  const half = (Z * Math.sqrt(Math.max(clustered, independent))) / outcomes.length;
  return { low: gap - half, high: gap + half };
}

/** Whether the gap has changed over time (DG2). */
export function cusumOf(outcomes: readonly ConfidentOutcome[]): Cusum | null {
  const sums = [...daySums(outcomes, gapOf(outcomes))].toSorted(([one], [other]) => one - other);
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

function daySums(outcomes: readonly ConfidentOutcome[], gap: number): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const outcome of outcomes) {
    const day = Math.floor(outcome.closed_at / DAY_MS);
    sums.set(day, (sums.get(day) ?? 0) + deviation(outcome) - gap);
  }
  return sums;
}

function deviation({ confidence, won }: ConfidentOutcome): number {
  return confidence - (won ? 1 : 0);
}
