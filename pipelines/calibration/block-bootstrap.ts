import type { RandomStream } from '../../ports/random.ts';
import type { Samples } from './samples.ts';

/**
 * How far outcomes depend on each other. Positions that close on one day share that day's market, so 800 outcomes of 40 days know less
 * than 800 independent ones. Intervals come from drawing whole blocks of time, and the effective sample size says what is left.
 */

/** What a market does to all positions at once is mostly over by the next day. Unit: milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** Fewer blocks and the spread among them is hardly known. Unit: blocks. */
const FEWEST_BLOCKS = 20;

/** Enough draws for any interval, few enough to be quick. Unit: blocks. */
export const MOST_BLOCKS = 1000;

export interface Dependence {
  /** Where each block of consecutive rows ends, exclusive. */
  readonly ends: Uint32Array;
  /** Null where nothing is known of time: then each row is a block, or a thousandth of the rows. Unit: milliseconds. */
  readonly blockMs: number | null;
  /** Independent outcomes that would know the mean error of the confidences as well as these do. Unit: outcomes. */
  readonly effective: number;
}

/**
 * Blocks of a day; of a twentieth of the time where that is less than twenty days. While neighbouring blocks still resemble each other
 * (the lag-one correlation of their mean errors is above 2 / sqrt(blocks)) and enough remain, blocks are doubled: they are then as long
 * as the data's own correlation.
 */
export function dependenceOf({ x, y, times }: Samples): Dependence {
  const n = x.length;
  const errors = x.map((said, row) => said - (y[row] as number));
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
    (ends.length >= 2 * FEWEST_BLOCKS && lagOne(meansOf(errors, ends)) > 2 / Math.sqrt(ends.length))
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

/** Stretches without a row are no blocks. */
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

function lagOne(values: Float64Array): number {
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

/** n over the design effect: the variance of the mean error by blocks, against that of independent rows. Never above n. */
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
      const off = (errors[row] as number) - mean;
      sum += off;
      byRows += off * off;
    }
    byBlocks += sum * sum;
    start = end;
  }
  if (byRows === 0 || byBlocks === 0 || blocks < 2) return n;
  return Math.min(n, (n * byRows) / ((byBlocks * blocks) / (blocks - 1)));
}

/** Two-sided 95 % quantile of the standard normal distribution. */
const Z_95 = 1.959964;

/**
 * Scores of blocks are skewed, which the two-sided quantile does not know: without this the intervals of the simulation cover 94.5 %
 * where outcomes of a day are alike, and with it 95 to 95.5 %. Unit: ratio.
 */
const SKEW_MARGIN = 1.03;

/**
 * By how much an interval from so few blocks must be wider than its draws say: the spread among drawn blocks is too small by
 * sqrt(blocks / (blocks - 1)), and it is itself uncertain, as Student's t says with blocks - 1 degrees of freedom.
 */
export function widthFor(blocks: number): number {
  const freedom = Math.max(1, blocks - 1);
  return SKEW_MARGIN * (studentT95(freedom) / Z_95) * Math.sqrt(blocks / freedom);
}

/** The two-sided 95 % quantile of Student's t: the expansion of Cornish and Fisher, exact to three digits from 4 degrees of freedom on. */
function studentT95(freedom: number): number {
  const z = Z_95;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

/** Ends of a 95 % interval move by about a tenth of its width from seed to seed; fewer would show. Unit: resamples. */
export const RESAMPLES = 500;

/** How often each of `blocks` was drawn in as many draws, with replacement. */
export function drawBlocks(stream: RandomStream, blocks: number): Uint32Array {
  const counts = new Uint32Array(blocks);
  for (let draw = 0; draw < blocks; draw++) {
    const block = Math.floor(stream.uniform() * blocks);
    counts[block] = (counts[block] as number) + 1;
  }
  return counts;
}
