import { type ConfidenceMap, calibrate } from './confidence-map.ts';
import type { Bound, CalibrationReport, Evaluation } from './report.ts';
import type { Samples } from './samples.ts';

/** As much as a policy takes for a degraded confidence: a map that moves more changes decisions by itself. Unit: probability. */
export const LARGEST_CHANGE = 0.15;

/** Less than this is not worth a change in production. Unit: ratio of the Brier score. */
export const LEAST_IMPROVEMENT = 0.05;

/** The largest |map(x) - x| over the confidences that were seen. */
export function largestChange(map: ConfidenceMap, { x }: Samples): CalibrationReport['largest_change'] {
  let largest = { at: Number.NaN, from: Number.NaN, to: Number.NaN };
  let size = -1;
  for (const said of x) {
    const mapped = calibrate(map, said);
    if (Math.abs(mapped - said) <= size) continue;
    size = Math.abs(mapped - said);
    largest = { at: said, from: said, to: mapped };
  }
  return largest;
}

/** Every bound with the value found. */
export function safetyBounds(change: CalibrationReport['largest_change'], outOfFold: Evaluation): readonly Bound[] {
  const brier = outOfFold.scores.find(({ name }) => name === 'brier');
  if (brier === undefined) throw new TypeError('an evaluation has a Brier score');
  const moved = Math.abs(change.to - change.from);
  // Outcomes that were all forecast exactly cannot get better.
  const better = brier.before === 0 ? 0 : (brier.before - brier.after) / brier.before;
  const worse = brier.after > brier.before ? 1 : 0;
  return [
    {
      name: 'largest_change',
      rule: `no confidence changes by more than ${LARGEST_CHANGE}`,
      limit: LARGEST_CHANGE,
      value: moved,
      holds: moved <= LARGEST_CHANGE,
    },
    {
      name: 'brier_improvement',
      rule: `the Brier score out of fold is better by at least ${100 * LEAST_IMPROVEMENT} %`,
      limit: LEAST_IMPROVEMENT,
      value: better,
      holds: better >= LEAST_IMPROVEMENT,
    },
    {
      name: 'no_model_worse',
      rule: "no model's Brier score out of fold is worse",
      limit: 0,
      value: worse,
      holds: worse === 0,
    },
  ];
}
