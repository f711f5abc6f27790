import type { EventLog } from '../../../ports/event-log.ts';

/** Records of the topic that the group has not committed. */
export async function lagOf(log: EventLog, group: string, topic: string): Promise<number> {
  const committed = await log.committed(group, topic);
  const offsets = await log.offsets(topic);
  return offsets.reduce((sum, { partition, begin, end }) => sum + end - (committed.get(partition) ?? begin), 0);
}
