import { betaAt, fitBeta } from './beta.ts';
import type { ConfidenceMap } from './confidence-map.ts';
import { fitIsotonic } from './isotonic.ts';
import type { Method, Parameter } from './method.ts';
import { sampledCurve } from './sampled-curve.ts';
import type { Samples } from './samples.ts';
import { fitSigmoid, sigmoidAt } from './sigmoid.ts';

export interface Fit {
  readonly method: Method;
  readonly map: ConfidenceMap;
  readonly parameters: readonly Parameter[];
}

type Fitter = (samples: Samples) => Omit<Fit, 'method'>;

const FITTERS: Readonly<Record<Method, Fitter>> = {
  identity: () => ({ map: { x: [0, 1], y: [0, 1] }, parameters: [] }),
  sigmoid: ({ x, y }) => {
    const { a, b } = fitSigmoid(x, y);
    return { map: sampled(x, (at) => sigmoidAt({ a, b }, at)), parameters: named({ a, b }) };
  },
  beta: ({ x, y }) => {
    const { a, b, c } = fitBeta(x, y);
    return { map: sampled(x, (at) => betaAt({ a, b, c }, at)), parameters: named({ a, b, c }) };
  },
  isotonic: ({ x, y }) => ({ map: fitIsotonic(x, y), parameters: [] }),
};

/** Fits one method. The maps of formulas cover the confidences seen, and are constant beyond. */
export function fit(method: Method, samples: Samples): Fit {
  return { method, ...FITTERS[method](samples) };
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
