import type { HeldBack } from '../../ports/event-log.ts';
import { LEADER_NOT_AVAILABLE, leaderOf } from './cluster-metadata.ts';
import { recordsWithin } from './fetch-response.ts';
import { type Cluster, READ_UNCOMMITTED, errorOfCode } from './kafkajs-internals.ts';
import { offsetsOf } from './topic-offsets.ts';

/** Kafka's word for the end of a partition, where it asks for a time. */
const LATEST = -1;

/** A broker sends a whole batch however little is asked for. Unit: bytes. */
const FIRST_BATCH_BYTES = 1024;

/**
 * What lies between the last stable offset and the high watermark: written, and given to nobody before the oldest open transaction ends.
 * The watermark is asked first, so that what is appended between the two questions is not taken for held back.
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

/** At the last stable offset lies the first record of the oldest open transaction. Null where it has ended meanwhile. */
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
