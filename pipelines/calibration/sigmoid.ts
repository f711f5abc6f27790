import { clipped } from './beta.ts';

/** Newton's method takes about ten; more are only reached where rounding stops progress. Unit: steps. */
const MAX_STEPS = 100;

/** Keeps the Hessian invertible where all confidences are equal (Lin, Lin and Weng 2007). Unit: none. */
const RIDGE = 1e-12;

/**
 * Newton's method squares its error: a step that gains no more than this is exact to rounding, and further losses would differ by rounding
 * only. Unit: nats.
 */
const LAST_STEP_GAINS = 1e-7;

/** A step that was halved this often is given up. Unit: halvings. */
const MAX_HALVINGS = 40;

interface Sigmoid {
  readonly a: number;
  readonly b: number;
}

/** p = 1 / (1 + exp(a x + b)), so a rising curve has a below 0. */
export function sigmoidAt({ a, b }: Sigmoid, x: number): number {
  const z = a * x + b;
  return z >= 0 ? Math.exp(-z) / (1 + Math.exp(-z)) : 1 / (1 + Math.exp(z));
}

export function logOdds(x: number): number {
  const inside = clipped(x);
  return Math.log(inside / (1 - inside));
}

/**
 * Platt scaling (Platt 1999): maximum likelihood with smoothed targets, (wins + 1) / (wins + 2) and 1 / (losses + 2), which is finite for
 * separable data and for a single label. Newton's method with back-tracking (Lin, Lin and Weng 2007). With `weights`, wins and losses are sums
 * of weights; null: all rows weigh 1.
 */
export function fitSigmoid(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): Sigmoid {
  const weightOf = (row: number): number => (weights === null ? 1 : (weights[row] as number));
  let wins = 0;
  let losses = 0;
  for (let row = 0; row < y.length; row++) {
    if ((y[row] as number) > 0.5) wins += weightOf(row);
    else losses += weightOf(row);
  }
  const high = (wins + 1) / (wins + 2);
  const low = 1 / (losses + 2);
  let a = 0;
  let b = Math.log((losses + 1) / (wins + 1));
  const lossAt = (tryA: number, tryB: number): number => {
    let loss = 0;
    for (let row = 0; row < x.length; row++) {
      const z = tryA * (x[row] as number) + tryB;
      const target = (y[row] as number) > 0.5 ? high : low;
      const cost = z >= 0 ? target * z + Math.log1p(Math.exp(-z)) : (target - 1) * z + Math.log1p(Math.exp(z));
      loss += weightOf(row) * cost;
    }
    return loss;
  };
  let loss = lossAt(a, b);
  for (let step = 0; step < MAX_STEPS; step++) {
    let gradA = 0;
    let gradB = 0;
    let haa = RIDGE;
    let hab = 0;
    let hbb = RIDGE;
    for (let row = 0; row < x.length; row++) {
      const value = x[row] as number;
      const p = sigmoidAt({ a, b }, value);
      const weight = weightOf(row);
      const error = weight * (((y[row] as number) > 0.5 ? high : low) - p);
      const spread = weight * p * (1 - p);
      gradA += value * error;
      gradB += error;
      haa += value * value * spread;
      hab += value * spread;
      hbb += spread;
    }
    const determinant = haa * hbb - hab * hab;
    const stepA = -(hbb * gradA - hab * gradB) / determinant;
    const stepB = -(haa * gradB - hab * gradA) / determinant;
    // The gain of the whole step, to second order.
    const gain = -(gradA * stepA + gradB * stepB) / 2;
    if (gain <= LAST_STEP_GAINS) return { a: a + stepA, b: b + stepB };
    let scale = 1;
    let next = lossAt(a + stepA, b + stepB);
    for (let halvings = 0; !(next <= loss) && halvings < MAX_HALVINGS; halvings++) {
      scale /= 2;
      next = lossAt(a + scale * stepA, b + scale * stepB);
    }
    if (!(next <= loss)) break;
    a += scale * stepA;
    b += scale * stepB;
    loss = next;
  }
  return { a, b };
}
