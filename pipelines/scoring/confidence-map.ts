/**
 * A map from raw to calibrated confidence: linear between its points, constant beyond the first and the last.
 * `x` ascends strictly, `y` is as long; both hold probabilities, 0 to 1. This is what scorers apply, whatever method made it.
 */
export interface ConfidenceMap {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The map at one confidence. O(log points). */
export function calibrate({ x, y }: ConfidenceMap, confidence: number): number {
  let low = 0;
  let high = x.length - 1;
  const first = x[low];
  const last = x[high];
  if (first === undefined || last === undefined) throw new RangeError('a confidence map has at least one point');
  if (confidence <= first) return y[low] ?? Number.NaN;
  if (confidence >= last) return y[high] ?? Number.NaN;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((x[middle] ?? Number.NaN) <= confidence) low = middle;
    else high = middle;
  }
  const left = x[low] ?? Number.NaN;
  const below = y[low] ?? Number.NaN;
  const slope = ((y[high] ?? Number.NaN) - below) / ((x[high] ?? Number.NaN) - left);
  return below + slope * (confidence - left);
}
