/** Statistics without a home of their own: intervals of proportions, quantiles, sorting and grouping of many values. */

/** Two-sided 95 % quantile of the standard normal distribution. Unit: standard errors. */
export const Z_95 = 1.959964;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

interface Proportion {
  readonly successes: number;
  /** Above 0. */
  readonly n: number;
}

/** Wilson's 95 % score interval of a proportion (Wilson 1927): it keeps its coverage for small n, and near 0 and 1. */
export function wilsonInterval({ successes, n }: Proportion): Interval {
  const share = successes / n;
  const z2 = Z_95 * Z_95;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_95 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, Math.min(share, centre - half)), high: Math.min(1, Math.max(share, centre + half)) };
}

/** 95 % interval of one proportion minus another: Newcombe's hybrid score interval (Newcombe 1998, method 10). */
export function differenceInterval(one: Proportion, other: Proportion): Interval {
  const p1 = one.successes / one.n;
  const p2 = other.successes / other.n;
  const first = wilsonInterval(one);
  const second = wilsonInterval(other);
  const difference = p1 - p2;
  return {
    low: difference - Math.hypot(p1 - first.low, second.high - p2),
    high: difference + Math.hypot(first.high - p1, p2 - second.low),
  };
}

/**
 * Two-sided 95 % quantile of Student's t: the expansion of Cornish and Fisher, right to 0.3 % from 4 degrees of freedom on.
 */
export function studentT95(freedom: number): number {
  const z = Z_95;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

/** The quantile of ascending values, linear between neighbours (numpy's default). `share` is 0 to 1. */
export function quantileOf(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] as number;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] as number;
  return low + (at - below) * (high - low);
}

/** Large-sample 95 % point of the two-sample Kolmogorov-Smirnov statistic. */
const KS_95 = 1.358;

/**
 * Two-sample Kolmogorov-Smirnov test of histograms with the same bins: the distance between the distributions, and the distance that chance
 * alone exceeds in 5 of 100 cases. Null where a histogram is empty.
 */
export function kolmogorovSmirnov(
  one: Uint32Array,
  other: Uint32Array,
): { readonly distance: number; readonly critical: number } | null {
  const n1 = one.reduce((sum, count) => sum + count, 0);
  const n2 = other.reduce((sum, count) => sum + count, 0);
  if (n1 === 0 || n2 === 0) return null;
  let below1 = 0;
  let below2 = 0;
  let distance = 0;
  one.forEach((count, bin) => {
    below1 += count;
    below2 += other[bin] ?? 0;
    distance = Math.max(distance, Math.abs(below1 / n1 - below2 / n2));
  });
  return { distance, critical: KS_95 * Math.sqrt((n1 + n2) / (n1 * n2)) };
}

/** The smallest and the largest of at least one value. */
export function rangeOf(values: Float64Array): Interval {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** Below this many values a comparison sort is faster than clearing and summing four histograms. Unit: values. */
const RADIX_FROM = 4096;

/** Two bytes a pass: a double takes four passes, and their histograms fit into a cache. Unit: bits. */
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;
const DIGIT_MASK = DIGITS - 1;
const PASSES = 64 / DIGIT_BITS;

/**
 * The indices that sort `values` ascending; equal values keep their order. A radix sort of the bits of the doubles, which as whole numbers
 * are in the order of the doubles as long as these are finite and not negative: other values are not allowed.
 */
export function argsort(values: Float64Array): Uint32Array {
  const n = values.length;
  const order = new Uint32Array(n);
  for (let index = 0; index < n; index++) order[index] = index;
  if (n < RADIX_FROM) {
    return order.toSorted((one, other) => (values[one] as number) - (values[other] as number) || one - other);
  }
  const keys = new Float64Array(n);
  // -0 becomes 0: its sign bit would sort it last.
  for (let index = 0; index < n; index++) keys[index] = (values[index] as number) + 0;
  return radixSorted(new Uint16Array(keys.buffer), order);
}

/** Least significant digit first. The digits of key k are digits[4k] to digits[4k + 3]: platforms are little-endian. */
function radixSorted(digits: Uint16Array, start: Uint32Array): Uint32Array {
  const n = start.length;
  const counts = new Uint32Array(PASSES * DIGITS);
  for (let at = 0; at < digits.length; at++) {
    const slot = (at & (PASSES - 1)) * DIGITS + (digits[at] as number);
    counts[slot] = (counts[slot] as number) + 1;
  }
  let from: Uint32Array = start;
  let to: Uint32Array = new Uint32Array(n);
  for (let pass = 0; pass < PASSES; pass++) {
    const base = pass * DIGITS;
    // All keys have the same digit.
    if (counts[base + (digits[pass] as number)] === n) continue;
    let sum = 0;
    for (let digit = base; digit < base + DIGITS; digit++) {
      const count = counts[digit] as number;
      counts[digit] = sum;
      sum += count;
    }
    for (let at = 0; at < n; at++) {
      const key = from[at] as number;
      const slot = base + ((digits[key * PASSES + pass] as number) & DIGIT_MASK);
      const place = counts[slot] as number;
      counts[slot] = place + 1;
      to[place] = key;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Rows grouped by their value, ascending. Equal values are in one cell. */
interface Cells {
  /** The cell of each row. */
  readonly of: Uint32Array;
  /** By cell. */
  readonly mean: Float64Array;
  readonly rows: Float64Array;
  readonly length: number;
}

/** At most about `most` cells of about equally many rows; a cell for each distinct value where these are no more than `most`. */
export function cellsOf(values: Float64Array, most: number): Cells {
  const n = values.length;
  const order = argsort(values);
  const of = new Uint32Array(n);
  const share = n / most;
  const distinct = countDistinct(values, order);
  let cell = -1;
  let previous = Number.NaN;
  let filledTo = 0;
  for (let at = 0; at < n; at++) {
    const row = order[at] as number;
    const value = values[row] as number;
    if (value !== previous && (distinct <= most || at >= filledTo)) {
      cell += 1;
      filledTo = (cell + 1) * share;
    }
    previous = value;
    of[row] = cell;
  }
  const length = cell + 1;
  const mean = new Float64Array(length);
  const rows = new Float64Array(length);
  for (let row = 0; row < n; row++) {
    const own = of[row] as number;
    mean[own] = (mean[own] as number) + (values[row] as number);
    rows[own] = (rows[own] as number) + 1;
  }
  for (let own = 0; own < length; own++) mean[own] = (mean[own] as number) / (rows[own] as number);
  return { of, mean, rows, length };
}

function countDistinct(values: Float64Array, order: Uint32Array): number {
  let count = 0;
  let previous = Number.NaN;
  for (const row of order) {
    const value = values[row] as number;
    if (value !== previous) count += 1;
    previous = value;
  }
  return count;
}
