import type { ClmOutcome, TradeClosed } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, prepareBatch, visitTopic } from '../read-topic.ts';

export const EXPORT_TOPICS = [TOPICS.clmOutcome.name, TOPICS.tradeClosed.name] as const;
export type ExportTopic = (typeof EXPORT_TOPICS)[number];

/**
 * The records to export, in order of partition and offset: of clm.outcome the latest of each position, of trade.closed all. Records
 * that do not decode are passed over; `tail` shows them. Memory: the offset of each position's latest record.
 */
export async function* exportedRecords(
  world: ReadableTopics,
  topic: ExportTopic,
): AsyncIterable<ClmOutcome | TradeClosed> {
  const latest = new Map<string, number>();
  if (topic === TOPICS.clmOutcome.name)
    await visitTopic(world, topic, {}, ({ position_id }, { offset }) => latest.set(position_id, offset));
  for await (const batch of world.log.read(topic)) {
    await prepareBatch(world.codec, topic, batch);
    for (const at of batch.records) {
      let record: ClmOutcome | TradeClosed;
      try {
        record = world.codec.decode(topic, at);
      } catch {
        continue;
      }
      if (topic === TOPICS.tradeClosed.name || latest.get(record.position_id) === at.offset) yield record;
    }
  }
}
