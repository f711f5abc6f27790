/**
 * Raises stall alerts while the processors run, and those of letters: reads what came to the topics since the
 * last look, as lines in the log and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first 48 h
 *            before the account that is furthest behind of the first four, and all of the others; every dead-letter topic and letter.discarded
 * writes     nothing
 * state      what the watch keeps (stall-watch.ts, S2); the first look holds every trade and outcome until its end
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look. Processors in the same process go first: the first look waits until they have caught up (lag-watch.ts), and
 *            looks take a small share of their time
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Alert } from '../alerts/alerts.ts';
import type { Policy } from '../scoring/policy.ts';
import { type StallLimits, DEFAULT_STALL_LIMITS } from './stall-limits.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { LetterWatch } from '../dlq/letter-alerts.ts';
import { RaisedAlerts } from '../alerts/raised-alerts.ts';
import { type ReadableTopics, TopicPosition } from '../runtime/topic-cursor.ts';
import { untilCaughtUp, type WatchedGroup } from './lag-watch.ts';
import { OrderAlerts } from './order-alerts.ts';
import { StallWatch, answersFrom } from './stall-watch.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';

/** Adds little to the minutes that a stall takes to show, and asks the log for a few offsets. Unit: milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** How many times as long as a batch took a look pauses after it: so it has at most a fifth of one core. */
const PAUSE_SHARE = 4;

/** A look goes on, however long a batch took. Unit: milliseconds. */
const LONGEST_PAUSE_MS = 1000;

export interface StallWatcherOptions extends ReadableTopics {
  readonly policy: Policy;
  /** The consumer groups of the processors of this process; the first look waits for them. */
  readonly groups: readonly WatchedGroup[];
  readonly stallLimits?: StallLimits;
  /** Name the log in the commands that alerts print. */
  readonly logWords?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Looks until `signal` aborts. Never throws. */
export async function watchStalls(options: StallWatcherOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  const raised = new RaisedAlerts(options);
  let resumedAt = clock.now();
  const pause = async (stop: AbortSignal): Promise<void> => {
    const took = clock.now() - resumedAt;
    await clock.sleep(Math.min(PAUSE_SHARE * took, LONGEST_PAUSE_MS), stop);
    resumedAt = clock.now();
  };
  const letters = new LetterWatch(options, pause);
  let reader: StallReader | null = null;
  /** What each of them raises, null when `signal` aborted; one that fails or waits keeps none before it from being raised. */
  const watches: readonly (() => Promise<readonly Alert[] | null>)[] = [
    async () => ((await letters.readOn(signal)) ? letters.alerts() : null),
    async () => {
      reader ??= await StallReader.open({ ...options, now: () => clock.now(), pause });
      return (await reader.readOn(signal)) ? reader.alerts() : null;
    },
  ];
  const standing = new Map<number, readonly Alert[]>();
  let away = false;
  await untilCaughtUp(options.log, options.groups, clock, signal);
  while (!signal.aborted) {
    const failures: unknown[] = [];
    resumedAt = clock.now();
    for (const [place, watch] of watches.entries()) {
      try {
        const alerts = await watch();
        if (alerts !== null) standing.set(place, alerts);
        if (!signal.aborted) raised.become([...standing.values()].flat());
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    const [first] = failures;
    if (first !== undefined && !away && !signal.aborted) {
      logger.warn({ err: first }, `stall alerts wait for the log: ${messageOf(first)}`);
    }
    away = first !== undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

export interface StallReaderOptions extends ReadableTopics {
  readonly policy: Policy;
  readonly stallLimits?: StallLimits;
  /** The reader's clock where the log is written live; null elsewhere. */
  readonly now: () => EpochMillis | null;
  /** Waited for after every batch. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
}

/** The topics from where they were read to, told to a watch. What is asked is read before what answers it. */
export class StallReader {
  readonly #watch: StallWatch;
  readonly #orders: OrderAlerts;
  readonly #now: () => EpochMillis | null;
  #follows = false;
  readonly #topics: readonly { readOn(signal: AbortSignal): Promise<void> }[];

  private constructor({ log, codec, policy, stallLimits, now, pause }: StallReaderOptions, sightFrom: number) {
    const watch = new StallWatch(policy, sightFrom, stallLimits);
    const orders = new OrderAlerts();
    const since = answersFrom(sightFrom);
    const read = <N extends TopicName>(
      topic: N,
      from: EpochMillis,
      tell: (record: RecordByTopic[N], at: EpochMillis) => void,
    ) => new TopicPosition({ log, codec }, topic, from, pause, (record, { timestamp }) => tell(record, timestamp));
    this.#watch = watch;
    this.#orders = orders;
    this.#now = now;
    this.#topics = [
      read(TOPICS.modelSignal.name, since, (record, at) => watch.signal(record, at)),
      read(TOPICS.positionSnapshot.name, since, (record, at) => watch.snapshot(record, at)),
      read(TOPICS.harvestIntent.name, since, (record, at) => watch.intent(record, at)),
      // Whole: an order that was set aside stays so however long ago that was.
      read(TOPICS.executionReport.name, -Infinity, (record, at) => {
        orders.report(record, at);
        if (at >= since) watch.report(record, at);
      }),
      read(TOPICS.tradeClosed.name, -Infinity, (record, at) => {
        orders.trade(record);
        watch.trade(record, at);
      }),
      read(TOPICS.clmOutcome.name, -Infinity, (record, at) => watch.outcome(record, at)),
    ];
  }

  static async open(options: StallReaderOptions): Promise<StallReader> {
    const { keptFor } = options.stallLimits ?? DEFAULT_STALL_LIMITS;
    return new StallReader(options, await stallsFrom(options.log, keptFor, options.now()));
  }

  /** False when `signal` aborted first: half a look would seem like a stall. */
  async readOn(signal: AbortSignal): Promise<boolean> {
    // Before anything is read, so that nothing seems silent whose records were not there to be read.
    const now = this.#now();
    if (now !== null) this.#watch.clock(now, { follows: this.#follows });
    for (const topic of this.#topics) await topic.readOn(signal);
    if (!signal.aborted) this.#follows = true;
    return !signal.aborted;
  }

  alerts(): readonly Alert[] {
    this.#watch.forget();
    return [...this.#watch.alerts(), ...this.#orders.alerts()];
  }
}

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
