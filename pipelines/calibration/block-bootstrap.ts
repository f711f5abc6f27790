import type { RandomStream } from '../../ports/random.ts';
import type { Samples } from './samples.ts';
import { type Interval, Z_95, quantileOf, studentT95 } from './statistics.ts';

/**
 * The block bootstrap. Outcomes depend on each other: positions that close on one day share that day's market, so 800 outcomes of 40 days
 * are worth less than 800 independent ones. Intervals therefore come from drawing whole blocks of time with replacement, and the effective
 * sample size says how many independent outcomes the sample is worth.
 */

/** A market that moves all positions at once has mostly calmed down by the next day. Unit: milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** With fewer blocks the spread among them is hardly known. Unit: blocks. */
const FEWEST_BLOCKS = 20;

/** Enough for any interval, and few enough to be quick. Unit: blocks. */
const MOST_BLOCKS = 1000;

/** Ends of a 95 % interval move by about a tenth of its width from seed to seed. Unit: resamples. */
export const RESAMPLES = 500;

/**
 * Scores of blocks are skewed, which a symmetric quantile does not account for: without this factor the intervals of the simulation
 * (docs/calibration.md) cover 94.5 % where outcomes of a day are alike, with it 95 to 95.5 %. Unit: ratio.
 */
const SKEW_MARGIN = 1.03;

export interface Dependence {
  /** Where each block of consecutive rows ends, exclusive. */
  readonly ends: Uint32Array;
  /** Null where times are unknown: then each row is a block, or a thousandth of the rows. Unit: milliseconds. */
  readonly blockMs: number | null;
  /** As many independent outcomes would give the mean error of the confidences as precisely. Unit: outcomes. */
  readonly effective: number;
}

/**
 * Blocks of a day, or of a twentieth of the time where that is less than twenty days. Blocks are doubled while neighbours still resemble
 * each other (the lag-one correlation of their mean errors is above 2 / sqrt(blocks)) and enough of them remain: then they are as long as
 * the correlation of the data.
 */
export function dependenceOf({ x, y, times }: Samples): Dependence {
  const n = x.length;
  const errors = x.map((confidence, row) => confidence - (y[row] as number));
  if (times === undefined) return { ends: equalBlocks(n), blockMs: null, effective: n };
  const { closed } = times;
  const first = closed[0] ?? 0;
  const span = (closed[n - 1] ?? 0) - first;
  if (!(span > 0)) return { ends: equalBlocks(n), blockMs: null, effective: n };
  let blockMs = DAY_MS;
  let ends = blocksOf(closed, 0, blockMs);
  if (ends.length < FEWEST_BLOCKS) {
    blockMs = Math.min(DAY_MS, span / FEWEST_BLOCKS);
    ends = blocksOf(closed, first, blockMs);
  }
  while (
    ends.length > MOST_BLOCKS ||
    (ends.length >= 2 * FEWEST_BLOCKS && lagOneCorrelation(meansOf(errors, ends)) > 2 / Math.sqrt(ends.length))
  ) {
    blockMs *= 2;
    ends = ends.filter((_, block) => block % 2 === 1 || block === ends.length - 1);
  }
  return { ends, blockMs, effective: effectiveSize(errors, ends) };
}

function equalBlocks(n: number): Uint32Array {
  const blocks = Math.min(MOST_BLOCKS, n);
  return Uint32Array.from({ length: blocks }, (_, block) => Math.floor(((block + 1) * n) / blocks));
}

/** Stretches of time without a row are no blocks. */
function blocksOf(closed: Float64Array, origin: number, length: number): Uint32Array {
  const ends: number[] = [];
  let current = Number.NaN;
  for (let row = 0; row < closed.length; row++) {
    const block = Math.floor(((closed[row] as number) - origin) / length);
    if (row > 0 && block !== current) ends.push(row);
    current = block;
  }
  ends.push(closed.length);
  return Uint32Array.from(ends);
}

function meansOf(errors: Float64Array, ends: Uint32Array): Float64Array {
  let start = 0;
  return Float64Array.from(ends, (end) => {
    let sum = 0;
    for (let row = start; row < end; row++) sum += errors[row] as number;
    const mean = sum / (end - start);
    start = end;
    return mean;
  });
}

function lagOneCorrelation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let variance = 0;
  let covariance = 0;
  values.forEach((value, at) => {
    variance += (value - mean) ** 2;
    const next = values[at + 1];
    if (next !== undefined) covariance += (value - mean) * (next - mean);
  });
  return variance === 0 ? 0 : covariance / variance;
}

/** n over the design effect, which is the variance of the mean error by blocks over that of independent rows. Never above n. */
function effectiveSize(errors: Float64Array, ends: Uint32Array): number {
  const n = errors.length;
  const blocks = ends.length;
  const mean = errors.reduce((sum, error) => sum + error, 0) / n;
  let byRows = 0;
  let byBlocks = 0;
  let start = 0;
  for (const end of ends) {
    let sum = 0;
    for (let row = start; row < end; row++) {
      const deviation = (errors[row] as number) - mean;
      sum += deviation;
      byRows += deviation * deviation;
    }
    byBlocks += sum * sum;
    start = end;
  }
  if (byRows === 0 || byBlocks === 0 || blocks < 2) return n;
  return Math.min(n, (n * byRows) / ((byBlocks * blocks) / (blocks - 1)));
}

/** One resample: how often each of `blocks` was drawn in as many draws. */
export function drawBlocks(stream: RandomStream, blocks: number): Uint32Array {
  const counts = new Uint32Array(blocks);
  for (let draw = 0; draw < blocks; draw++) {
    const block = Math.floor(stream.uniform() * blocks);
    counts[block] = (counts[block] as number) + 1;
  }
  return counts;
}

/**
 * The 95 % interval of an estimate from the same figure of each resample: the estimate plus the spread of the resamples around their own
 * mean. Some scores come out too large in every resample, and plain quantiles would lie beside the estimate.
 */
export function bootstrapInterval(estimate: number, resampled: Float64Array, blocks: number): Interval {
  const mean = resampled.reduce((sum, value) => sum + value, 0) / resampled.length;
  const ascending = resampled.toSorted();
  const width = widthFor(blocks);
  return {
    low: estimate + width * Math.min(0, quantileOf(ascending, 0.025) - mean),
    high: estimate + width * Math.max(0, quantileOf(ascending, 0.975) - mean),
  };
}

/**
 * How much wider an interval of so few blocks is than the spread of its resamples: that spread is too small by
 * sqrt(blocks / (blocks - 1)), and it is uncertain itself, as Student's t with blocks - 1 degrees of freedom accounts for.
 */
export function widthFor(blocks: number): number {
  const freedom = Math.max(1, blocks - 1);
  return SKEW_MARGIN * (studentT95(freedom) / Z_95) * Math.sqrt(blocks / freedom);
}
