import { fitLogistic } from './logistic-regression.ts';

/** betacal's own regularisation, 1 / 99999999999: next to none, but separable data get a finite answer. Unit: none. */
const PENALTY = 1 / 99_999_999_999;

/** logit p = a ln x - b ln(1 - x) + c. */
export interface Beta {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export function betaAt({ a, b, c }: Beta, x: number): number {
  const inside = clipped(x);
  const z = a * Math.log(inside) - b * Math.log(1 - inside) + c;
  return 1 / (1 + Math.exp(-z));
}

/**
 * Beta calibration (Kull, Silva Filho and Flach 2017), as betacal's BetaCalibration('abm') fits it: logistic regression on ln x and
 * -ln(1 - x); a coefficient that comes out negative is dropped and the other is fitted again.
 */
export function fitBeta(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): Beta {
  const low = new Float64Array(x.length);
  const high = new Float64Array(x.length);
  for (let row = 0; row < x.length; row++) {
    const inside = clipped(x[row] as number);
    low[row] = Math.log(inside);
    high[row] = -Math.log(1 - inside);
  }
  const [a = 0, b = 0, c = 0] = fitLogistic([low, high], y, PENALTY, weights);
  if (a < 0) {
    const [only = 0, intercept = 0] = fitLogistic([high], y, PENALTY, weights);
    return { a: 0, b: only, c: intercept };
  }
  if (b < 0) {
    const [only = 0, intercept = 0] = fitLogistic([low], y, PENALTY, weights);
    return { a: only, b: 0, c: intercept };
  }
  return { a, b, c };
}

/**
 * The same with a >= 0 and b >= 0, so that it rises: a coefficient that comes out negative is 0 and the other is fitted again, either
 * way round. Null where no rising map fits better than a constant.
 */
export function fitRisingBeta(x: Float64Array, y: Float64Array, weights: Float64Array | null = null): Beta | null {
  const free = fitBeta(x, y, weights);
  if (free.a >= 0 && free.b >= 0) return free.a > 0 || free.b > 0 ? free : null;
  // One coefficient was dropped and the other one falls: the dropped one may rise alone.
  const column = x.map(free.a < 0 ? (said) => -Math.log(1 - clipped(said)) : (said) => Math.log(clipped(said)));
  const [only = 0, c = 0] = fitLogistic([column], y, PENALTY, weights);
  if (!(only > 0)) return null;
  return free.a < 0 ? { a: 0, b: only, c } : { a: only, b: 0, c };
}

/** The logarithms of 0 are infinite: confidences stay an epsilon inside, as betacal keeps them. */
function clipped(x: number): number {
  return Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, x));
}
