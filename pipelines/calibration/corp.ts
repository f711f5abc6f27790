import { groupTies, poolAdjacentViolators } from './pool-adjacent-violators.ts';
import { brier } from './scores.ts';

/** Brier = mcb - dsc + unc: how wrong the numbers are, how well they tell outcomes apart, how uncertain outcomes are anyway. */
export interface Decomposition {
  readonly mcb: number;
  readonly dsc: number;
  readonly unc: number;
}

/**
 * The CORP decomposition of the Brier score (Dimitriadis, Gneiting and Jordan 2021): against the isotonic fit of the outcomes on
 * the forecasts, and against the mean outcome. Outcomes are 0 or 1.
 */
export function decompose(p: Float64Array, y: Float64Array): Decomposition {
  const groups = groupTies(p, y, null);
  const { recalibrated, unc } = pooledScores(groups.mean, groups.weight, groups.length);
  // Neither can be negative: below 0 is rounding, and a report would print it as -0.
  return { mcb: Math.max(0, brier(p, y) - recalibrated), dsc: Math.max(0, unc - recalibrated), unc };
}

/** Brier score of the isotonic fit, and of the mean outcome, from groups of 0 and 1 outcomes: mean and weight, ascending by forecast. */
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
