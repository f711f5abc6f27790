import { type Cluster, errorOfCode } from './kafkajs-internals.ts';

/** What a group has committed, by partition: an offset, or one of the two marks below. */
export type GroupOffsets = ReadonlyMap<number, number>;

/** Kafka's answer for a partition that a group has committed nothing of. */
export const NEVER_COMMITTED = -1;

/** "From the oldest kept": kafkajs used to commit it where retention had overtaken a group. */
export const FROM_OLDEST = -2;

/** Kafka's error where another look may find the coordinator. */
const NOT_COORDINATOR = 16;

/**
 * Asked of the group's coordinator, about every partition (topic-offsets.ts T1). kafkajs's admin client asks about those that it knew
 * five minutes ago.
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
