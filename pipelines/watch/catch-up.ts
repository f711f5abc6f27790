import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { WatchedGroup } from './lag-watch.ts';

/** What a group that keeps up may leave between two commits of busy topics. Unit: records. */
const SMALL_LAG = 10_000;

/** A few cheap requests to the log. Unit: milliseconds. */
const LOOK_EVERY_MS = 1000;

/** Some ten million records are worked off in it; a group that is behind for longer may be what is to be found out. Unit: milliseconds. */
const LONGEST_MS = 120_000;

/**
 * Waits until the consumer groups have nearly worked off what lay there, LONGEST_MS at most, or until `signal` aborts: what else reads the
 * topics would take from them the time to do it. Never throws; a log that does not answer is waited for as one that is behind.
 */
export async function untilCaughtUp(
  log: Pick<EventLog, 'offsets' | 'committed'>,
  groups: readonly WatchedGroup[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const until = clock.now() + LONGEST_MS;
  while (!signal.aborted && clock.now() < until) {
    const lag = await lagOf(log, groups).catch(() => Infinity);
    if (lag <= SMALL_LAG) return;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function lagOf(log: Pick<EventLog, 'offsets' | 'committed'>, groups: readonly WatchedGroup[]): Promise<number> {
  let lag = 0;
  for (const { group, topics } of groups) {
    for (const { name } of topics) {
      const committed = await log.committed(group, name);
      for (const { partition, begin, end } of await log.offsets(name)) {
        lag += Math.max(0, end - Math.max(begin, committed.get(partition) ?? begin));
      }
    }
  }
  return lag;
}
