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

/** The percentile of ascending values, linear between neighbours (the usual definition, numpy's default). `share` is 0 to 1. */
export function percentileOf(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] as number;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] as number;
  return low + (at - below) * (high - low);
}

/** Below this a comparison sort is faster than clearing and summing four histograms. Unit: values. */
const RADIX_FROM = 4096;

/** Two bytes at a time: four passes over a double, with histograms that still fit a cache. Unit: bits. */
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;
const DIGIT_MASK = DIGITS - 1;
const PASSES = 64 / DIGIT_BITS;

/**
 * The order that sorts `values` ascending; equal values keep their order. Values must be finite and not negative: then the bits
 * of a double, read as a whole number, sort as the double does, which is what the radix passes use.
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

/** Least significant digit first; the digits of key k are digits[4k] to digits[4k + 3] (little endian, as all of our platforms are). */
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
    // All keys share this digit: nothing to move.
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

/** Rows put into cells by their forecast, ascending. Equal forecasts share a cell. */
export interface Cells {
  /** The cell of each row. */
  readonly of: Uint32Array;
  /** Mean forecast of each cell. */
  readonly forecast: Float64Array;
  readonly rows: Float64Array;
  readonly length: number;
}

/** At most about `most` cells of about equally many rows: each distinct forecast has its own where there are no more than that. */
export function cellsOf(p: Float64Array, most: number): Cells {
  const n = p.length;
  const order = argsort(p);
  const of = new Uint32Array(n);
  const share = n / most;
  const distinct = countDistinct(p, order);
  let cell = -1;
  let previous = Number.NaN;
  let filledTo = 0;
  for (let at = 0; at < n; at++) {
    const row = order[at] as number;
    const value = p[row] as number;
    if (value !== previous && (distinct <= most || at >= filledTo)) {
      cell += 1;
      filledTo = (cell + 1) * share;
    }
    previous = value;
    of[row] = cell;
  }
  const length = cell + 1;
  const forecast = new Float64Array(length);
  const rows = new Float64Array(length);
  for (let row = 0; row < n; row++) {
    const own = of[row] as number;
    forecast[own] = (forecast[own] as number) + (p[row] as number);
    rows[own] = (rows[own] as number) + 1;
  }
  for (let own = 0; own < length; own++) forecast[own] = (forecast[own] as number) / (rows[own] as number);
  return { of, forecast, rows, length };
}

function countDistinct(p: Float64Array, order: Uint32Array): number {
  let count = 0;
  let previous = Number.NaN;
  for (const row of order) {
    const value = p[row] as number;
    if (value !== previous) count += 1;
    previous = value;
  }
  return count;
}
