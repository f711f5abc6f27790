import { type ClaimInForce, executionGroupOf } from './claims.ts';
import { type Topic, TOPICS, type TopicName, type Writer } from '../../schemas/topics.ts';

/**
 * The topics that each processor consumes, or only observes. The processor's name is its consumer group; execution has one group for each
 * account that is worked apart. `status` reports their lag.
 */
export const CONSUMER_GROUPS = {
  scoring: [TOPICS.positionSnapshot],
  execution: [TOPICS.harvestIntent, TOPICS.positionReconciled],
  clm: [TOPICS.tradeClosed, TOPICS.harvestIntent, TOPICS.clmOutcome],
  watch: [TOPICS.deskAlert],
} as const satisfies Partial<Record<Writer, readonly Topic[]>>;

export type ConsumerGroup = keyof typeof CONSUMER_GROUPS;

/** The processors that consume `topic`. */
export function consumersOf(topic: TopicName): readonly ConsumerGroup[] {
  const groups = Object.entries(CONSUMER_GROUPS) as [ConsumerGroup, readonly Topic[]][];
  return groups.filter(([, topics]) => topics.some(({ name }) => name === topic)).map(([group]) => group);
}

/** The consumer groups of `topic`, with these claims in force. */
export function groupsOf(topic: TopicName, claims: readonly ClaimInForce[]): readonly string[] {
  const execution = new Set(claims.filter(({ part }) => part === 'EXECUTION').map(executionGroupOf));
  // Without a claim (`dev`, and logs from before there were claims) the group is the processor's name.
  const groups = execution.size === 0 ? ['execution'] : [...execution].toSorted();
  return consumersOf(topic).flatMap((consumer) => (consumer === 'execution' ? groups : [consumer]));
}
