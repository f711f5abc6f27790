import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type ConfidenceMap, calibrate } from './confidence-map.ts';
import type { Policy } from './policy.ts';

/**
 * The snapshot as this policy judges it. Nothing of it is written anywhere: records carry raw confidence, and the version in force.
 * CA1  Confidences are mapped only for a policy that judges degradation on the calibrated scale. On every other scale a map changes no
 *      decision: degraded_by was chosen for confidences as the models say them, and a map that narrows them would mute the factor.
 */
export function seenBy(policy: Policy, snapshot: PositionSnapshot, map: ConfidenceMap | null): PositionSnapshot {
  return map !== null && judgesCalibrated(policy) ? calibrated(snapshot, map) : snapshot;
}

/** True where a confidence map has a say in what this policy decides. */
export function judgesCalibrated({ thresholds }: Policy): boolean {
  return thresholds.degraded_on === 'calibrated';
}

/** The snapshot with a model's confidences mapped, both at entry and now: they are compared with each other. An unknown one stays unknown. */
export function calibrated(snapshot: PositionSnapshot, map: ConfidenceMap): PositionSnapshot {
  return {
    ...snapshot,
    confidence: mapped(snapshot.confidence, map),
    confidence_at_entry: mapped(snapshot.confidence_at_entry, map),
  };
}

function mapped(confidence: number | null | undefined, map: ConfidenceMap): number | null {
  return confidence === null || confidence === undefined ? null : calibrate(map, confidence);
}
