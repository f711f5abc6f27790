/** A two-sided 95 % interval, as the standard normal distribution has it. Unit: standard errors. */
const Z = 1.959964;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Wilson's 95 % score interval of a proportion (Wilson 1927): keeps its promise for small numbers and near 0 and 1. `n` above 0. */
export function wilsonInterval(successes: number, n: number): Interval {
  const share = successes / n;
  const z2 = Z * Z;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, Math.min(share, centre - half)), high: Math.min(1, Math.max(share, centre + half)) };
}

/** 95 % interval of one proportion minus another: Newcombe's hybrid score interval (Newcombe 1998, method 10). */
export function differenceInterval(
  one: { readonly successes: number; readonly n: number },
  other: { readonly successes: number; readonly n: number },
): Interval {
  const p1 = one.successes / one.n;
  const p2 = other.successes / other.n;
  const first = wilsonInterval(one.successes, one.n);
  const second = wilsonInterval(other.successes, other.n);
  const difference = p1 - p2;
  return {
    low: difference - Math.hypot(p1 - first.low, second.high - p2),
    high: difference + Math.hypot(first.high - p1, p2 - second.low),
  };
}
