import type { Random } from '../../ports/random.ts';
import { type ConfidenceMap, calibrate } from '../scoring/confidence-map.ts';
import { type Dependence, RESAMPLES, bootstrapInterval, drawBlocks } from './block-bootstrap.ts';
import { CONSTANT, type Contestant, type Fit, METHODS, type Method, constantMap, fitRising } from './fit.ts';
import type { Candidate } from './report.ts';
import { type Samples, slice } from './samples.ts';
import { brier, logLoss, squaredError } from './scores.ts';
import { type Interval, quantileOf } from './statistics.ts';

/** Cross-validation forward in time: which method forecasts later outcomes best, and by how much against the next one. */

/** With fewer outcomes isotonic regression follows the noise (scikit-learn's guide on calibration). Unit: usable outcomes. */
const ISOTONIC_FROM = 1000;

/** Enough for fits to grow with the data as they do in use, and few enough to be quick. Unit: folds. */
const FOLDS = 5;

/** The first half only trains, but no more than this: curves of two or three parameters hardly gain from more. Unit: outcomes. */
const MOST_FIRST_TRAINING = 500;

/** Methods closer than this are tied. Unit: Brier score. */
const TIE = 1e-9;

/** A purge takes at most this share of the training rows: where all positions overlap it would take all of them. Unit: ratio. */
const MOST_PURGED = 0.5;

/** The purge goes by the holding time that this share of positions stays below. Unit: ratio. */
const PURGED_SHARE = 0.95;

/** Forecasts for the rows from `from` on, each by a fit on earlier rows only. */
interface OutOfFold {
  readonly from: number;
  readonly forecasts: Float64Array;
}

/** Rows of a fold: it trains on those before `trainTo`, and forecasts those from `start` up to, not including, `end`. */
interface Fold {
  readonly trainTo: number;
  readonly start: number;
  readonly end: number;
}

/**
 * An expanding window in time order: the first half only trains (500 rows at most), and five folds follow. Positions that overlap a fold
 * would reveal its outcomes, so training is purged of those open when the fold begins, by the holding time that 95 % stay below, and
 * embargoed by the median holding time.
 */
export function foldsOf({ x, times }: Samples): readonly Fold[] {
  const n = x.length;
  const from = Math.min(Math.ceil(n / 2), MOST_FIRST_TRAINING);
  const gap = times === undefined ? 0 : purgedTime(times);
  const folds: Fold[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const start = from + Math.floor((fold * (n - from)) / FOLDS);
    const end = from + Math.floor(((fold + 1) * (n - from)) / FOLDS);
    if (end === start) continue;
    let trainTo = start;
    if (gap > 0 && times !== undefined) {
      const before = (times.closed[start] as number) - gap;
      const least = Math.ceil(start * (1 - MOST_PURGED));
      while (trainTo > least && (times.closed[trainTo - 1] as number) > before) trainTo -= 1;
    }
    folds.push({ trainTo, start, end });
  }
  return folds;
}

function purgedTime({ opened, closed }: NonNullable<Samples['times']>): number {
  const held = closed.map((at, row) => Math.max(0, at - (opened[row] as number))).toSorted();
  return quantileOf(held, PURGED_SHARE) + quantileOf(held, 0.5);
}

/** The forecasts of a method. Where its best map falls it forecasts the base rate of the training rows. */
export function crossValidate(samples: Samples, contestant: Contestant): OutOfFold {
  const folds = foldsOf(samples);
  const from = folds[0]?.start ?? samples.x.length;
  const forecasts = new Float64Array(samples.x.length - from);
  for (const { trainTo, start, end } of folds) {
    const training = slice(samples, 0, trainTo);
    const rising = contestant === CONSTANT ? null : fitRising(contestant, training);
    const map = rising?.map ?? constantMap(training);
    forecasts.set(mapAll(map, samples.x.subarray(start, end)), start - from);
  }
  return { from, forecasts };
}

interface Choice {
  readonly method: Method;
  /** Fitted on all rows. Null: the method asked for has no rising map here. */
  readonly fit: Fit | null;
  readonly outOfFold: OutOfFold;
  /** The best other method with a rising map; null: there is none. */
  readonly next: { readonly method: Method; readonly forecasts: Float64Array } | null;
  readonly candidates: readonly Candidate[];
}

interface Trial {
  readonly method: Method;
  readonly outOfFold: OutOfFold;
  readonly brier: number;
  readonly logLoss: number;
  /** Null: the best map falls. */
  readonly fit: Fit | null;
}

