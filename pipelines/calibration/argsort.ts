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
