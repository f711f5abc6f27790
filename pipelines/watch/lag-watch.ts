/**
 * How far consumer groups are behind their topics, and what a transaction that does not end keeps from them: measured while `run` works
 * (`watchLag`), and waited for at its start (`untilCaughtUp`).
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import { type Alert, NAMED_IN_EVIDENCE, RaisedAlerts, earliestOf, firstFew, lookCloser } from '../alerts/alerts.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog, PartitionOffsets } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { Topic } from '../../schemas/topics.ts';
import type { Health } from '../runtime/health.ts';

/** Shorter than the usual scrape interval (15 s), and a few cheap requests for each topic. Unit: milliseconds. */
const MEASURE_EVERY_MS = 5000;

/** A consumer group and what it consumes. */
export interface WatchedGroup {
  readonly group: string;
  readonly topics: readonly Topic[];
}

interface LagWatchOptions {
  readonly log: Pick<EventLog, 'offsets' | 'committed' | 'heldBack'>;
  readonly groups: readonly WatchedGroup[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** The flags that name the log in the commands of alerts. */
  readonly logWords?: string;
  readonly metrics: Metrics;
  readonly health: Health;
}

/**
 * Measures the lag of the groups, and the records that wait for the end of a transaction, until `signal` aborts. The same requests tell
 * health whether the log answers at all: an idle consumer would not notice that its broker is gone.
 */
export async function watchLag(options: LagWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, metrics, health } = options;
  const answered = metrics.gauge('logAnswered', {});
  const lags = new Lags(options);
  const transactions = new OpenTransactions(options);
  while (!signal.aborted) {
    health.looking();
    try {
      await lags.measure();
      await transactions.measure();
      health.logAnswered();
      answered.set(1);
    } catch (thrown) {
      health.logFailed(messageOf(thrown));
      answered.set(0);
    }
    await clock.sleep(MEASURE_EVERY_MS, signal);
  }
}

class Lags {
  readonly #options: LagWatchOptions;
  /** By partition, for each group and topic. */
  readonly #gauges: readonly { readonly group: string; readonly topic: string; readonly gauges: Map<number, Gauge> }[];

  constructor(options: LagWatchOptions) {
    this.#options = options;
    this.#gauges = options.groups.flatMap(({ group, topics }) =>
      topics.map(({ name: topic }) => ({ group, topic, gauges: new Map<number, Gauge>() })),
    );
  }

  async measure(): Promise<void> {
    const { log, metrics } = this.#options;
    for (const { group, topic, gauges } of this.#gauges) {
      const committed = await log.committed(group, topic);
      for (const { partition, begin, end } of await log.offsets(topic)) {
        const lag = gauges.get(partition) ?? metrics.gauge('lag', { group, topic, partition: String(partition) });
        gauges.set(partition, lag);
        lag.set(lagOf({ begin, end }, committed.get(partition)));
      }
    }
  }
}

/** Raises `transaction_open`, and measures how much waits. The age of a transaction counts from its first record, or from when it was first seen. */
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

  async measure(): Promise<void> {
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

/** Offsets of a partition that wait for the end of a transaction. */
interface HeldBackFigures {
  readonly topic: string;
  readonly partition: number;
  /** The oldest offset that waits, and the one after the newest. */
  readonly from: number;
  readonly to: number;
  readonly since: EpochMillis;
}

/** An ordinary transaction ends within a second or so. Unit: milliseconds. */
const OPEN_TRANSACTION_SPAN_MS = 10_000;

/** A producer's transaction stays open, and everything behind it waits: it counts as no lag, and nothing of it is scored. */
export function transactionOpenAlert(held: readonly HeldBackFigures[], now: EpochMillis): Alert | null {
  const lasting = held.filter(({ since }) => now - since >= OPEN_TRANSACTION_SPAN_MS);
  if (lasting.length === 0) return null;
  const count = lasting.reduce((sum, { from, to }) => sum + to - from, 0);
  const named = firstFew(
    lasting,
    NAMED_IN_EVIDENCE,
    ({ topic, partition, from, to }) => `${topic}[${partition}] ${from} to ${to - 1}`,
  );
  return {
    name: 'transaction_open',
    since: earliestOf(lasting),
    evidence:
      `${count} ${count === 1 ? 'offset waits' : 'offsets wait'} for the end of a transaction (${named.join(', ')}). The broker aborts it after ` +
      "its producer's transaction.timeout.ms; kafka-transactions.sh find-hanging names one that stays.",
    next: lookCloser('status'),
  };
}

/**
 * The records of a partition that a group has not committed yet. Records that retention removed are no lag: nobody can read them any more.
 * Never negative, as it would be where a topic was made anew with the old commits in place.
 */
export function lagOf({ begin, end }: Pick<PartitionOffsets, 'begin' | 'end'>, committed: number | undefined): number {
  return Math.max(0, end - Math.max(begin, committed ?? begin));
}

/** The lag of a group that keeps up, between two commits of busy topics. Unit: records. */
const SMALL_LAG = 10_000;

/** A few cheap requests to the log each time. Unit: milliseconds. */
const ASK_EVERY_MS = 1000;

/** Long enough to work off some ten million records. A group that is behind for longer may be the stall itself. Unit: milliseconds. */
const LONGEST_MS = 120_000;

/**
 * Waits until the consumer groups have nearly caught up, LONGEST_MS at most, or until `signal` aborts: another reader of the topics would
 * slow them down. Never throws; a log that does not answer counts as one that is behind.
 */
export async function untilCaughtUp(
  log: Pick<EventLog, 'offsets' | 'committed'>,
  groups: readonly WatchedGroup[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const until = clock.now() + LONGEST_MS;
  while (!signal.aborted && clock.now() < until) {
    const lag = await totalLag(log, groups).catch(() => Infinity);
    if (lag <= SMALL_LAG) return;
    await clock.sleep(ASK_EVERY_MS, signal);
  }
}

async function totalLag(
  log: Pick<EventLog, 'offsets' | 'committed'>,
  groups: readonly WatchedGroup[],
): Promise<number> {
  let lag = 0;
  for (const { group, topics } of groups) {
    for (const { name } of topics) {
      const committed = await log.committed(group, name);
      for (const { partition, begin, end } of await log.offsets(name)) {
        lag += lagOf({ begin, end }, committed.get(partition));
      }
    }
  }
  return lag;
}
