import type { NeverReadFigures } from '../alerts/alerts.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS, allTopicSpecs, findTopic } from '../../schemas/topics.ts';
import { Claims, type ClaimInForce } from '../desk/claims.ts';
import { groupsOf } from '../desk/consumer-groups.ts';
import { type ReadOnlyWorld, lastRecord, visitTopic } from '../runtime/topic-cursor.ts';

export interface TopicStatus {
  /** Retained, counted as `counted` says. */
  readonly records: number;
  /**
   * `offsets` on Kafka, which counts nothing else: among them are control records, aborted ones, and those that compaction removed.
   */
  readonly counted: 'records' | 'offsets';
  /** By consumer group: records it has not committed yet; all that are kept where it never committed. */
  readonly lag: Readonly<Record<string, number>>;
  /**
   * By consumer group that has any: records that retention removed before it came to them, counted by offsets. They count until somebody
   * has discarded their letters; those of a group that does not run, until it goes on.
   */
  readonly never_read: Readonly<Record<string, number>>;
  /** Offsets behind a transaction that has not ended, by partition: they are given to nobody yet, and are no lag. */
  readonly held_back: readonly {
    readonly partition: number;
    readonly from: number;
    readonly offsets: number;
    /** By the clock of the transaction's producer; null where that is not known. */
    readonly since: EpochMillis | null;
  }[];
  /** The latest record by timestamp; null in an empty topic. */
  readonly last: { readonly timestamp: EpochMillis; readonly key: string | null } | null;
}

/** Every topic, by name. */
export async function topicStatuses(
  world: Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts' | 'countsOffsets'>,
  neverRead: readonly NeverReadFigures[],
): Promise<Readonly<Record<string, TopicStatus>>> {
  const { log, counts, countsOffsets = false } = world;
  const claims = await claimsInForce(world);
  const statuses: Record<string, TopicStatus> = {};
  for (const { name } of allTopicSpecs()) {
    const offsets = await log.offsets(name);
    const topic = findTopic(name)?.name;
    const lag: Record<string, number> = {};
    const never_read: Record<string, number> = {};
    const lost = (group: string, count: number): void => {
      if (count > 0) never_read[group] = (never_read[group] ?? 0) + count;
    };
    for (const { topic: of, group, from, to } of neverRead) if (of === name) lost(group, to - from);
    for (const group of topic === undefined ? [] : groupsOf(topic, claims)) {
      const committed = await log.committed(group, name);
      lag[group] = lagOf(offsets, committed);
      lost(group, lostOf(offsets, committed));
    }
    const records = counts(name);
    // Nobody writes dead letters in transactions, and nobody consumes them.
    const heldBack = topic === undefined ? [] : await log.heldBack(name);
    const last = await lastRecord(log, name, offsets);
    statuses[name] = {
      records,
      counted: countsOffsets ? 'offsets' : 'records',
      lag,
      never_read,
      held_back: heldBack.map(({ partition, from, to, since }) => ({ partition, from, offsets: to - from, since })),
      last:
        last === null ? null : { timestamp: last.timestamp, key: last.key && Buffer.from(last.key).toString('utf8') },
    };
  }
  return statuses;
}

/** A log that was made before the topic existed has none. */
async function claimsInForce(world: Pick<ReadOnlyWorld, 'log' | 'codec' | 'counts'>): Promise<readonly ClaimInForce[]> {
  const topic = TOPICS.deskClaim.name;
  const claims = new Claims();
  if (world.counts(topic) > 0) await visitTopic(world, topic, {}, (claim) => claims.apply(claim));
  return claims.all();
}

/** What a group that does not run will never read. */
function lostOf(offsets: readonly PartitionOffsets[], committed: ReadonlyMap<number, number>): number {
  return offsets.reduce(
    (sum, { partition, begin }) => sum + Math.max(0, begin - (committed.get(partition) ?? begin)),
    0,
  );
}

/** What retention removed is not lag: nobody can read it any more. */
function lagOf(offsets: readonly PartitionOffsets[], committed: ReadonlyMap<number, number>): number {
  return offsets.reduce(
    (sum, { partition, begin, end }) => sum + Math.max(0, end - Math.max(begin, committed.get(partition) ?? begin)),
    0,
  );
}
