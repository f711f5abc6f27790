import type { ConfidenceCalibration, ModelId } from '../../../schemas/generated/records.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';
import { TOPICS } from '../../../schemas/topics.ts';

/** A version as it was proposed, all bounds holding, but for what `patch` says. */
export function proposalOf(version: string, patch: Partial<ConfidenceCalibration> = {}): ConfidenceCalibration {
  return { ...GOOD_RECORDS[TOPICS.confidenceCalibration.name], broken_bounds: [], version, ...patch };
}

export function modelNamed(name: string): ModelId {
  return name as ModelId;
}
