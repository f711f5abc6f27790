import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { EventLog, TopicAdmin } from '../../ports/event-log.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';

/** Execution's input and state: read back by partition (pipelines/runtime/per-partition.ts Q2). */
const CO_PARTITIONED = [
  TOPICS.harvestIntent,
  TOPICS.positionReconciled,
  TOPICS.executionReport,
  TOPICS.tradeClosed,
] as const;

/** Throws TOPIC_MISSING naming every absent topic, or TOPICS_NOT_CO_PARTITIONED. Other drift is `topics apply`'s to report. */
export async function checkTopics(log: EventLog & TopicAdmin): Promise<void> {
  // Asked at the same time; a topic that is missing is named with all the others.
  const asked = Promise.all(
    CO_PARTITIONED.map(async ({ name }) => ({ name, partitions: (await log.offsets(name)).length })),
  );
  asked.catch(() => {});
  const found = await log.compareTopics(allTopicSpecs());
  const missing = found.filter(({ state }) => state === 'missing').map(({ topic }) => topic);
  if (missing.length > 0) throw new HarvestlineError('TOPIC_MISSING', `the log has no ${missing.join(', ')}`);
  const counts = await asked;
  if (new Set(counts.map(({ partitions }) => partitions)).size > 1) {
    const list = counts.map(({ name, partitions }) => `${name} has ${partitions}`).join(', ');
    throw new HarvestlineError('TOPICS_NOT_CO_PARTITIONED', `partitions differ: ${list}`);
  }
}
