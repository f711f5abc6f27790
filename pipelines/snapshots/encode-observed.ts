import { isKind } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import { refuseTimesAhead } from '../../schemas/time-bound.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import type { Topic } from '../../schemas/topics.ts';

/**
 * What a source has observed, as a record; none where its consumers would refuse it (its schema, its rules, a time ahead of its own
 * timestamp). That is said, by the name of what was observed, and the others of the cycle are written.
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
