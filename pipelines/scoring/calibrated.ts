import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type ConfidenceMap, calibrate } from '../calibration/confidence-map.ts';

/**
 * The snapshot as it looks with a model's confidences mapped, both at entry and now: they are compared with each other. An unknown
 * one stays unknown. Nothing of it is written anywhere: records carry raw confidence, and the version that was applied.
 */
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
