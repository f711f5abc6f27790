/**
 * Raises stall alerts while the processors run: reads what came to the topics since the last look, as lines in the log and a gauge.
 *
 * reads      model.signal, position.snapshot, harvest.intent, execution.report, trade.closed, clm.outcome, without a group; at first the latest 48 h
 *            of the first four, and all of the others
 * writes     nothing
 * guarantee  an alert is said once when it is raised and once when it is over; a log that is away is said once and asked again at
 *            the next look; batches are taken with pauses, so that processors in the same process get their turn
 */
import { messageOf } from '../../errors/harvestline-error.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import type { Alert } from '../../pipelines/watch/alerts.ts';
import { DEFAULT_STALL_LIMITS, STALL_ALERTS, type StallLimits } from '../../pipelines/watch/stall-limits.ts';
import { StallWatch, answersFrom } from '../../pipelines/watch/stall-watch.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Gauge, Metrics } from '../../ports/metrics.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import { onThatLog } from '../alert-commands.ts';
import { stallsFrom } from '../stall-start.ts';
import { TopicPosition } from '../topic-position.ts';

/** Adds little to the minutes that a stall takes to show, and asks the log for a few offsets. Unit: milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** About as long as a batch takes to decode: at most half of one core while it catches up. Unit: milliseconds. */
const PAUSE_MS = 10;

export interface StallWatcherOptions {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  readonly policy: Policy;
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

  private constructor({ log, codec, policy, stallLimits, clock }: StallWatcherOptions, sightFrom: number) {
    const watch = new StallWatch(policy, sightFrom, stallLimits);
    const since = answersFrom(sightFrom);
    const pause = (signal: AbortSignal) => clock.sleep(PAUSE_MS, signal);
    const read = <N extends TopicName>(
      topic: N,
      from: EpochMillis,
      tell: (record: RecordByTopic[N], at: EpochMillis) => void,
    ) => new TopicPosition({ log, codec }, topic, from, pause, (record, { timestamp }) => tell(record, timestamp));
    this.#watch = watch;
    this.#topics = [
      read(TOPICS.modelSignal.name, since, (record, at) => watch.signal(record, at)),
      read(TOPICS.positionSnapshot.name, since, (record, at) => watch.snapshot(record, at)),
      read(TOPICS.harvestIntent.name, since, (record, at) => watch.intent(record, at)),
      read(TOPICS.executionReport.name, since, (record, at) => watch.report(record, at)),
      read(TOPICS.tradeClosed.name, -Infinity, (record, at) => watch.trade(record, at)),
      read(TOPICS.clmOutcome.name, -Infinity, (record, at) => watch.outcome(record, at)),
    ];
  }

  static async open(options: StallWatcherOptions): Promise<StallReader> {
    const { keptFor } = options.stallLimits ?? DEFAULT_STALL_LIMITS;
    return new StallReader(options, await stallsFrom(options.log, keptFor));
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
  readonly #logWords: string;
  readonly #gauges: ReadonlyMap<string, Gauge>;
  #standing: ReadonlyMap<string, Alert> = new Map();

  constructor({ logger, metrics, logWords = '' }: StallWatcherOptions) {
    this.#logger = logger;
    this.#logWords = logWords;
    this.#gauges = new Map(STALL_ALERTS.map((name) => [name, metrics.gauge('alert', { name })]));
  }

  become(alerts: readonly Alert[]): void {
    const now = new Map(alerts.map((alert): [string, Alert] => [alert.name, alert]));
    for (const [name, gauge] of this.#gauges) gauge.set(now.has(name) ? 1 : 0);
    for (const alert of alerts) {
      const { name, since, evidence } = onThatLog(alert, this.#logWords);
      if (!this.#standing.has(name)) this.#logger.warn({ alert: name, since }, `alert ${name}: ${evidence}`);
    }
    for (const { name, since } of this.#standing.values()) {
      if (!now.has(name)) this.#logger.info({ alert: name, since }, `alert ${name} is over`);
    }
    this.#standing = now;
  }
}
