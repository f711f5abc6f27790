import type { EventLog, LogRecord, PartitionOffsets } from '../../ports/event-log.ts';

/** The latest record of a topic by timestamp; null in an empty one. Reads one record a partition. */
export async function lastRecord(
  log: Pick<EventLog, 'offsets' | 'read'>,
  topic: string,
  offsets?: readonly PartitionOffsets[],
): Promise<LogRecord | null> {
  let last: LogRecord | null = null;
  const known = offsets ?? (await log.offsets(topic));
  const from = new Map(known.map(({ partition, begin, end }) => [partition, Math.max(begin, end - 1)]));
  for await (const { records } of log.read(topic, { from })) {
    for (const record of records) if (last === null || record.timestamp > last.timestamp) last = record;
  }
  return last;
}
