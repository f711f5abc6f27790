/**
 * Raises the alerts of stalls and dead letters while the processors run. It reads on in the topics every half a minute, and reports alerts
 * as log lines and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group: of the first
 *            four from 48 h before the account that is furthest behind, all of the others; every dead-letter topic, letter.discarded
 * writes     nothing
 * state      in memory (stall-watch.ts, WAT-9); the first read holds every trade and outcome until it has ended
 * guarantee  an alert is logged once when raised and once when over. A log that does not answer is logged once, and asked again at the next
 *            read. The processors go first: the first read waits until they have caught up (lag-watch.ts), and reads take a fifth of one
 *            core at most
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import { type Alert, RaisedAlerts } from '../alerts/alerts.ts';
import type { Policy } from '../scoring/policy.ts';
import { type StallLimits, DEFAULT_STALL_LIMITS } from './stall-limits.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { LetterWatch } from '../dlq/letter-alerts.ts';
import { type ReadableTopics, type RecordObserver, TopicCursor } from '../runtime/topic-cursor.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import { PositionGauges } from './position-gauges.ts';
import type { OpenPosition } from './watched-positions.ts';
import { untilCaughtUp, type WatchedGroup } from './lag-watch.ts';
import { OrderAlerts } from './order-alerts.ts';
import { StallWatch, answersFrom } from './stall-watch.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { PositionId, RecordByTopic } from '../../schemas/generated/records.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';

/** Adds little to the minutes after which a stall shows, and costs the log a few requests for offsets. Unit: milliseconds. */
const READ_EVERY_MS = 30_000;

/** The pause after a batch, as a multiple of what the batch took: reading has a fifth of one core at most. */
const PAUSE_SHARE = 4;

/** Bounds the pause, however long a batch took. Unit: milliseconds. */
const LONGEST_PAUSE_MS = 1000;

