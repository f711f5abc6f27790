import type { RandomStream } from '../../ports/random.ts';
import type { Samples } from '../../pipelines/calibration/samples.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 0, 1);

/** What a desk is made of. */
export interface DeskShape {
  readonly outcomes: number;
  readonly days: number;
  /** Confidences are uniform over this. */
  readonly said: readonly [low: number, high: number];
  /** The true probability of a win at each confidence. */
  readonly truth: (said: number) => number;
  /** How much outcomes of a day are alike: the correlation of the normal variables behind them. */
  readonly correlation: number;
}

/**
 * Outcomes of a desk: won where sqrt(rho) z(day) + sqrt(1 - rho) e is below the normal quantile of the true probability, with z one for
 * each day, and e for each position. So every outcome has its true probability, and those of a day are alike.
 */
export function simulatedDesk(
  { outcomes, days, said: [low, high], truth, correlation }: DeskShape,
  stream: RandomStream,
): Samples {
  const x = new Float64Array(outcomes);
  const y = new Float64Array(outcomes);
  const closed = new Float64Array(outcomes);
  const shared = Float64Array.from({ length: days }, () => stream.normal());
  for (let row = 0; row < outcomes; row++) {
    const at = (row * days) / outcomes;
    const said = low + (high - low) * stream.uniform();
    const z =
      Math.sqrt(correlation) * (shared[Math.floor(at)] as number) + Math.sqrt(1 - correlation) * stream.normal();
    x[row] = said;
    y[row] = z < normalQuantile(truth(said)) ? 1 : 0;
    closed[row] = START + at * DAY_MS;
  }
  return { x, y, times: { opened: closed, closed } };
}

/** Acklam's approximation of the normal quantile, exact to 1e-9. */
function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const edge = 0.02425;
  const polynomial = (coefficients: readonly number[], at: number): number =>
    coefficients.reduce((sum, coefficient) => sum * at + coefficient, 0);
  if (p > 1 - edge) return -normalQuantile(1 - p);
  if (p < edge) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / (polynomial(d, q) * q + 1);
  }
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(a, r) * q) / (polynomial(b, r) * r + 1);
}
