import type { ConfidenceMap } from '../scoring/confidence-map.ts';

/** A fifth of what the fits themselves are held to. Unit: probability. */
const TOLERANCE = 2e-7;

/** Even a straight line gets some points, so that a bend between two ends is not overlooked. Unit: intervals. */
const FIRST_INTERVALS = 16;

/** Where a curve is vertical no number of points suffices: intervals stop at range / 16 / 2^MAX_DEPTH. Unit: halvings. */
const MAX_DEPTH = 20;

/** A curve as a map over [low, high], linear between its points, within 2e-7 of the curve. */
export function sampledCurve(at: (x: number) => number, low: number, high: number): ConfidenceMap {
  const curve = (x: number): number => Math.min(1, Math.max(0, at(x)));
  const x = [low];
  const y = [curve(low)];
  if (!(high > low)) return { x, y };
  const divide = (from: number, fromY: number, to: number, toY: number, depth: number): void => {
    const middle = (from + to) / 2;
    const off = (share: number): number =>
      Math.abs(curve(from + share * (to - from)) - (fromY + share * (toY - fromY)));
    if (depth < MAX_DEPTH && middle > from && middle < to && Math.max(off(0.25), off(0.5), off(0.75)) > TOLERANCE) {
      const middleY = curve(middle);
      divide(from, fromY, middle, middleY, depth + 1);
      divide(middle, middleY, to, toY, depth + 1);
    } else {
      x.push(to);
      y.push(toY);
    }
  };
  for (let interval = 0; interval < FIRST_INTERVALS; interval++) {
    const from = x.at(-1) ?? low;
    const to = interval === FIRST_INTERVALS - 1 ? high : low + ((interval + 1) / FIRST_INTERVALS) * (high - low);
    if (to > from) divide(from, y.at(-1) ?? curve(from), to, curve(to), 0);
  }
  return { x, y };
}
