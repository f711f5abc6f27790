import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { betaAt, fitBeta, fitRisingBeta } from './beta.ts';
import { fitIsotonic } from './isotonic.ts';
import { type Samples, baseRate, weightsOf } from './samples.ts';
import { fitSigmoid, logOdds, sigmoidAt } from './sigmoid.ts';
import { rangeOf } from './statistics.ts';

/** The methods to fit a confidence map, simplest first: of methods that are tied out of fold the simplest is chosen. */
export const METHODS = ['identity', 'sigmoid', 'sigmoid_log_odds', 'beta', 'isotonic'] as const;

export type Method = (typeof METHODS)[number];

/**
 * The base rate of the outcomes, whatever the confidence: it stands in every comparison and is never proposed. A confidence that does no
 * better carries no information, and no map can add any.
 */
export const CONSTANT = 'constant';

export type Contestant = Method | typeof CONSTANT;

/** A coefficient of a method's formula; identity and isotonic have none. */
export interface Parameter {
  readonly name: string;
  readonly value: number;
}

export interface Fit {
  readonly method: Method;
  readonly map: ConfidenceMap;
  readonly parameters: readonly Parameter[];
}

type Fitter = (samples: Samples, weights: Float64Array | null) => Omit<Fit, 'method'>;

const FITTERS: Readonly<Record<Method, Fitter>> = {
  identity: () => ({ map: { x: [0, 1], y: [0, 1] }, parameters: [] }),
  sigmoid: ({ x, y }, weights) => {
    const { a, b } = fitSigmoid(x, y, weights);
    return { map: sampled(x, (at) => sigmoidAt({ a, b }, at)), parameters: named({ a, b }) };
  },
  sigmoid_log_odds: ({ x, y }, weights) => {
    const { a, b } = fitSigmoid(x.map(logOdds), y, weights);
    return { map: sampled(x, (at) => sigmoidAt({ a, b }, logOdds(at))), parameters: named({ a, b }) };
  },
  beta: ({ x, y }, weights) => {
    const { a, b, c } = fitBeta(x, y, weights);
    return { map: sampled(x, (at) => betaAt({ a, b, c }, at)), parameters: named({ a, b, c }) };
  },
  isotonic: ({ x, y }, weights) => ({ map: fitIsotonic(x, y, weights), parameters: [] }),
};

/** Fits one method, whether its best map rises or falls. The maps of formulas cover the observed confidences, and are constant beyond. */
export function fit(method: Method, samples: Samples): Fit {
  return { method, ...FITTERS[method](samples, weightsOf(samples)) };
}

/**
 * The best map of a method; null where it falls. A falling map reverses the model's ranking: a confidence that drops would count as one that
 * rises, which is no calibration but another model.
 */
export function fitRising(method: Method, samples: Samples): Fit | null {
  if (method === 'beta') {
    const beta = fitRisingBeta(samples.x, samples.y, weightsOf(samples));
    if (beta === null) return null;
    const { a, b, c } = beta;
    return { method, map: sampled(samples.x, (at) => betaAt(beta, at)), parameters: named({ a, b, c }) };
  }
  const best = fit(method, samples);
  return falls(best.map) ? null : best;
}

/** The base rate of the outcomes, whatever the confidence. */
export function constantMap(samples: Samples): ConfidenceMap {
  const rate = baseRate(samples);
  return { x: [0, 1], y: [rate, rate] };
}

function falls({ y }: ConfidenceMap): boolean {
  return (y.at(-1) ?? 0) < (y[0] ?? 0);
}

function sampled(x: Float64Array, curve: (at: number) => number): ConfidenceMap {
  const { low, high } = rangeOf(x);
  return sampledCurve(curve, low, high);
}

function named(values: Readonly<Record<string, number>>): readonly Parameter[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** A fifth of the 1e-6 to which the fits agree with their references. Unit: probability. */
const TOLERANCE = 2e-7;

/** A curve is divided into so many intervals at least, so that no bend between its ends is overlooked. Unit: intervals. */
const FIRST_INTERVALS = 16;

/** No number of points suffices where a curve is vertical: no interval is below range / 16 / 2^MAX_DEPTH. Unit: halvings. */
const MAX_DEPTH = 20;

/** A curve over [low, high] as a map, linear between its points, within TOLERANCE of the curve. */
function sampledCurve(at: (x: number) => number, low: number, high: number): ConfidenceMap {
  const curve = (x: number): number => Math.min(1, Math.max(0, at(x)));
  const x = [low];
  const y = [curve(low)];
  if (!(high > low)) return { x, y };
  const divide = (from: number, fromY: number, to: number, toY: number, depth: number): void => {
    const middle = (from + to) / 2;
    const off = (share: number): number =>
      Math.abs(curve(from + share * (to - from)) - (fromY + share * (toY - fromY)));
    if (depth < MAX_DEPTH && middle > from && middle < to && Math.max(off(0.25), off(0.5), off(0.75)) > TOLERANCE) {
      const middleY = curve(middle);
      divide(from, fromY, middle, middleY, depth + 1);
      divide(middle, middleY, to, toY, depth + 1);
    } else {
      x.push(to);
      y.push(toY);
    }
  };
  for (let interval = 0; interval < FIRST_INTERVALS; interval++) {
    const from = x.at(-1) ?? low;
    const to = interval === FIRST_INTERVALS - 1 ? high : low + ((interval + 1) / FIRST_INTERVALS) * (high - low);
    if (to > from) divide(from, y.at(-1) ?? curve(from), to, curve(to), 0);
  }
  return { x, y };
}
