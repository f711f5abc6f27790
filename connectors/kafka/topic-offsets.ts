import type { EpochMillis } from '../../ports/clock.ts';
import { LEADER_NOT_AVAILABLE } from './cluster-metadata.ts';
import { type Cluster, errorOfCode } from './kafkajs-internals.ts';

/**
 * Offsets of a topic, asked of the leaders, and those that a group has committed, asked of its coordinator.
 *
 * T1  An answer is about every partition that was asked about, or there is an error: one that leaves a partition out looks like an empty
 *     partition, or like one of which nothing was ever committed.
 */
export type Place = 'begin' | 'end' | { readonly at: EpochMillis };

/** Kafka's answer for a partition of which a group has committed nothing. */
export const NEVER_COMMITTED = -1;

/** Its answer where no record is as young as that. */
const NONE_AT = -1;

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
  const offsets = wholeAnswer(found?.partitions, partitions);
  const old = partitions.filter((partition) => offsets.get(partition) === NONE_AT);
  for (const [partition, end] of await offsetsOf(cluster, topic, old, 'end')) offsets.set(partition, end);
  return offsets;
}

/** As Kafka answers: NEVER_COMMITTED, or what was committed, also where it is no offset. */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const coordinator = await cluster.findGroupCoordinator({ groupId: group });
  const asked = partitions.map((partition) => ({ partition }));
  const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions: asked }] });
  return wholeAnswer(responses.find((one) => one.topic === topic)?.partitions, partitions);
}

/** T1. */
function wholeAnswer(
  answered: readonly { readonly partition: number; readonly offset: string }[] | undefined,
  asked: readonly number[],
): Map<number, number> {
  const offsets = new Map(answered?.map(({ partition, offset }) => [partition, Number(offset)]));
  if (asked.some((partition) => !offsets.has(partition))) throw errorOfCode(LEADER_NOT_AVAILABLE);
  return offsets;
}
