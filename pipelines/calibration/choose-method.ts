import { type ConfidenceMap, calibrate } from '../scoring/confidence-map.ts';
import { type Fit, constantMap, fitRising, CONSTANT, type Contestant, METHODS, type Method } from './fit.ts';
import { percentileOf } from './statistics.ts';
import type { Candidate, Range } from './report.ts';
import { type Samples, slice } from './samples.ts';
import { brier, logLoss, squaredError } from './scores.ts';
import type { Random } from '../../ports/random.ts';
import { type Dependence, RESAMPLES, drawBlocks, widthFor } from './block-bootstrap.ts';

/** Below this isotonic regression follows the noise (scikit-learn's guide on calibration). Unit: usable outcomes. */
export const ISOTONIC_FROM = 1000;

/** Enough folds for the fits to grow with the data as they would in use, few enough to be quick. Unit: folds. */
const FOLDS = 5;

/** The first half only trains, but no more than this: a curve of two or three parameters hardly gains from more. Unit: outcomes. */
const MOST_FIRST_TRAINING = 500;

/** Methods closer than this did equally well. Unit: Brier score. */
const TIE = 1e-9;

/** A purge never takes more than this of what is there to train on: where all positions overlap it would take everything. Unit: ratio. */
const MOST_PURGED = 0.5;

/** Of the holding times: positions held longer than this share of all may still overlap. Unit: ratio. */
const PURGED_SHARE = 0.95;

/** Forecasts for the rows from `from` on, each by a fit on earlier rows alone. */
export interface OutOfFold {
  readonly from: number;
  readonly forecasts: Float64Array;
}

/** Where a fold's training ends and its own rows begin and end. */
interface Fold {
  readonly trainTo: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Expanding window in time order: the first half only trains (500 rows at most), five folds follow. Purged: training stops before the
 * first row whose position was open when the fold begins, going by the holding time that 95 % stay below; and embargoed by the
 * median holding time more. What overlaps a fold would tell of its outcomes.
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
  return percentileOf(held, PURGED_SHARE) + percentileOf(held, 0.5);
}

/** A method's forecasts; the base rate of the training rows where its best map falls. */
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

export interface Choice {
  readonly method: Method;
  /** Fitted on all rows. Null: the method asked for has no rising map here. */
  readonly fit: Fit | null;
  readonly outOfFold: OutOfFold;
  /** The best of the others whose map rises; null: there is none. */
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
 * The lowest Brier score out of fold among the methods whose best map rises, the simpler method where two are equal; or the method asked
 * for. The constant base rate stands in the comparison and is never chosen.
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

/** By how much the method of a map did better out of fold than the next one. */
export interface Winner {
  readonly next: Method;
  /** Brier score of the next one minus that of the map's method: below 0 where a method was asked for and another did better. */
  readonly margin: number;
  /** 95 %: reaching 0, the two are not told apart. */
  readonly interval: Range;
}

/** The margin of `chosen` over `next`, with an interval from drawing the blocks of `dependence`. */
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
  }).toSorted();
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  const width = widthFor(ends.length);
  return {
    margin,
    interval: {
      low: margin + width * Math.min(0, percentileOf(drawn, 0.025) - mean),
      high: margin + width * Math.max(0, percentileOf(drawn, 0.975) - mean),
    },
  };
}
