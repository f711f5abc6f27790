import type { Random } from '../../ports/random.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { type Dependence, dependenceOf } from './block-bootstrap.ts';
import { largestChange, safetyBounds } from './bounds-and-risks.ts';
import { chooseMethod, mapAll, marginOf } from './choose-method.ts';
import { evaluateMap } from './evaluation.ts';
import { CONSTANT, type Fit, type Method } from './fit.ts';
import type { Auc, CalibrationReport, Candidate } from './report.ts';
import { type Samples, detectable, slice, weightedShare } from './samples.ts';
import { aucOf } from './scores.ts';
import { rangeOf } from './statistics.ts';

/** What follows from the samples alone; the rest of a report needs the log. */
export type Assessment = Pick<
  CalibrationReport,
  | 'candidates'
  | 'winner'
  | 'auc'
  | 'dependence'
  | 'observed'
  | 'largest_change'
  | 'in_sample'
  | 'out_of_fold'
  | 'detectable'
  | 'bounds'
> & { readonly fit: Fit };

/** There is no usable map: the surer the model, the less often it is right. */
export interface NoRelation {
  readonly fit: null;
  readonly auc: Auc;
  readonly candidates: readonly Candidate[];
}

interface AssessOptions {
  /** The map that scores today, which all changes are measured against; null: raw confidence. */
  readonly inForce?: ConfidenceMap | null;
  readonly onStep?: (step: string) => void;
}

/**
 * Chooses a method, fits it and measures it. `asked` null: cross-validation chooses. There is no usable relation where the method asked for
 * has no rising map, and where no method is asked for and the whole interval of AUC is below 0.5.
 */
export function assess(
  samples: Samples,
  asked: Method | null,
  random: Random,
  { inForce = null, onStep = () => {} }: AssessOptions = {},
): Assessment | NoRelation {
  const { x, y } = samples;
  const dependence = dependenceOf(samples);
  const auc = aucOf(x, y, dependence, random);
  const choice = chooseMethod(samples, asked, onStep);
  const { fit: chosen, candidates } = choice;
  if (chosen === null) return { fit: null, auc, candidates };
  if (asked === null && auc.high < 0.5) return { fit: null, auc, candidates: candidates.map(notChosen) };
  const before = inForce === null ? x : mapAll(inForce, x);
  onStep('bootstrap in sample');
  const inSample = evaluateMap(before, mapAll(chosen.map, x), y, dependence, random);
  onStep('bootstrap out of fold');
  const { from, forecasts } = choice.outOfFold;
  const later = slice(samples, from, x.length);
  const laterDependence = dependenceOf(later);
  const outOfFold = evaluateMap(before.subarray(from), forecasts, later.y, laterDependence, random);
  const { next } = choice;
  const winner =
    next === null
      ? null
      : { next: next.method, ...marginOf(forecasts, next.forecasts, later.y, laterDependence, random) };
  const change = largestChange(
    chosen.map,
    inForce,
    samples,
    (dependence.effective / x.length) * weightedShare(samples),
  );
  return {
    fit: chosen,
    candidates,
    winner,
    auc,
    dependence: dependenceFigures(dependence, x.length),
    observed: rangeOf(x),
    largest_change: change.overall,
    in_sample: inSample,
    out_of_fold: outOfFold,
    detectable: detectable(samples, dependence.effective),
    bounds: safetyBounds({ change, outOfFold, auc, constant: brierOf(candidates, CONSTANT) }),
  };
}

function dependenceFigures({ ends, blockMs, effective }: Dependence, n: number): CalibrationReport['dependence'] {
  return { n, effective, blocks: ends.length, block_ms: blockMs };
}

function notChosen(candidate: Candidate): Candidate {
  return { ...candidate, why_not: candidate.why_not ?? 'not proposed: the whole interval of AUC is below 0.5' };
}

function brierOf(candidates: readonly Candidate[], name: Candidate['method']): number {
  return candidates.find(({ method }) => method === name)?.brier ?? Infinity;
}
