/** What both sources of snapshots do with records: write what they observed, and read back their latest snapshots after a restart. */
import { isKind } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { PositionSnapshot, RecordByTopic } from '../../schemas/generated/records.ts';
import { refuseTimesAhead, timesAhead } from '../../schemas/time-bound.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, type Topic } from '../../schemas/topics.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';

/**
 * An observation as a record. None where consumers would refuse it (its schema, its rules, a time ahead of its own timestamp): that is logged
 * under `name`, and the other records of the cycle are written.
 */
export function encodeObserved<T extends Topic>(
  { writer, logger }: { readonly writer: TopicWriter; readonly logger: Logger },
  topic: T,
  record: RecordByTopic[T['name']],
  timestamp: EpochMillis,
  name: string,
): readonly EncodedRecord[] {
  try {
    refuseTimesAhead<T['name']>(topic.name, record, timestamp, null);
    return [writer.encode(topic, record, timestamp)];
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    logger.error({ err: thrown, code: thrown.code }, `${name}: ${thrown.message}`);
    return [];
  }
}

/** The latest snapshot of every position of these accounts. */
export async function latestSnapshots(
  topics: ReadableTopics,
  clock: Clock,
  isOwn: (account: string) => boolean,
): Promise<readonly PositionSnapshot[]> {
  const { name } = TOPICS.positionSnapshot;
  const latest = new Map<string, PositionSnapshot>();
  await forEachRecord(topics, name, {}, (snapshot, { timestamp }) => {
    if (!isOwn(snapshot.account)) return;
    // A snapshot from the future would stay the latest until that time comes.
    if (timesAhead(name, snapshot, timestamp, clock.now()).length === 0) latest.set(snapshot.position_id, snapshot);
  });
  return [...latest.values()];
}
