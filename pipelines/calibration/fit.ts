import { betaAt, fitBeta, fitRisingBeta } from './beta.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { fitIsotonic } from './isotonic.ts';
import type { Method, Parameter } from './method.ts';
import { sampledCurve } from './sampled-curve.ts';
import { type Samples, baseRate, weightsOf } from './samples.ts';
import { fitSigmoid, logOdds, sigmoidAt } from './sigmoid.ts';

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