/**
 * Chooses the method asked for, or the one with the lowest Brier score out of fold among those with a rising map; of tied methods the
 * simplest. The constant base rate is compared too, and never chosen.
 */
export function chooseMethod(samples: Samples, asked: Method | null, onStep: (step: string) => void): Choice {
  const trials = METHODS.filter(
    (method) => method !== 'isotonic' || asked === 'isotonic' || samples.x.length >= ISOTONIC_FROM,
  ).map((method): Trial => {
    onStep(`cross-validate ${method}`);
    const outOfFold = crossValidate(samples, method);
    const y = samples.y.subarray(outOfFold.from);
    return {
      method,
      outOfFold,
      brier: brier(outOfFold.forecasts, y),
      logLoss: logLoss(outOfFold.forecasts, y),
      fit: fitRising(method, samples),
    };
  });
  const chosen =
    trials.find(({ method }) => method === asked) ??
    trials.filter((trial) => trial.fit !== null).reduce((best, one) => (one.brier < best.brier - TIE ? one : best));
  const others = trials.filter((trial) => trial !== chosen && trial.fit !== null);
  const next = others.reduce<Trial | null>((best, one) => (best === null || one.brier < best.brier ? one : best), null);
  return {
    method: chosen.method,
    fit: chosen.fit,
    outOfFold: chosen.outOfFold,
    next: next === null ? null : { method: next.method, forecasts: next.outOfFold.forecasts },
    candidates: [constantCandidate(samples), ...METHODS.map((method) => candidateOf(method, trials, chosen, asked))],
  };
}

function constantCandidate(samples: Samples): Candidate {
  const { from, forecasts } = crossValidate(samples, CONSTANT);
  const y = samples.y.subarray(from);
  return {
    method: CONSTANT,
    brier: brier(forecasts, y),
    log_loss: logLoss(forecasts, y),
    why_not: 'the base rate, whatever is said: what every map has to beat',
  };
}

function candidateOf(method: Method, trials: readonly Trial[], chosen: Trial, asked: Method | null): Candidate {
  const trial = trials.find((one) => one.method === method);
  if (trial === undefined)
    return { method, brier: null, log_loss: null, why_not: `needs ${ISOTONIC_FROM} usable outcomes, or --method` };
  const { brier: score, logLoss: loss } = trial;
  return { method, brier: score, log_loss: loss, why_not: whyNot(trial, chosen, asked) };
}

function whyNot(trial: Trial, chosen: Trial, asked: Method | null): string | null {
  if (trial.fit === null) return 'no usable relation: its best map falls';
  if (trial === chosen) return null;
  if (asked !== null) return `${asked} was asked for`;
  const better = trial.brier - chosen.brier;
  return better > TIE
    ? `${chosen.method} did better out of fold by ${Number(better.toPrecision(2))}`
    : `${chosen.method} did as well and is simpler`;
}

/** The map at each value. */
export function mapAll(map: ConfidenceMap, values: Float64Array): Float64Array {
  return values.map((value) => calibrate(map, value));
}

/** How much better out of fold the method of a map did than the next one. */
export interface Winner {
  readonly next: Method;
  /** Brier score of the next method minus that of the chosen one: below 0 where a method was asked for and another did better. */
  readonly margin: number;
  /** 95 %. Where it reaches 0 the two are not told apart. */
  readonly interval: Interval;
}

/** The margin of the forecasts `chosen` over `next`, with its bootstrap interval. */
export function marginOf(
  chosen: Float64Array,
  next: Float64Array,
  y: Float64Array,
  { ends }: Pick<Dependence, 'ends'>,
  random: Random,
): Omit<Winner, 'next'> {
  const sums = new Float64Array(ends.length);
  const sizes = new Float64Array(ends.length);
  let start = 0;
  let total = 0;
  ends.forEach((end, block) => {
    let sum = 0;
    for (let row = start; row < end; row++)
      sum +=
        squaredError(next[row] as number, y[row] as number) - squaredError(chosen[row] as number, y[row] as number);
    sums[block] = sum;
    sizes[block] = end - start;
    total += sum;
    start = end;
  });
  const margin = total / y.length;
  const stream = random.stream('winner');
  const drawn = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    let n = 0;
    drawBlocks(stream, ends.length).forEach((times, block) => {
      sum += times * (sums[block] as number);
      n += times * (sizes[block] as number);
    });
    return sum / n;
  });
  // Ascending: the order of a sum shows in its last digit, and so in the interval.
  return { margin, interval: bootstrapInterval(margin, drawn.toSorted(), ends.length) };
}
