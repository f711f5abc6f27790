import type { Detectable } from './report.ts';
import type { Samples } from './samples.ts';

/** Two-sided 5 % and 80 % power, standard normal quantiles. Unit: standard errors. */
const Z_TEST = 1.959964;
const Z_POWER = 0.841621;

/**
 * The gap between mean confidence and win rate that a sample of this size shows in 4 of 5 cases: (z_test + z_power) times the
 * standard error of the win rate if the confidences were right, sqrt(sum x (1 - x)) / n, and as much wider as outcomes depend on each
 * other: `effective` of them are independent. Normal approximation.
 */
export function detectable({ x, y }: Samples, effective = x.length): Detectable {
  const n = x.length;
  let variance = 0;
  let gap = 0;
  for (let row = 0; row < n; row++) {
    const said = x[row] as number;
    variance += said * (1 - said);
    gap += said - (y[row] as number);
  }
  const standardError = (Math.sqrt(variance) / n) * Math.sqrt(n / effective);
  return { n, gap: (Z_TEST + Z_POWER) * standardError, found: gap / n };
}
