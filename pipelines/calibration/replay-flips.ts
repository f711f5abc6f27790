import { isKind } from '../../errors/harvestline-error.ts';
import type { ConfidenceMap } from '../scoring/confidence-map.ts';
import { DecisionEffect } from './decision-effect.ts';
import type { Flips } from './report.ts';
import type { Policy } from '../scoring/policy.ts';
import type { ModelId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** Unit: snapshots of the model. */
const PROGRESS_EVERY = 10_000;

export interface ReplayOptions {
  readonly modelId: ModelId;
  /** The map in force; null: raw confidence. */
  readonly current: ConfidenceMap | null;
  readonly candidate: ConfidenceMap;
  readonly policy: Policy;
  /** Called now and then with the snapshots scored so far. */
  readonly onProgress?: (snapshots: number) => void;
}

/**
 * Scores every recorded snapshot of a model with the map in force and with the candidate: what would have been decided otherwise.
 * Null where the log has no snapshot of the model. One too extreme to score is passed over like one that does not decode.
 */
export async function replayFlips(world: ReadableTopics, options: ReplayOptions): Promise<Flips | null> {
  const { modelId, current, candidate, policy, onProgress } = options;
  const effect = new DecisionEffect(policy, current, candidate);
  await visitTopic(world, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
    if (snapshot.model_id !== modelId) return;
    try {
      effect.add(snapshot, at);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      return;
    }
    if (effect.snapshots % PROGRESS_EVERY === 0) onProgress?.(effect.snapshots);
  });
  return effect.result();
}
