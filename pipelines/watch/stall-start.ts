import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** Enough that desks which take turns in a log stay in sight of each other, and read in a moment. Unit: records of a partition. */
const TAIL_RECORDS = 1000;

/** One of them may carry a time that is far off. Unit: records of a key. */
const LATEST_RECORDS = 3;

/**
 * From when a watch looks that comes to know the log: `keptMs` before the earliest of what the keys came to that have snapshots among
 * the latest of their partition. Desks may live years apart, so the newest time of all would leave some out of sight, and a single
 * time that is far ahead all of them; what lies after `now`, the reader's clock where the log is written live, shows nothing. -Infinity
 * where there is no snapshot.
 */
export async function stallsFrom(
  log: Pick<EventLog, 'offsets' | 'read'>,
  keptMs: number,
  now: EpochMillis | null,
): Promise<EpochMillis> {
  const topic = TOPICS.positionSnapshot.name;
  const offsets = await log.offsets(topic);
  const from = new Map(offsets.map(({ partition, begin, end }) => [partition, Math.max(begin, end - TAIL_RECORDS)]));
  const latest = new Map<string, EpochMillis[]>();
  for await (const { records } of log.read(topic, { from })) {
    for (const record of records) {
      const times = latest.get(keyOf(record)) ?? [];
      latest.set(keyOf(record), [...times.slice(1 - LATEST_RECORDS), record.timestamp]);
    }
  }
  const earliest = [...latest.values()].reduce((oldest, times) => Math.min(oldest, ...times), Infinity);
  return earliest === Infinity ? -Infinity : Math.min(earliest, now ?? earliest) - keptMs;
}

function keyOf({ key }: LogRecord): string {
  return Buffer.from(key ?? []).toString('base64');
}
