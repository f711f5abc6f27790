import type { Admin } from 'kafkajs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type {
  Batch,
  BatchHandler,
  EventLog,
  HeldBack,
  OutgoingRecord,
  PartitionOffsets,
  ReadRange,
  Subscription,
  TopicAdmin,
  TopicDrift,
} from '../../ports/event-log.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import type { GroupPosition } from './assignment.ts';
import { ELECTION_MS } from './back-off.ts';
import { logError, protocolType } from './broker-errors.ts';
import { partitionsOf } from './cluster-metadata.ts';
import { controllerTime } from './controller-time.ts';
import type { MemberOptions } from './group-member.ts';
import { IdempotentProducer } from './idempotent-producer.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { type ClientOptions, clusterClient, kafkaClient } from './kafka-client.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import type { Cluster } from './kafkajs-internals.ts';
import { compareTopics, createTopics } from './topic-admin.ts';
import { groupOffsetsOf, heldBackOf, boundsOf, isNeverWritten, offsetsOf } from './topic-offsets.ts';
import { readTopic } from './topic-reader.ts';

/** The wait between two attempts. A new coordinator loads its groups for a moment. Unit: milliseconds. */
const RETRY_MS = 100;

/** How long attempts continue, besides kafkajs's own retries, while no broker answers at all. Unit: milliseconds. */
const PATIENCE_MS = 3000;

/** How long an offset beyond the end has to stay so before the topic counts as recreated: a new leader lags for a moment. Unit: milliseconds. */
const SURE_AFTER_MS = 1000;

/**
 * The EventLog on Apache Kafka. Its parts are kafka-appender.ts (KFK-34 to KFK-38), kafka-consumer.ts and group-member.ts (KFK-24 to
 * KFK-30), membership.ts (KFK-46, KFK-47), topic-reader.ts (PORT-6) and topic-admin.ts.
 *
 * While the broker is unavailable, appends and subscriptions wait, log it and continue by themselves. The other calls wait for the election
 * of a leader (ELECTION_MS), and throw BROKER_AWAY where no broker answers (PATIENCE_MS and kafkajs's own retries).
 */
export class KafkaLog implements EventLog, TopicAdmin {
  readonly #options: ClientOptions;
  readonly #admin: ConnectionHolder<Admin>;
  readonly #cluster: ConnectionHolder<Cluster>;
  readonly #appender: KafkaAppender;
  readonly #consumers = new Set<KafkaConsumer>();
  readonly #closing = new AbortController();
  /** Settles after the latest request of the admin client. */
  #asked: Promise<unknown> = Promise.resolve();
  /** Topics that did not exist at their latest request. */
  readonly #missing = new Set<string>();

