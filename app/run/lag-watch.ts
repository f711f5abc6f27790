import { messageOf } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { Topic } from '../../schemas/topics.ts';
import type { Health } from './health.ts';

/** Fresher than any usual scrape interval (15 s), and two cheap requests a topic. Unit: milliseconds. */
const LOOK_EVERY_MS = 5000;

/** A consumer group and what it consumes. */
export interface WatchedGroup {
  readonly group: string;
  readonly topics: readonly Topic[];
}

export interface LagWatchOptions {
  readonly log: Pick<EventLog, 'offsets' | 'committed'>;
  readonly groups: readonly WatchedGroup[];
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly health: Health;
}

/**
 * Looks at the lag of the groups until `signal` aborts. The same question tells health whether the log answers at all:
 * an idle consumer would not notice that its broker is gone.
 */
export async function watchLag(options: LagWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, metrics, health } = options;
  const answered = metrics.gauge('logAnswered', {});
  const lags = new Map<string, Gauge>();
  while (!signal.aborted) {
    health.looking();
    try {
      await look(options, lags);
      health.logAnswered();
      answered.set(1);
    } catch (thrown) {
      health.logFailed(messageOf(thrown));
      answered.set(0);
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function look({ log, groups, metrics }: LagWatchOptions, lags: Map<string, Gauge>): Promise<void> {
  for (const { group, topics } of groups) {
    for (const { name: topic } of topics) {
      const committed = await log.committed(group, topic);
      for (const { partition, begin, end } of await log.offsets(topic)) {
        const key = `${group} ${topic} ${partition}`;
        const lag = lags.get(key) ?? metrics.gauge('lag', { group, topic, partition: String(partition) });
        lags.set(key, lag);
        // The ends are asked after the offsets, so a lag is never negative; what retention removed cannot be read any more.
        lag.set(end - Math.max(begin, committed.get(partition) ?? begin));
      }
    }
  }
}
