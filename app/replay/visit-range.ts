import type { LogRecord, PartitionOffsets } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from '../read-topic.ts';

/**
 * Calls `visit` with each decoded record of one partition between two offsets; `onBatch` with the number of records after each
 * batch. Returns how many did not decode; they are passed over.
 */
export async function visitRange<N extends TopicName>(
  { log, codec }: ReadableTopics,
  topic: N,
  { partition, begin, end }: PartitionOffsets,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
  onBatch: (records: number) => void,
): Promise<number> {
  if (begin >= end) return 0;
  let undecodable = 0;
  for await (const batch of log.read(topic, { from: new Map([[partition, begin]]), partitions: [partition] })) {
    await prepareBatch(codec, topic, batch);
    for (const at of batch.records) {
      if (at.offset >= end) break;
      const record = decodedOrNull(codec, topic, at);
      if (record === null) undecodable += 1;
      else visit(record, at);
    }
    onBatch(batch.records.length);
    if (batch.nextOffset >= end) break;
  }
  return undecodable;
}
