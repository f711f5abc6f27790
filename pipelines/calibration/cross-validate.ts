import { type ConfidenceMap, calibrate } from './confidence-map.ts';
import { fit } from './fit.ts';
import { METHODS, type Method } from './method.ts';
import type { Candidate } from './report.ts';
import type { Samples } from './samples.ts';
import { brier, logLoss } from './scores.ts';

/** Below this isotonic regression follows the noise (scikit-learn's guide on calibration). Unit: usable outcomes. */
export const ISOTONIC_FROM = 1000;

/** Enough folds for the fits to grow with the data as they would in use, few enough to be quick. Unit: folds. */
const FOLDS = 5;

/** Methods closer than this did equally well. Unit: Brier score. */
const TIE = 1e-9;

/** Forecasts for the rows from `from` on, each by a fit on earlier rows alone. */
export interface OutOfFold {
  readonly from: number;
  readonly forecasts: Float64Array;
}

/** Expanding window in time order: the first half only trains, five folds of the second half follow. */
export function crossValidate({ x, y }: Samples, method: Method): OutOfFold {
  const n = x.length;
  const from = Math.ceil(n / 2);
  const forecasts = new Float64Array(n - from);
  for (let fold = 0; fold < FOLDS; fold++) {
    const start = from + Math.floor((fold * (n - from)) / FOLDS);
    const end = from + Math.floor(((fold + 1) * (n - from)) / FOLDS);
    if (end === start) continue;
    const { map } = fit(method, { x: x.subarray(0, start), y: y.subarray(0, start) });
    forecasts.set(mapAll(map, x.subarray(start, end)), start - from);
  }
  return { from, forecasts };
}

export interface Choice {
  readonly method: Method;
  readonly outOfFold: OutOfFold;
  readonly candidates: readonly Candidate[];
}

/** The lowest Brier score out of fold, the simpler method where two are equal; or the method asked for. */
export function chooseMethod(samples: Samples, asked: Method | null, onStep: (step: string) => void): Choice {
  const y = samples.y.subarray(Math.ceil(samples.y.length / 2));
  const tried = METHODS.filter(
    (method) => method !== 'isotonic' || asked === 'isotonic' || samples.x.length >= ISOTONIC_FROM,
  ).map((method) => {
    onStep(`cross-validate ${method}`);
    const outOfFold = crossValidate(samples, method);
    return { method, outOfFold, brier: brier(outOfFold.forecasts, y), logLoss: logLoss(outOfFold.forecasts, y) };
  });
  const chosen =
    tried.find(({ method }) => method === asked) ??
    tried.reduce((best, one) => (one.brier < best.brier - TIE ? one : best));
  const candidates = METHODS.map((method): Candidate => {
    const trial = tried.find((one) => one.method === method);
    if (trial === undefined)
      return { method, brier: null, log_loss: null, why_not: `needs ${ISOTONIC_FROM} usable outcomes, or --method` };
    const lost =
      asked === null ? `${chosen.method} did better out of fold, or as well and is simpler` : `${asked} was asked for`;
    return { method, brier: trial.brier, log_loss: trial.logLoss, why_not: trial === chosen ? null : lost };
  });
  return { method: chosen.method, outOfFold: chosen.outOfFold, candidates };
}

/** The map at each value. */
export function mapAll(map: ConfidenceMap, values: Float64Array): Float64Array {
  return values.map((value) => calibrate(map, value));
}
