import type { Detectable } from './report.ts';

/** What a fit learns from, in the order of closing: raw confidence (0 to 1) and outcome (1 WIN, 0 not), equally long. */
export interface Samples {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** When each position was opened and closed; left out where nothing is known of time. Unit: milliseconds since 1970-01-01 UTC. */
  readonly times?: { readonly opened: Float64Array; readonly closed: Float64Array };
  /** An outcome that closed so much before the latest one weighs half as much in fits; left out: all weigh alike. Unit: milliseconds. */
  readonly halfLifeMs?: number;
}

/** Rows from `start` up to, not including, `end`, without a copy. */
export function slice({ x, y, times, halfLifeMs }: Samples, start: number, end: number): Samples {
  const part = {
    x: x.subarray(start, end),
    y: y.subarray(start, end),
    ...(halfLifeMs === undefined ? {} : { halfLifeMs }),
  };
  if (times === undefined) return part;
  return {
    ...part,
    times: { opened: times.opened.subarray(start, end), closed: times.closed.subarray(start, end) },
  };
}

/** The share of outcomes that were won, by weight. */
export function baseRate(samples: Samples): number {
  const { y } = samples;
  const weights = weightsOf(samples);
  let wins = 0;
  let total = 0;
  for (let row = 0; row < y.length; row++) {
    const weight = weights === null ? 1 : (weights[row] as number);
    wins += weight * (y[row] as number);
    total += weight;
  }
  return wins / total;
}

/**
 * What each outcome weighs: 1 the latest, half as much a half-life before it. Null: all weigh alike. Of a stretch the latest of that
 * stretch weighs 1, as it would have when that stretch was all there was.
 */
export function weightsOf({ times, halfLifeMs }: Samples): Float64Array | null {
  if (halfLifeMs === undefined || times === undefined) return null;
  const latest = times.closed.at(-1) ?? 0;
  return times.closed.map((at) => 2 ** ((at - latest) / halfLifeMs));
}

/** How much of the outcomes counts where they weigh differently: (sum w)^2 / sum w^2 over their number (Kish 1965). Unit: ratio. */
export function weightedShare(samples: Samples): number {
  const weights = weightsOf(samples);
  if (weights === null) return 1;
  let sum = 0;
  let squares = 0;
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return (sum * sum) / squares / weights.length;
}

/** Two-sided 5 % and 80 % power, standard normal quantiles. Unit: standard errors. */
const Z_TEST = 1.959964;
const Z_POWER = 0.841621;

/**
 * The gap between mean confidence and win rate that a sample of this size shows in 4 of 5 cases: (z_test + z_power) times the
 * standard error of the win rate if the confidences were right, sqrt(sum x (1 - x)) / n, and as much wider as outcomes depend on each
 * other: `effective` of them are independent. Normal approximation.
 */
export function detectable({ x, y }: Samples, effective = x.length): Detectable {
  const n = x.length;
  let variance = 0;
  let gap = 0;
  for (let row = 0; row < n; row++) {
    const said = x[row] as number;
    variance += said * (1 - said);
    gap += said - (y[row] as number);
  }
  const standardError = (Math.sqrt(variance) / n) * Math.sqrt(n / effective);
  return { n, gap: (Z_TEST + Z_POWER) * standardError, found: gap / n };
}
