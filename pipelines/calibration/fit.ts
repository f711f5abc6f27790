import { betaAt, fitBeta, fitRisingBeta } from './beta.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { fitIsotonic } from './isotonic.ts';
import { type Samples, baseRate, weightsOf } from './samples.ts';
import { fitSigmoid, logOdds, sigmoidAt } from './sigmoid.ts';

/** The ways to fit a confidence map, simplest first: where two do equally well out of fold, the simpler one is chosen. */
export const METHODS = ['identity', 'sigmoid', 'sigmoid_log_odds', 'beta', 'isotonic'] as const;

export type Method = (typeof METHODS)[number];

/**
 * What every comparison has besides: the base rate of the outcomes, whatever was said. A confidence that does not do better than it
 * carries no information, and no map can add any. It is never proposed.
 */
export const CONSTANT = 'constant';

export type Contestant = Method | typeof CONSTANT;

/** What a method's formula is made of; empty for identity and isotonic. */
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

/** Fits one method, whichever way the best map goes. The maps of formulas cover the confidences seen, and are constant beyond. */
export function fit(method: Method, samples: Samples): Fit {
  return { method, ...FITTERS[method](samples, weightsOf(samples)) };
}

/**
 * The best map of a method that rises; null where the best one falls. A falling map turns the model's ranking over: a confidence that
 * drops would count as one that rises, so it is no calibration but another model.
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

/** The base rate of the outcomes, whatever is said: what is left of a falling map that must not fall. */
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

/** The smallest and the largest of at least one value. */
export function rangeOf(values: Float64Array): { readonly low: number; readonly high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function named(values: Readonly<Record<string, number>>): readonly Parameter[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** A fifth of what the fits themselves are held to. Unit: probability. */
const TOLERANCE = 2e-7;

/** Even a straight line gets some points, so that a bend between two ends is not overlooked. Unit: intervals. */
const FIRST_INTERVALS = 16;

/** Where a curve is vertical no number of points suffices: intervals stop at range / 16 / 2^MAX_DEPTH. Unit: halvings. */
const MAX_DEPTH = 20;

/** A curve as a map over [low, high], linear between its points, within 2e-7 of the curve. */
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
