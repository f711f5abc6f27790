import { type ReadableTopics, visitTopic } from '../../pipelines/runtime/topic-cursor.ts';
import type { IntentId } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Effect } from './commit-audit.ts';
import { type Place, placeOf } from './places.ts';

/** Each intent record and the terminal report that it needed. */
export async function executionEffects(world: ReadableTopics): Promise<readonly Effect[]> {
  const ends = new Map<IntentId, Place>();
  await visitTopic(world, TOPICS.executionReport.name, {}, ({ intent_id, status }, at) => {
    if (status !== 'SUBMITTED' && !ends.has(intent_id)) ends.set(intent_id, placeOf(at));
  });
  const effects: Effect[] = [];
  await visitTopic(world, TOPICS.harvestIntent.name, {}, ({ intent_id }, at) => {
    const output = ends.get(intent_id);
    if (output !== undefined) effects.push({ input: placeOf(at), output });
  });
  return effects;
}

/** Each trade record and the outcome that it went into. */
export async function clmEffects(world: ReadableTopics): Promise<readonly Effect[]> {
  const counted = new Map<string, Place>();
  await visitTopic(world, TOPICS.clmOutcome.name, {}, ({ slices }, at) => {
    for (const slice of slices) if (!counted.has(slice)) counted.set(slice, placeOf(at));
  });
  const effects: Effect[] = [];
  await visitTopic(world, TOPICS.tradeClosed.name, {}, ({ trade_id }, at) => {
    const output = counted.get(trade_id);
    if (output !== undefined) effects.push({ input: placeOf(at), output });
  });
  return effects;
}
