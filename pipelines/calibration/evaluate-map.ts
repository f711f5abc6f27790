import type { Random } from '../../ports/random.ts';
import { SCORE_NAMES, type ScoresByName, resampleScores } from './bootstrap.ts';
import { decompose } from './corp.ts';
import { type Dependence, widthFor } from './dependence.ts';
import { percentileOf } from './percentile.ts';
import { reliability } from './reliability.ts';
import type { Evaluation, Range, ScoreName } from './report.ts';
import { brier, ece, logLoss } from './scores.ts';

/** These cannot be negative, nor can the ends of their intervals. */
const NOT_NEGATIVE: ReadonlySet<ScoreName> = new Set(['ece', 'mcb', 'dsc']);

/**
 * Scores of two forecasts of the same outcomes, in time order, with 95 % intervals. An interval is the estimate plus the spread of
 * the resamples around their own mean: ECE, MCB and DSC come out too large in every resample, and plain percentiles would sit
 * beside the estimate. `dependence` says which rows are drawn together.
 */
export function evaluateMap(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Evaluation {
  return {
    n: y.length,
    scores: scoreChanges(before, after, y, { ends }, random),
    reliability: { before: reliability(before, y, random), after: reliability(after, y, random) },
  };
}

/** The scores alone. */
export function scoreChanges(
  before: Float64Array,
  after: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Evaluation['scores'] {
  const said = scoresOf(before, y);
  const mapped = scoresOf(after, y);
  const resamples = resampleScores(before, after, y, ends, random);
  const width = widthFor(ends.length);
  return SCORE_NAMES.map((name) => {
    const befores = Float64Array.from(resamples.before, (scores) => scores[name]);
    const afters = Float64Array.from(resamples.after, (scores) => scores[name]);
    const changes = afters.map((value, at) => value - (befores[at] as number));
    const floor = NOT_NEGATIVE.has(name) ? 0 : -Infinity;
    return {
      name,
      before: said[name],
      after: mapped[name],
      change: mapped[name] - said[name],
      before_interval: around(said[name], befores, width, floor),
      after_interval: around(mapped[name], afters, width, floor),
      change_interval: around(mapped[name] - said[name], changes, width, -Infinity),
    };
  });
}

function scoresOf(p: Float64Array, y: Float64Array): ScoresByName {
  return { brier: brier(p, y), log_loss: logLoss(p, y), ece: ece(p, y), ...decompose(p, y) };
}

function around(estimate: number, values: Float64Array, width: number, floor: number): Range {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const ascending = values.toSorted();
  return {
    low: Math.max(floor, estimate + width * Math.min(0, percentileOf(ascending, 0.025) - mean)),
    high: estimate + width * Math.max(0, percentileOf(ascending, 0.975) - mean),
  };
}
