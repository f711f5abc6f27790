import type { Policy } from '../../../pipelines/scoring/policy.ts';

/** The policy, judging degradation on the calibrated scale: only there does a confidence map change decisions. */
export function onCalibrated(policy: Policy): Policy {
  return { ...policy, thresholds: { ...policy.thresholds, degraded_on: 'calibrated' } };
}
