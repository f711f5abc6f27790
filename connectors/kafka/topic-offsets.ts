import type { EpochMillis } from '../../ports/clock.ts';
import type { PartitionOffsets } from '../../ports/event-log.ts';
import { protocolType } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE, leaderOf } from './cluster-metadata.ts';
import { type Cluster, READ_COMMITTED, errorOfCode } from './kafkajs-internals.ts';

/**
 * Offsets of a topic, asked of the leaders.
 *
 * T1  An answer is about every partition that was asked about, or there is an error: one that leaves a partition out looks like an empty
 *     partition.
 */
export type Place = 'begin' | 'end' | { readonly at: EpochMillis };

/** Kafka's answer where no record is as young as that. */
const NONE_AT = -1;

/** Where the partitions begin and end. */
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

/** The offset at that place, by partition; for a time the first record that is as young, the end where there is none. */
export async function offsetsOf(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  place: Place,
): Promise<ReadonlyMap<number, number>> {
  if (partitions.length === 0) return new Map();
  const asked = partitions.map((partition) => ({ partition }));
  // Kafka gives negative times other meanings.
  const where =
    typeof place === 'object' ? { fromTimestamp: Math.max(0, place.at) } : { fromBeginning: place === 'begin' };
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: asked, ...where }]);
  const offsets = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  // T1.
  if (partitions.some((partition) => !offsets.has(partition))) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const old = partitions.filter((partition) => offsets.get(partition) === NONE_AT);
  for (const [partition, end] of await offsetsOf(cluster, topic, old, 'end')) offsets.set(partition, end);
  return offsets;
}

/**
 * True where nothing was ever written at that offset. The end alone does not tell: a leader that was just elected says a lower one for a
 * moment, while it refuses a fetch only where its log is shorter.
 */
export async function isBeyond(cluster: Cluster, topic: string, partition: number, offset: number): Promise<boolean> {
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
