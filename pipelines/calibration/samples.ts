import type { Detectable } from './report.ts';
import { Z_95 } from './statistics.ts';

/** What a fit learns from, in the order of closing. */
export interface Samples {
  /** Raw confidence, 0 to 1. */
  readonly x: Float64Array;
  /** Outcome: 1 WIN, 0 not. */
  readonly y: Float64Array;
  /** When each position was opened and closed; left out where times are unknown. Unit: milliseconds since 1970-01-01 UTC. */
  readonly times?: { readonly opened: Float64Array; readonly closed: Float64Array };
  /** In fits an outcome that closed this long before the latest one weighs half as much; left out: all weigh alike. Unit: milliseconds. */
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
 * The weight of each outcome: 1 for the latest of these samples, half of that a half-life before it. Null: all weigh alike. A slice has the
 * weights that it would have if it were all there is.
 */
export function weightsOf({ times, halfLifeMs }: Samples): Float64Array | null {
  if (halfLifeMs === undefined || times === undefined) return null;
  const latest = times.closed.at(-1) ?? 0;
  return times.closed.map((at) => 2 ** ((at - latest) / halfLifeMs));
}

/** The effective share of weighted outcomes: (sum w)^2 / sum w^2 over their number (Kish 1965). Unit: ratio. */
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

/** 80 % quantile of the standard normal distribution, for a power of 80 %. Unit: standard errors. */
const Z_80 = 0.841621;

/**
 * The smallest gap between mean confidence and win rate that a two-sided 5 % test finds in 4 of 5 samples of this size: (z_95 + z_80) times
 * the standard error of the win rate if the confidences were right, sqrt(sum x (1 - x)) / n, widened for dependence: `effective` outcomes are
 * independent. Normal approximation.
 */
export function detectable({ x, y }: Samples, effective = x.length): Detectable {
  const n = x.length;
  let variance = 0;
  let gap = 0;
  for (let row = 0; row < n; row++) {
    const confidence = x[row] as number;
    variance += confidence * (1 - confidence);
    gap += confidence - (y[row] as number);
  }
  const standardError = (Math.sqrt(variance) / n) * Math.sqrt(n / effective);
  return { n, gap: (Z_95 + Z_80) * standardError, found: gap / n };
}
