import { messageOf } from '../../errors/harvestline-error.ts';
import { type HeldBackFigures, transactionOpenAlert } from '../alerts/alerts.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { Topic } from '../../schemas/topics.ts';
import { RaisedAlerts } from '../alerts/raised-alerts.ts';
import type { Health } from '../runtime/health.ts';

/** Fresher than any usual scrape interval (15 s), and a few cheap requests a topic. Unit: milliseconds. */
const LOOK_EVERY_MS = 5000;

/** A consumer group and what it consumes. */
export interface WatchedGroup {
  readonly group: string;
  readonly topics: readonly Topic[];
}

export interface LagWatchOptions {
  readonly log: Pick<EventLog, 'offsets' | 'committed' | 'heldBack'>;
  readonly groups: readonly WatchedGroup[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  readonly metrics: Metrics;
  readonly health: Health;
}

/**
 * Looks at the lag of the groups, and at what waits for the end of a transaction in what they read, until `signal` aborts. The same
 * questions tell health whether the log answers at all: an idle consumer would not notice that its broker is gone.
 */
export async function watchLag(options: LagWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, metrics, health } = options;
  const answered = metrics.gauge('logAnswered', {});
  const lags = new Lags(options);
  const transactions = new OpenTransactions(options);
  while (!signal.aborted) {
    health.looking();
    try {
      await lags.look();
      await transactions.look();
      health.logAnswered();
      answered.set(1);
    } catch (thrown) {
      health.logFailed(messageOf(thrown));
      answered.set(0);
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

class Lags {
  readonly #options: LagWatchOptions;
  readonly #gauges = new Map<string, Gauge>();

  constructor(options: LagWatchOptions) {
    this.#options = options;
  }

  async look(): Promise<void> {
    const { log, groups, metrics } = this.#options;
    for (const { group, topics } of groups) {
      for (const { name: topic } of topics) {
        const committed = await log.committed(group, topic);
        for (const { partition, begin, end } of await log.offsets(topic)) {
          const key = `${group} ${topic} ${partition}`;
          const lag = this.#gauges.get(key) ?? metrics.gauge('lag', { group, topic, partition: String(partition) });
          this.#gauges.set(key, lag);
          // The ends are asked after the offsets, so a lag is negative only where a topic was made anew; what retention removed cannot be
          // read any more.
          lag.set(Math.max(0, end - Math.max(begin, committed.get(partition) ?? begin)));
        }
      }
    }
  }
}

/** Raises `transaction_open`, and measures what waits. A transaction lasts from when it was seen first, or from its first record. */
class OpenTransactions {
  readonly #options: LagWatchOptions;
  readonly #topics: ReadonlySet<string>;
  readonly #raised: RaisedAlerts;
  readonly #gauges = new Map<string, Gauge>();
  #seen: ReadonlyMap<string, HeldBackFigures> = new Map();

  constructor(options: LagWatchOptions) {
    this.#options = options;
    this.#topics = new Set(options.groups.flatMap(({ topics }) => topics.map(({ name }) => name)));
    this.#raised = new RaisedAlerts({ ...options, names: ['transaction_open'] });
  }

  async look(): Promise<void> {
    const { log, clock, metrics } = this.#options;
    const now = clock.now();
    const seen = new Map<string, HeldBackFigures>();
    for (const topic of this.#topics) {
      for (const { partition, from, to, since } of await log.heldBack(topic)) {
        const key = `${topic} ${partition}`;
        const before = this.#seen.get(key);
        const started = before?.from === from ? before.since : Math.min(now, since ?? now);
        seen.set(key, { topic, partition, from, to, since: started });
        if (!this.#gauges.has(key)) {
          this.#gauges.set(key, metrics.gauge('heldBack', { topic, partition: String(partition) }));
        }
      }
    }
    this.#seen = seen;
    for (const [key, gauge] of this.#gauges) {
      const held = seen.get(key);
      gauge.set(held === undefined ? 0 : held.to - held.from);
    }
    const alert = transactionOpenAlert([...seen.values()], now);
    this.#raised.become(alert === null ? [] : [alert]);
  }
}

/** What a group that keeps up may leave between two commits of busy topics. Unit: records. */
const SMALL_LAG = 10_000;

/** A few cheap requests to the log. Unit: milliseconds. */
const ASK_EVERY_MS = 1000;

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
    await clock.sleep(ASK_EVERY_MS, signal);
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
