import type { Random } from '../../ports/random.ts';
import { type Dependence, RESAMPLES, bootstrapInterval, drawBlocks } from './block-bootstrap.ts';
import { groupTies, poolAdjacentViolators } from './isotonic.ts';
import type { Auc } from './report.ts';
import { argsort, cellsOf } from './statistics.ts';

/** Scores of forecasts `p` of outcomes `y` (1 WIN, 0 not): Brier with its CORP decomposition, log loss, ECE, and AUC with its interval. */

/** Forecasts are clipped to this distance from 0 and 1: a wrong 0 or 1 would cost infinitely much. Unit: probability. */
const LOG_LOSS_CLIP = 1e-15;

/** As in the literature on ECE (Guo et al. 2017). Unit: bins of equal width. */
export const ECE_BINS = 15;

export function squaredError(p: number, y: number): number {
  return (p - y) * (p - y);
}

/** The negative log likelihood of one forecast. Unit: nats. */
export function logError(p: number, y: number): number {
  const likelihood = y > 0.5 ? p : 1 - p;
  return -Math.log(Math.min(1 - LOG_LOSS_CLIP, Math.max(LOG_LOSS_CLIP, likelihood)));
}

export function eceBin(p: number): number {
  return Math.min(ECE_BINS - 1, Math.floor(p * ECE_BINS));
}

/** Mean squared error of probabilities (Brier 1950). */
export function brier(p: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < p.length; row++) sum += squaredError(p[row] as number, y[row] as number);
  return sum / p.length;
}

/** Mean negative log likelihood. Unit: nats. */
export function logLoss(p: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < p.length; row++) sum += logError(p[row] as number, y[row] as number);
  return sum / p.length;
}

/** Expected calibration error: the mean of |mean forecast - share of wins| over the bins, weighted by their rows. */
export function ece(p: Float64Array, y: Float64Array): number {
  const gaps = new Float64Array(ECE_BINS);
  for (let row = 0; row < p.length; row++) {
    const bin = eceBin(p[row] as number);
    gaps[bin] = (gaps[bin] as number) + (p[row] as number) - (y[row] as number);
  }
  return eceOfGaps(gaps, p.length);
}

/** `gaps`: by bin, the sum of forecasts minus the number of wins. */
export function eceOfGaps(gaps: Float64Array, n: number): number {
  let sum = 0;
  for (const gap of gaps) sum += Math.abs(gap);
  return sum / n;
}

/** Brier = mcb - dsc + unc: miscalibration, discrimination, and the uncertainty of the outcomes themselves. */
interface Decomposition {
  readonly mcb: number;
  readonly dsc: number;
  readonly unc: number;
}

/**
 * The CORP decomposition of the Brier score (Dimitriadis, Gneiting and Jordan 2021): it compares with the isotonic fit of the outcomes on
 * the forecasts, and with the mean outcome.
 */
export function decompose(p: Float64Array, y: Float64Array): Decomposition {
  const groups = groupTies(p, y, null);
  const { recalibrated, unc } = pooledScores(groups.mean, groups.weight, groups.length);
  // Below 0 is rounding, and a report would print -0.
  return { mcb: Math.max(0, brier(p, y) - recalibrated), dsc: Math.max(0, unc - recalibrated), unc };
}

/** Brier scores of the isotonic fit and of the mean outcome, from groups of outcomes, ascending by forecast. */
export function pooledScores(mean: Float64Array, weight: Float64Array, length: number) {
  const blocks = poolAdjacentViolators(mean, weight, length);
  let n = 0;
  let wins = 0;
  let spread = 0;
  for (let block = 0; block < blocks.length; block++) {
    const level = blocks.mean[block] as number;
    const rows = blocks.weight[block] as number;
    n += rows;
    wins += rows * level;
    // The squared errors of 0s and 1s around their own mean.
    spread += rows * level * (1 - level);
  }
  const base = wins / n;
  return { recalibrated: spread / n, unc: base * (1 - base) };
}

/** For the interval, confidences are grouped into at most so many cells: it is far wider than a cell. Unit: cells. */
const AUC_CELLS = 500;

/**
 * The probability that a win had a higher confidence than a loss; ties count half (Mann and Whitney). At 0.5 confidence does not tell them
 * apart; below it, the surer the model, the less often it is right. No rising map changes it. With a 95 % bootstrap interval. NaN where
 * one label is missing.
 */
export function aucOf(x: Float64Array, y: Float64Array, { ends }: Pick<Dependence, 'ends'>, random: Random): Auc {
  const value = exactAuc(x, y);
  if (Number.isNaN(value)) return { value, low: 0, high: 1 };
  const cells = cellsOf(x, AUC_CELLS);
  const byBlock = Array.from(ends, (end, block) =>
    countsOf(cells.of, y, block === 0 ? 0 : (ends[block - 1] as number), end),
  );
  const drawn: number[] = [];
  const stream = random.stream('auc');
  const wins = new Float64Array(cells.length);
  const losses = new Float64Array(cells.length);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    wins.fill(0);
    losses.fill(0);
    drawBlocks(stream, ends.length).forEach((times, block) => {
      if (times === 0) return;
      for (const [cell, won, lost] of byBlock[block] ?? []) {
        wins[cell] = (wins[cell] as number) + times * won;
        losses[cell] = (losses[cell] as number) + times * lost;
      }
    });
    const one = aucOfCells(wins, losses);
    if (!Number.isNaN(one)) drawn.push(one);
  }
  if (drawn.length === 0) return { value, low: 0, high: 1 };
  const { low, high } = bootstrapInterval(value, Float64Array.from(drawn), ends.length);
  return { value, low: Math.max(0, low), high: Math.min(1, high) };
}

type CellCount = readonly [cell: number, wins: number, losses: number];

function countsOf(cellOf: Uint32Array, y: Float64Array, start: number, end: number): readonly CellCount[] {
  const counts = new Map<number, [number, number, number]>();
  for (let row = start; row < end; row++) {
    const cell = cellOf[row] as number;
    let count = counts.get(cell);
    if (count === undefined) counts.set(cell, (count = [cell, 0, 0]));
    if ((y[row] as number) > 0.5) count[1] += 1;
    else count[2] += 1;
  }
  return [...counts.values()];
}

function aucOfCells(wins: Float64Array, losses: Float64Array): number {
  let below = 0;
  let won = 0;
  let pairs = 0;
  for (let cell = 0; cell < wins.length; cell++) {
    const more = wins[cell] as number;
    const less = losses[cell] as number;
    pairs += more * (below + less / 2);
    below += less;
    won += more;
  }
  return pairs / (won * below);
}

function exactAuc(x: Float64Array, y: Float64Array): number {
  const order = argsort(x);
  let pairs = 0;
  let below = 0;
  let won = 0;
  for (let at = 0; at < order.length;) {
    const confidence = x[order[at] as number];
    let wins = 0;
    let losses = 0;
    while (at < order.length && x[order[at] as number] === confidence) {
      if ((y[order[at] as number] as number) > 0.5) wins += 1;
      else losses += 1;
      at += 1;
    }
    pairs += wins * (below + losses / 2);
    below += losses;
    won += wins;
  }
  return pairs / (won * below);
}
