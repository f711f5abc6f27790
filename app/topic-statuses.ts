import type { PartitionOffsets } from '../ports/event-log.ts';
import type { EpochMillis } from '../schemas/generated/records.ts';
import { allTopicSpecs, findTopic } from '../schemas/topics.ts';
import { groupsOf } from './consumer-groups.ts';
import type { ReadOnlyWorld } from './embedded-world.ts';
import { lastRecord } from './last-record.ts';

export interface TopicStatus {
  /** Records retained. */
  readonly records: number;
  /** By consumer group: records it has not committed yet; all that are kept where it never committed. */
  readonly lag: Readonly<Record<string, number>>;
  /** The latest record by timestamp; null in an empty topic. */
  readonly last: { readonly timestamp: EpochMillis; readonly key: string | null } | null;
}

/** Every topic, by name. */
export async function topicStatuses({
  log,
  counts,
}: Pick<ReadOnlyWorld, 'log' | 'counts'>): Promise<Readonly<Record<string, TopicStatus>>> {
  const statuses: Record<string, TopicStatus> = {};
  for (const { name } of allTopicSpecs()) {
    const offsets = await log.offsets(name);
    const topic = findTopic(name)?.name;
    const lag: Record<string, number> = {};
    for (const group of topic === undefined ? [] : groupsOf(topic)) {
      lag[group] = lagOf(offsets, await log.committed(group, name));
    }
    const records = counts(name);
    const last = await lastRecord(log, name, offsets);
    statuses[name] = {
      records,
      lag,
      last:
        last === null ? null : { timestamp: last.timestamp, key: last.key && Buffer.from(last.key).toString('utf8') },
    };
  }
  return statuses;
}

/** What retention removed is not lag: nobody can read it any more. */
function lagOf(offsets: readonly PartitionOffsets[], committed: ReadonlyMap<number, number>): number {
  return offsets.reduce(
    (sum, { partition, begin, end }) => sum + end - Math.max(begin, committed.get(partition) ?? begin),
    0,
  );
}
