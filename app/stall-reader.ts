import type { Policy } from '../pipelines/scoring/policy.ts';
import type { Alert } from '../pipelines/watch/alerts.ts';
import { OrderAlerts } from '../pipelines/watch/order-alerts.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from '../pipelines/watch/stall-limits.ts';
import { StallWatch, answersFrom } from '../pipelines/watch/stall-watch.ts';
import type { EpochMillis } from '../ports/clock.ts';
import { TOPICS, type TopicName } from '../schemas/topics.ts';
import type { RecordByTopic } from '../schemas/generated/records.ts';
import type { ReadableTopics } from './read-topic.ts';
import { stallsFrom } from './stall-start.ts';
import { TopicPosition } from './topic-position.ts';

export interface StallReaderOptions extends ReadableTopics {
  readonly policy: Policy;
  readonly stallLimits?: StallLimits;
  /** Waited for after every batch. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
}

/** The topics from where they were read to, told to a watch. What is asked is read before what answers it. */
export class StallReader {
  readonly #watch: StallWatch;
  readonly #orders: OrderAlerts;
  readonly #topics: readonly { readOn(signal: AbortSignal): Promise<void> }[];

  private constructor({ log, codec, policy, stallLimits, pause }: StallReaderOptions, sightFrom: number) {
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
    return new StallReader(options, await stallsFrom(options.log, keptFor));
  }

  /** False when `signal` aborted first: half a look would seem like a stall. */
  async readOn(signal: AbortSignal): Promise<boolean> {
    for (const topic of this.#topics) await topic.readOn(signal);
    return !signal.aborted;
  }

  alerts(): readonly Alert[] {
    this.#watch.forget();
    return [...this.#watch.alerts(), ...this.#orders.alerts()];
  }
}
