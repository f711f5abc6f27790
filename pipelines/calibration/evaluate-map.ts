import type { Random } from '../../ports/random.ts';
import { SCORE_NAMES, type ScoresByName, resampleScores } from './bootstrap.ts';
import { decompose } from './corp.ts';
import { percentileOf } from './percentile.ts';
import { reliability } from './reliability.ts';
import type { Evaluation, Range, ScoreName } from './report.ts';
import { brier, ece, logLoss } from './scores.ts';

/** These cannot be negative, nor can the ends of their intervals. */
const NOT_NEGATIVE: ReadonlySet<ScoreName> = new Set(['ece', 'mcb', 'dsc']);

/**
 * Scores of two forecasts of the same outcomes, in time order, with 95 % intervals. An interval is the estimate plus the spread of
 * the resamples around their own mean: ECE, MCB and DSC come out too large in every resample, and plain percentiles would sit
 * beside the estimate.
 */
export function evaluateMap(before: Float64Array, after: Float64Array, y: Float64Array, random: Random): Evaluation {
  const said = scoresOf(before, y);
  const mapped = scoresOf(after, y);
  const resamples = resampleScores(before, after, y, random);
  return {
    n: y.length,
    scores: SCORE_NAMES.map((name) => {
      const befores = Float64Array.from(resamples.before, (scores) => scores[name]);
      const afters = Float64Array.from(resamples.after, (scores) => scores[name]);
      const changes = afters.map((value, at) => value - (befores[at] as number));
      const floor = NOT_NEGATIVE.has(name) ? 0 : -Infinity;
      return {
        name,
        before: said[name],
        after: mapped[name],
        change: mapped[name] - said[name],
        before_interval: around(said[name], befores, floor),
        after_interval: around(mapped[name], afters, floor),
        change_interval: around(mapped[name] - said[name], changes, -Infinity),
      };
    }),
    reliability: { before: reliability(before, y, random), after: reliability(after, y, random) },
  };
}

function scoresOf(p: Float64Array, y: Float64Array): ScoresByName {
  return { brier: brier(p, y), log_loss: logLoss(p, y), ece: ece(p, y), ...decompose(p, y) };
}

function around(estimate: number, values: Float64Array, floor: number): Range {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const ascending = values.toSorted();
  return {
    low: Math.max(floor, estimate + Math.min(0, percentileOf(ascending, 0.025) - mean)),
    high: estimate + Math.max(0, percentileOf(ascending, 0.975) - mean),
  };
}
