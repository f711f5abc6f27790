import type { Policy } from '../scoring/policy.ts';
import type { Alert } from '../alerts/alerts.ts';
import { OrderAlerts } from './order-alerts.ts';
import { DEFAULT_STALL_LIMITS, type StallLimits } from './stall-limits.ts';
import { StallWatch, answersFrom } from './stall-watch.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { ReadableTopics } from '../runtime/read-topic.ts';
import { stallsFrom } from './stall-start.ts';
import { TopicPosition } from '../runtime/topic-position.ts';

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
