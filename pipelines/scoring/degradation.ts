import type { ConfidenceMap } from './confidence-map.ts';
import { judgesCalibrated } from './calibrated.ts';
import type { Policy } from './policy.ts';

/** Log-odds of 0 and 1 are infinite: confidences are taken as this far inside. Unit: probability. */
const INSIDE = 1e-6;

/** Below which confidence a position that was entered at `atEntry` counts as degraded. Unit: probability, on the scale that the policy judges on. */
export function degradedBelow(
  atEntry: number,
  { degraded_by: by, degraded_on: scale }: Pick<Policy['thresholds'], 'degraded_by' | 'degraded_on'>,
): number {
  if (scale !== 'log_odds') return atEntry - by;
  const inside = Math.min(1 - INSIDE, Math.max(INSIDE, atEntry));
  return 1 / (1 + Math.exp(by - Math.log(inside / (1 - inside))));
}

/** Why no confidence can count as degraded under this policy with this map in force; null where one can. */
export function whyNeverDegraded(policy: Policy, { y }: ConfidenceMap): string | null {
  if (!judgesCalibrated(policy)) return null;
  const low = y.reduce((least, value) => Math.min(least, value), Infinity);
  const high = y.reduce((most, value) => Math.max(most, value), -Infinity);
  const { degraded_by: by } = policy.thresholds;
  if (low < high - by) return null;
  return `can never be reached: the map gives ${three(low)} to ${three(high)}, so no calibrated confidence falls by more than ${by}`;
}

function three(value: number): string {
  return String(Number(value.toFixed(3)));
}
