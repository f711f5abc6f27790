import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { type TopicName, findTopic } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord, decodedRecords } from '../runtime/topic-cursor.ts';

interface ExportedRecords {
  /** Every record of a compacted topic, not only the latest of each key. */
  readonly all: boolean;
  readonly onUndecodable: () => void;
}

/**
 * The records of a topic, in order of partition and offset, without those that do not decode. Memory: a batch, and for a compacted topic
 * the offset of each key's latest record.
 */
export async function* exportedRecords<N extends TopicName>(
  world: ReadableTopics,
  topic: N,
  { all, onUndecodable }: ExportedRecords,
): AsyncIterable<RecordByTopic[N]> {
  const compacted = findTopic(topic)?.cleanup === 'compact';
  const latest = compacted && !all ? await latestOffsets(world, topic) : null;
  const onPoison = ({ value }: LogRecord): void => {
    // A tombstone is no record.
    if (!compacted || value !== null) onUndecodable();
  };
  for await (const { record, at } of decodedRecords(world, topic, {}, onPoison)) {
    if (latest === null || latest.get(keyText(at.key)) === at.offset) yield record;
  }
}

/** Key -> offset of its latest record. All records of a key are in one partition. */
async function latestOffsets(world: ReadableTopics, topic: TopicName): Promise<ReadonlyMap<string, number>> {
  const latest = new Map<string, number>();
  await forEachRecord(world, topic, {}, (_record, { key, offset }) => latest.set(keyText(key), offset));
  return latest;
}

function keyText(key: Uint8Array | null): string {
  return key === null ? '' : Buffer.from(key).toString('latin1');
}
