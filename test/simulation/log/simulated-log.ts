/** The event log of one simulated process: requests to the broker of its world, with the manners of connectors/kafka/kafka-log.ts. */
import type { EpochMillis } from '../../../ports/clock.ts';
import type {
  Batch,
  BatchHandler,
  EventLog,
  HeldBack,
  OutgoingRecord,
  PartitionOffsets,
  ReadRange,
  SubscribeOptions,
  Subscription,
  TopicAdmin,
  TopicDrift,
} from '../../../ports/event-log.ts';
import type { TopicSpec } from '../../../schemas/topics.ts';
import type { Host } from '../host.ts';
import { SimulatedAppender } from './appender.ts';
import type { SimulatedBroker } from './broker.ts';
import { LogRequests } from './log-requests.ts';
import { SimulatedSubscription } from './subscription.ts';

/** The records of one answer to `read`. A fetch of 1 MB holds about as many. */
const READ_RECORDS = 2000;

/** The offsets that are still to be read of one partition. */
interface Stretch {
  readonly partition: number;
  readonly next: number;
  readonly end: number;
}

/** One answer to `read`. */
interface Page {
  readonly batches: readonly Batch[];
  readonly left: readonly Stretch[];
}

export class SimulatedLog implements EventLog, TopicAdmin {
  readonly #broker: SimulatedBroker;
  readonly #requests: LogRequests;
  readonly #appender: SimulatedAppender;
  readonly #subscriptions = new Set<SimulatedSubscription>();
  readonly #name: string;
  #members = 0;

  constructor(host: Host, broker: SimulatedBroker) {
    this.#broker = broker;
    this.#requests = new LogRequests(host, broker.faults);
    this.#name = broker.clientName(host);
    this.#appender = new SimulatedAppender(broker, this.#requests, this.#name);
  }

  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.#requests.topics(() => this.#broker.createTopics(topics));
  }

  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.#requests.topics(() => this.#broker.compareTopics(topics));
  }

  append(records: readonly OutgoingRecord[]): Promise<void> {
    return this.#appender.append(records);
  }

  subscribe(options: SubscribeOptions, handler: BatchHandler): Promise<Subscription> {
    const id = `${this.#name}/${options.group}/${++this.#members}`;
    const context = {
      id,
      broker: this.#broker,
      requests: this.#requests,
      append: (records: readonly OutgoingRecord[], signal: AbortSignal) => this.#appender.append(records, signal),
      random: this.#broker.random.stream('log', id),
      known: new Set<string>(),
    };
    const subscription = new SimulatedSubscription(context, options, handler, () =>
      this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    return Promise.resolve(subscription);
  }

  async *read(topic: string, range: ReadRange = {}): AsyncIterable<Batch> {
    const broker = this.#broker;
    // PORT-6: the ends are those that stand when the first request arrives.
    let page = await this.#requests.read('read', () => pageOf(broker, topic, stretchesOf(broker, topic, range)));
    for (;;) {
      yield* page.batches;
      const { left } = page;
      if (left.length === 0) return;
      page = await this.#requests.read('read', () => pageOf(broker, topic, left));
    }
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#requests.read('offsets', () => this.#broker.partitions(topic).map(({ offsets }) => offsets));
  }

  offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>> {
    return this.#requests.read(
      'offsets',
      () => new Map(this.#broker.partitions(topic).map((one) => [one.partition, one.offsetAt(timestamp)])),
    );
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return this.#requests.read('committed', () => new Map(this.#broker.positionOf(group, topic).committed));
  }

  heldBack(): Promise<readonly HeldBack[]> {
    return Promise.resolve([]);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#subscriptions, (subscription) => subscription.stop()));
    await this.#appender.close();
  }
}

function stretchesOf(broker: SimulatedBroker, topic: string, { from, partitions }: ReadRange): readonly Stretch[] {
  return broker
    .partitions(topic)
    .map(({ offsets }) => offsets)
    .filter(({ partition }) => partitions?.includes(partition) !== false)
    .map(({ partition, begin, end }) => ({ partition, next: Math.max(from?.get(partition) ?? begin, begin), end }));
}

function pageOf(broker: SimulatedBroker, topic: string, stretches: readonly Stretch[]): Page {
  const partitions = broker.partitions(topic);
  const batches: Batch[] = [];
  let room = READ_RECORDS;
  for (const [place, { partition, next, end }] of stretches.entries()) {
    const batch = partitions[partition]?.batchFrom(next, room, end) ?? null;
    if (batch === null) continue;
    batches.push(batch);
    room -= batch.records.length;
    if (room === 0) {
      return { batches, left: [{ partition, next: batch.nextOffset, end }, ...stretches.slice(place + 1)] };
    }
  }
  return { batches, left: [] };
}