export interface StallWatcherOptions extends ReadableTopics {
  readonly policy: Policy;
  /** The consumer groups of this process; the first read waits until they have caught up. */
  readonly groups: readonly WatchedGroup[];
  readonly stallLimits?: StallLimits;
  /** Opens the reader, which the board of this process may read with as well. One of its own where left out. */
  readonly reader?: () => Promise<StallReader>;
  /** The flags that name the log in the commands of alerts. */
  readonly logWords?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Reads on until `signal` aborts. Never throws. */
export async function watchStalls(options: StallWatcherOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  const raised = new RaisedAlerts(options);
  const positions = new PositionGauges(options.metrics);
  let resumedAt = clock.now();
  const pause = async (stop: AbortSignal): Promise<void> => {
    const took = clock.now() - resumedAt;
    await clock.sleep(Math.min(PAUSE_SHARE * took, LONGEST_PAUSE_MS), stop);
    resumedAt = clock.now();
  };
  const letters = new LetterWatch(options, pause);
  const openReader = options.reader ?? (() => StallReader.open({ ...options, now: () => clock.now() }));
  let reader: StallReader | null = null;
  /** Each returns its alerts, or null where `signal` aborted. One that fails or waits does not keep back the alerts of those before it. */
  const watches: readonly (() => Promise<readonly Alert[] | null>)[] = [
    async () => ((await letters.readOn(signal)) ? letters.alerts() : null),
    async () => {
      const opened = (reader ??= await openReader());
      return opened.readOn(signal, pause, () => {
        const alerts = opened.alerts();
        positions.become(opened.observedOpen());
        return alerts;
      });
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
    await clock.sleep(READ_EVERY_MS, signal);
  }
}

/** Waited for after every batch, so that reading does not starve the processors. */
type Pause = (signal: AbortSignal) => Promise<void>;

export interface StallReaderOptions extends ReadableTopics {
  readonly policy: Policy;
  readonly stallLimits?: StallLimits;
  /** The reader's clock where the log is written live; null elsewhere. */
  readonly now: () => EpochMillis | null;
  /** Gets what is read as well, but for snapshots whose times cannot be (WAT-11). */
  readonly observer?: RecordObserver;
  /** Called with the positions that are open whenever the watch forgets others. */
  readonly keepOpen?: (open: ReadonlySet<PositionId>) => void;
}

/**
 * Reads on in the topics of the stall watch, each from where it was read to. Questions are read before their answers, so that no answer is
 * missed. The one reader of these topics in a process: the stall watch and the board share it.
 *
 * WAT-19  Reads of several callers follow each other, and what a caller asks is answered before the next read: never half-way through one.
 */
export class StallReader {
  readonly #watch: StallWatch;
  readonly #orders: OrderAlerts;
  readonly #now: () => EpochMillis | null;
  readonly #keepOpen: StallReaderOptions['keepOpen'];
  #readsLive = false;
  readonly #topics: readonly { readOn(signal: AbortSignal): Promise<void> }[];
  /** The pauses of the callers that read or wait, in their order. The last decides: nobody waits for a slower one. */
  #pauses: readonly Pause[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(
    { log, codec, policy, stallLimits, now, observer = {}, keepOpen }: StallReaderOptions,
    sightFrom: EpochMillis,
  ) {
    const watch = new StallWatch(policy, sightFrom, stallLimits);
    const orders = new OrderAlerts();
    const since = answersFrom(sightFrom);
    const pause: Pause = async (signal) => this.#pauses.at(-1)?.(signal);
    /** `apply` returns false for a record that counts for nothing. */
    const read = <N extends TopicName>(
      topic: N,
      from: EpochMillis,
      apply: (record: RecordByTopic[N], at: EpochMillis) => boolean | void,
    ) => {
      const observe = observer[topic];
      const visit = (record: RecordByTopic[N], at: LogRecord): void => {
        if (apply(record, at.timestamp) !== false) observe?.(record, at);
      };
      return new TopicCursor({ log, codec }, topic, visit, { since: from, pause });
    };
    this.#watch = watch;
    this.#orders = orders;
    this.#now = now;
    this.#keepOpen = keepOpen;
    this.#topics = [
      read(TOPICS.modelSignal.name, since, (record, at) => watch.signal(record, at)),
      read(TOPICS.positionSnapshot.name, since, (record, at) => watch.snapshot(record, at)),
      read(TOPICS.harvestIntent.name, since, (record, at) => watch.intent(record, at)),
      // From the beginning: an order that was set aside stays so, however long ago that was.
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

  /**
   * Reads to the ends that stand now, and returns what `look` then says (WAT-19). Null where `signal` aborted: half a read would look like a
   * stall.
   */
  async readOn<T>(signal: AbortSignal, pause: Pause, look: () => T): Promise<T | null> {
    this.#pauses = [...this.#pauses, pause];
    const before = this.#reading;
    const reading = (async () => {
      try {
        await before.catch(() => {});
        return (await this.#read(signal)) ? look() : null;
      } finally {
        this.#pauses = this.#pauses.filter((other) => other !== pause);
      }
    })();
    this.#reading = reading;
    return reading;
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    // The clock before the records: what is written while this reads must not seem silent.
    const now = this.#now();
    if (now !== null) this.#watch.clock(now, { readsLive: this.#readsLive });
    for (const topic of this.#topics) await topic.readOn(signal);
    if (!signal.aborted) this.#readsLive = true;
    return !signal.aborted;
  }

  /** To be called in the `look` of a read, as the others below. */
  alerts(): readonly Alert[] {
    this.#watch.forget();
    this.#keepOpen?.(this.#watch.openPositions());
    return [...this.#watch.alerts(), ...this.#orders.alerts()];
  }

  watermarks(): AccountWatermarks {
    return this.#watch.watermarks();
  }

  observedOpen(): readonly OpenPosition[] {
    return this.#watch.observedOpen();
  }

  openPositions(watermarks: AccountWatermarks): ReadonlySet<PositionId> {
    return this.#watch.openPositions(watermarks);
  }
}

/** Enough that each of several desks in one log is among them, and read in a moment. Unit: records of a partition. */
const TAIL_RECORDS = 1000;

/** More than one, since one of them may carry a wrong time. Unit: records of a key. */
const LATEST_RECORDS = 3;

/**
 * From when the stall watch has to read a log that it does not know: `keptMs` before the earliest account that still has snapshots among
 * the latest of their partition. The earliest, since desks in one log may live years apart, and a wrong time far ahead must not put all
 * of them out of sight. Bounded by `now`, the reader's clock where the log is written live. -Infinity where there is no snapshot.
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
