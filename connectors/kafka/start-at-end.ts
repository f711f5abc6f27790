import type { Consumer } from 'kafkajs';
import type { PartitionOffsets } from '../../ports/event-log.ts';

/** Partitions by topic. */
export type Assignment = Readonly<Record<string, readonly number[]>>;

/**
 * For a group that starts at the latest: lets the assigned partitions that it has never committed anything of start at the
 * end that stands now, and commits that at once, so that a crash before the first batch skips nothing.
 */
export async function startAtEnd(
  consumer: Consumer,
  assignment: Assignment,
  untouched: (topic: string) => Promise<readonly PartitionOffsets[]>,
): Promise<void> {
  const starts: { topic: string; partition: number; offset: string }[] = [];
  for (const [topic, partitions] of Object.entries(assignment)) {
    for (const { partition, end } of await untouched(topic)) {
      if (partitions.includes(partition)) starts.push({ topic, partition, offset: String(end) });
    }
  }
  if (starts.length === 0) return;
  // kafkajs passes over what it has fetched from elsewhere already.
  for (const start of starts) consumer.seek(start);
  await consumer.commitOffsets(starts);
}
