import { type Topic, TOPICS, type TopicName, type Writer } from '../schemas/topics.ts';

/** Which processor consumes, or only observes, which topics; its name is its consumer group. `status` reports their lag. */
export const CONSUMER_GROUPS = {
  scoring: [TOPICS.positionSnapshot],
  execution: [TOPICS.harvestIntent, TOPICS.positionReconciled],
  clm: [TOPICS.tradeClosed, TOPICS.harvestIntent],
} as const satisfies Partial<Record<Writer, readonly Topic[]>>;

export type ConsumerGroup = keyof typeof CONSUMER_GROUPS;

/** The groups that consume `topic`. */
export function groupsOf(topic: TopicName): readonly ConsumerGroup[] {
  const groups = Object.entries(CONSUMER_GROUPS) as [ConsumerGroup, readonly Topic[]][];
  return groups.filter(([, topics]) => topics.some(({ name }) => name === topic)).map(([group]) => group);
}
