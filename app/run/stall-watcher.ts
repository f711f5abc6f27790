/**
 * Raises stall alerts while the processors run: reads what came to the topics since the last look, as lines in the log and a gauge.
 *
 * reads      position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first their latest
 *            48 h
 * writes     nothing
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look; batches are taken with pauses, so that processors in the same process get their turn
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { Alert } from '../../pipelines/watch/alerts.ts';
import { STALL_ALERTS } from '../../pipelines/watch/stall-limits.ts';
import { StallWatch, answersFrom, watchFrom } from '../../pipelines/watch/stall-watch.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import { deskTime } from '../last-record.ts';
import { TopicPosition } from '../topic-position.ts';

/** Adds little to the minutes that a stall takes to show, and asks the log for a few offsets. Unit: milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** About as long as a batch takes to decode: at most half of one core while it catches up. Unit: milliseconds. */
const PAUSE_MS = 10;

export interface StallWatcherOptions {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Looks until `signal` aborts. Never throws. */
export async function watchStalls(options: StallWatcherOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  const raised = new RaisedAlerts(options);
  let reader: StallReader | null = null;
  let away = false;
  while (!signal.aborted) {
    try {
      reader ??= await StallReader.open(options);
      if (await reader.readOn(signal)) raised.become(reader.alerts());
      away = false;
    } catch (thrown) {
      if (!away && !signal.aborted) logger.warn({ err: thrown }, `stall alerts wait for the log: ${messageOf(thrown)}`);
      away = true;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** The topics from where they were read to, told to a watch. What is asked is read before what answers it. */
class StallReader {
  readonly #watch: StallWatch;
  readonly #topics: readonly { readOn(signal: AbortSignal): Promise<void> }[];

  private constructor({ log, codec, policy, clock }: StallWatcherOptions, from: number) {
    const watch = new StallWatch(policy, from);
    const since = answersFrom(from);
    const pause = (signal: AbortSignal) => clock.sleep(PAUSE_MS, signal);
    const read = <N extends TopicName>(topic: N, tell: (record: RecordByTopic[N], at: EpochMillis) => void) =>
      new TopicPosition({ log, codec }, topic, since, pause, (record, { timestamp }) => tell(record, timestamp));
    this.#watch = watch;
    this.#topics = [
      read(TOPICS.positionSnapshot.name, (record, at) => watch.snapshot(record, at)),
      read(TOPICS.harvestIntent.name, (record, at) => watch.intent(record, at)),
      read(TOPICS.executionReport.name, (record, at) => watch.report(record, at)),
      read(TOPICS.tradeClosed.name, (record, at) => watch.trade(record, at)),
      read(TOPICS.clmOutcome.name, (record, at) => watch.outcome(record, at)),
    ];
  }

  static async open(options: StallWatcherOptions): Promise<StallReader> {
    const newest = await deskTime(options.log);
    return new StallReader(options, newest === null ? -Infinity : watchFrom(newest));
  }

  /** False when `signal` aborted first: half a look would seem like a stall. */
  async readOn(signal: AbortSignal): Promise<boolean> {
    for (const topic of this.#topics) await topic.readOn(signal);
    return !signal.aborted;
  }

  alerts(): readonly Alert[] {
    this.#watch.forget();
    return this.#watch.alerts();
  }
}

/** What stands, in the log and in the gauge. */
class RaisedAlerts {
  readonly #logger: Logger;
  readonly #gauges: ReadonlyMap<string, Gauge>;
  #standing: ReadonlyMap<string, Alert> = new Map();

  constructor({ logger, metrics }: StallWatcherOptions) {
    this.#logger = logger;
    this.#gauges = new Map(STALL_ALERTS.map((name) => [name, metrics.gauge('alert', { name })]));
  }

  become(alerts: readonly Alert[]): void {
    const now = new Map(alerts.map((alert): [string, Alert] => [alert.name, alert]));
    for (const [name, gauge] of this.#gauges) gauge.set(now.has(name) ? 1 : 0);
    for (const { name, since, evidence } of alerts) {
      if (!this.#standing.has(name)) this.#logger.warn({ alert: name, since }, `alert ${name}: ${evidence}`);
    }
    for (const { name, since } of this.#standing.values()) {
      if (!now.has(name)) this.#logger.info({ alert: name, since }, `alert ${name} is over`);
    }
    this.#standing = now;
  }
}
