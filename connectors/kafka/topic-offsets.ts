/**
 * Offsets: where partitions begin and end, what a group has committed, and what an open transaction holds back.
 *
 * KFK-45  An answer that leaves out a requested partition is an error. Otherwise that partition would look empty.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { PartitionOffsets, HeldBack } from '../../ports/event-log.ts';
import { protocolType } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE, leaderOf } from './cluster-metadata.ts';
import { recordsWithin } from './fetch-response.ts';
import { type Cluster, READ_COMMITTED, errorOfCode, READ_UNCOMMITTED } from './kafkajs-internals.ts';

/** Which offset of a partition is asked for: its begin, its end, or that of the first record at or after a time. */
type OffsetSpec = 'begin' | 'end' | { readonly at: EpochMillis };

/** Kafka's answer where no record is at or after the time. */
const NONE_AT = -1;

/** The first and the next offset of the partitions. */
export async function boundsOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<readonly PartitionOffsets[]> {
  const [ends, begins] = await Promise.all([
    offsetsOf(cluster, topic, partitions, 'end'),
    offsetsOf(cluster, topic, partitions, 'begin'),
  ]);
  return partitions.map((partition) => ({
    partition,
    begin: begins.get(partition) ?? 0,
    end: ends.get(partition) ?? 0,
  }));
}

/** The offsets by partition. For a time without a record at or after it, the end. */
export async function offsetsOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  spec: OffsetSpec,
): Promise<ReadonlyMap<number, number>> {
  if (partitions.length === 0) return new Map();
  const asked = partitions.map((partition) => ({ partition }));
  // Negative times have other meanings in Kafka.
  const where =
    typeof spec === 'object' ? { fromTimestamp: Math.max(0, spec.at) } : { fromBeginning: spec === 'begin' };
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: asked, ...where }]);
  const offsets = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  // KFK-45.
  if (partitions.some((partition) => !offsets.has(partition))) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const old = partitions.filter((partition) => offsets.get(partition) === NONE_AT);
  for (const [partition, end] of await offsetsOf(cluster, topic, old, 'end')) offsets.set(partition, end);
  return offsets;
}

/**
 * True where nothing was ever written at that offset. The end alone does not prove it: a new leader reports a lower one for a moment, but
 * refuses a fetch only where its log is shorter.
 */
export async function isNeverWritten(
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
): Promise<boolean> {
  const leader = leaderOf(cluster, topic, partition);
  if (leader === null) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const broker = await cluster.findBroker({ nodeId: String(leader) });
  try {
    const fetched = { partition, fetchOffset: String(offset), maxBytes: 1 };
    await broker.fetch({
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: 1,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [fetched] }],
    });
    return false;
  } catch (thrown) {
    if (protocolType(thrown) === 'OFFSET_OUT_OF_RANGE') return true;
    throw thrown;
  }
}

/** A group's committed offsets by partition, or one of the two values below. */
export type GroupOffsets = ReadonlyMap<number, number>;

/** Kafka's answer for a partition without a committed offset. */
export const NEVER_COMMITTED = -1;

/** "From the oldest record": kafkajs itself commits it where retention has removed the group's next record. */
export const FROM_OLDEST = -2;

/** Kafka's error at which the coordinator is looked up again. */
const NOT_COORDINATOR = 16;

/**
 * The committed offsets of a group, from its coordinator (KFK-45). kafkajs's admin client would ask only for partitions that it knew five
 * minutes ago.
 */
export async function groupOffsetsOf(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<GroupOffsets> {
  const coordinator = await cluster.findGroupCoordinator({ groupId: group });
  const asked = partitions.map((partition) => ({ partition }));
  const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions: asked }] });
  const found = new Map(responses[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  if (partitions.some((partition) => !found.has(partition))) throw errorOfCode(NOT_COORDINATOR);
  return found;
}

/** The timestamp that stands for the end of a partition in a ListOffsets request. */
const LATEST = -1;

/** Small: a broker sends one whole batch in any case. Unit: bytes. */
const FIRST_BATCH_BYTES = 1024;

/**
 * The records between the last stable offset and the high watermark, which no consumer receives before the oldest open transaction ends.
 * The watermark is requested first, so that records appended between the two requests do not count as held back.
 */
export async function heldBackOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<readonly HeldBack[]> {
  const watermarks = await highWatermarksOf(cluster, topic, partitions);
  const stable = await offsetsOf(cluster, topic, partitions, 'end');
  const held: HeldBack[] = [];
  for (const partition of partitions) {
    const [from, to] = [stable.get(partition) ?? 0, watermarks.get(partition) ?? 0];
    if (from >= to) continue;
    held.push({ partition, from, to, since: await timestampAt(cluster, topic, partition, from) });
  }
  return held;
}

async function highWatermarksOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const watermarks = new Map<number, number>();
  const leaders = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = leaderOf(cluster, topic, partition);
    if (leader === null) throw errorOfCode(LEADER_NOT_AVAILABLE);
    leaders.set(leader, [...(leaders.get(leader) ?? []), partition]);
  }
  for (const [leader, led] of leaders) {
    const broker = await cluster.findBroker({ nodeId: String(leader) });
    const asked = led.map((partition) => ({ partition, timestamp: LATEST }));
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic, partitions: asked }],
    });
    for (const { partition, offset } of responses[0]?.partitions ?? []) watermarks.set(partition, Number(offset));
  }
  if (partitions.some((partition) => !watermarks.has(partition))) throw errorOfCode(LEADER_NOT_AVAILABLE);
  return watermarks;
}

/** The time of the record at the last stable offset, which begins the oldest open transaction. Null where that has ended meanwhile. */
async function timestampAt(cluster: Cluster, topic: string, partition: number, offset: number): Promise<number | null> {
  const leader = leaderOf(cluster, topic, partition);
  if (leader === null) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const broker = await cluster.findBroker({ nodeId: String(leader) });
  const { responses } = await broker.fetch({
    maxWaitTime: 0,
    minBytes: 1,
    maxBytes: FIRST_BATCH_BYTES,
    isolationLevel: READ_UNCOMMITTED,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: FIRST_BATCH_BYTES }] }],
  });
  const fetched = responses[0]?.partitions[0]?.messages;
  return fetched === undefined ? null : (recordsWithin(fetched, offset, Infinity)[0]?.timestamp ?? null);
}