  private constructor(options: ClientOptions) {
    const kafka = kafkaClient(options);
    this.#options = options;
    this.#appender = new KafkaAppender(
      () => IdempotentProducer.open(clusterClient(options), options.compression ?? 'none'),
      options.clock,
      options.logger,
    );
    this.#admin = new ConnectionHolder(async () => {
      const admin = kafka.admin();
      await admin.connect();
      return admin;
    }, options.clock);
    this.#cluster = new ConnectionHolder(async () => {
      const cluster = clusterClient(options);
      await cluster.connect();
      return cluster;
    }, options.clock);
  }

  /** Connects at the first use, so that it opens while the broker is unavailable. */
  static open(options: ClientOptions): KafkaLog {
    return new KafkaLog(options);
  }

  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    const tried = new Set<string>();
    return this.#askAdmin('creating topics', (admin) => createTopics(admin, topics, tried));
  }

  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.#askAdmin('comparing topics', (admin) => compareTopics(admin, topics));
  }

  /** The number of brokers in the cluster. */
  brokers(): Promise<number> {
    return this.#askAdmin('asking for the cluster', async (admin) => (await admin.describeCluster()).brokers.length);
  }

  /** The time of the cluster's active controller; null where the cluster does not say. */
  clusterTime(): Promise<EpochMillis | null> {
    return this.#ask(this.#cluster, 'asking for the time', controllerTime);
  }

  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    return this.#appender.append(records, signal);
  }

  subscribe(options: MemberOptions, handler: BatchHandler): Promise<Subscription> {
    const consumer = new KafkaConsumer(this, this.#options, options, handler, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    return Promise.resolve(consumer);
  }

  read(topic: string, range: ReadRange = {}): AsyncIterable<Batch> {
    return readTopic((work) => this.#askLeaders(`reading ${topic}`, topic, work), topic, range);
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#askLeaders(`asking for the offsets of ${topic}`, topic, async (cluster) => {
      return boundsOf(cluster, topic, await partitionsOf(cluster, topic));
    });
  }

  offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>> {
    return this.#askLeaders(`asking for the offsets of ${topic} at ${timestamp}`, topic, async (cluster) =>
      offsetsOf(cluster, topic, await partitionsOf(cluster, topic), { at: timestamp }),
    );
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return this.#askLeaders(
      `asking what ${group} has committed of ${topic}`,
      topic,
      async (cluster) => {
        const offsets = await groupOffsetsOf(cluster, group, topic, await partitionsOf(cluster, topic));
        return new Map([...offsets].filter(([, offset]) => offset >= 0));
      },
      group,
    );
  }

  heldBack(topic: string): Promise<readonly HeldBack[]> {
    return this.#askLeaders(`asking what waits for a transaction in ${topic}`, topic, async (cluster) =>
      heldBackOf(cluster, topic, await partitionsOf(cluster, topic)),
    );
  }

  async groupPosition(group: string, topic: string): Promise<GroupPosition> {
    const groupPosition = await this.#groupPosition(group, topic);
    if (groupPosition.beyond.size === 0) return groupPosition;
    await this.#options.clock.sleep(SURE_AFTER_MS, this.#closing.signal);
    return this.#groupPosition(group, topic);
  }

  #groupPosition(group: string, topic: string): Promise<GroupPosition> {
    return this.#askLeaders(
      `asking where ${group} stands in ${topic}`,
      topic,
      async (cluster) => {
        // A partition that was just added may be assigned already.
        await cluster.refreshMetadata();
        const partitions = await partitionsOf(cluster, topic);
        const [committed, bounds] = await Promise.all([
          groupOffsetsOf(cluster, group, topic, partitions),
          boundsOf(cluster, topic, partitions),
        ]);
        const beyond = new Set<number>();
        for (const { partition, end } of bounds) {
          const offset = committed.get(partition) ?? end;
          if (offset > end && (await isNeverWritten(cluster, topic, partition, offset))) beyond.add(partition);
        }
        return { topic, committed, partitions: bounds, beyond };
      },
      group,
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(Array.from(this.#consumers, (consumer) => consumer.stop()));
    await this.#appender.close();
    await Promise.all([this.#admin.close(), this.#cluster.close()]);
  }

  /** One request at a time: kafkajs's admin client confuses metadata that were fetched for different topics (kafkajs#461). */
  #askAdmin<T>(what: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    const asked = this.#asked.then(() => this.#ask(this.#admin, what, work));
    this.#asked = asked.catch(() => {});
    return asked;
  }

  #askLeaders<T>(what: string, topic: string, work: (cluster: Cluster) => Promise<T>, group?: string): Promise<T> {
    return this.#ask(this.#cluster, what, work, topic, group);
  }

  /** Repeats `work` with new metadata while a leader or coordinator is elected (ELECTION_MS) or no broker answers (PATIENCE_MS). */
  async #ask<C extends Admin | Cluster, T>(
    holder: ConnectionHolder<C>,
    what: string,
    work: (connection: C) => Promise<T>,
    topic?: string,
    group?: string,
  ): Promise<T> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    const begun = clock.now();
    for (;;) {
      let connection: C | null = null;
      try {
        connection = await holder.get();
        const answer = await work(connection);
        if (topic !== undefined) this.#missing.delete(topic);
        return answer;
      } catch (thrown) {
        const error = logError(thrown, what, topic, group);
        const isNew = this.#isNewlyMissing(error, topic);
        if (error.code !== 'BROKER_AWAY' && !isNew) throw error;
        const isOver = clock.now() - begun >= (connection === null ? PATIENCE_MS : ELECTION_MS);
        if (signal.aborted || (isOver && !isNew)) {
          if (connection !== null) await holder.drop(connection);
          throw error;
        }
        await clock.sleep(RETRY_MS, signal);
        // A new connection for the next attempt: this one may have outdated brokers and topics.
        if (connection !== null && (isNew || protocolType(thrown) === null)) await holder.drop(connection);
        else if (connection !== null && 'refreshMetadata' in connection) {
          // The next attempt reports the error.
          await connection.refreshMetadata().catch(() => {});
        }
      }
    }
  }

  /** True at the first TOPIC_MISSING since the topic was last there: a broker that has just started knows no topics. */
  #isNewlyMissing({ code }: HarvestlineError, topic: string | undefined): boolean {
    if (code !== 'TOPIC_MISSING' || topic === undefined || this.#missing.has(topic)) return false;
    this.#missing.add(topic);
    return true;
  }
}

/** How long a disconnect may take. It waits for answers, which a hanging broker does not send. Unit: milliseconds. */
const DISCONNECT_MS = 2000;

/** A connection that is opened at its first use, and again at the first use after it was dropped. */
export class ConnectionHolder<T extends { disconnect(): Promise<void> }> {
  readonly #open: () => Promise<T>;
  readonly #clock: Clock;
  #opened: Promise<T> | null = null;
  #closed = false;

  constructor(open: () => Promise<T>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** Rejects with BROKER_AWAY once closed, so that a late request does not open it again. */
  get(): Promise<T> {
    if (this.#closed) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    if (this.#opened === null) {
      const opening = this.#open();
      this.#opened = opening;
      opening.catch(() => {
        if (this.#opened === opening) this.#opened = null;
      });
    }
    return this.#opened;
  }

  /** Closes the connection in any state; where `failed` is given, only if it is the current one. Waits for DISCONNECT_MS at most. */
  async drop(failed?: T): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    if (failed !== undefined && (await opened.catch(() => undefined)) !== failed) return;
    // Another call may have dropped it meanwhile.
    if (this.#opened !== opened) return;
    this.#opened = null;
    const gone = new AbortController();
    // Nothing depends on a clean disconnect, and the broker may be gone.
    const closing = opened.then((connection) => connection.disconnect()).catch(() => {});
    await Promise.race([closing, this.#clock.sleep(DISCONNECT_MS, gone.signal)]);
    gone.abort();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.drop();
  }
}
