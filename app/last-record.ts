import type { EpochMillis } from '../ports/clock.ts';
import type { EventLog, LogRecord, PartitionOffsets } from '../ports/event-log.ts';
import { TOPICS } from '../schemas/topics.ts';

type Log = Pick<EventLog, 'offsets' | 'read'>;

/** The latest record of a topic by timestamp; null in an empty one. Reads one record a partition. */
export async function lastRecord(
  log: Log,
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

/** The time that the desk has come to: snapshots and intents go on where execution does not. Null before any. */
export async function deskTime(log: Log): Promise<EpochMillis | null> {
  let newest: EpochMillis | null = null;
  for (const { name } of [TOPICS.positionSnapshot, TOPICS.harvestIntent, TOPICS.executionReport]) {
    const last = await lastRecord(log, name);
    if (last !== null) newest = Math.max(newest ?? last.timestamp, last.timestamp);
  }
  return newest;
}
