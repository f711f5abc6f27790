import type { Admin } from 'kafkajs';
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
import type { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { logError, protocolType } from './broker-errors.ts';
import { ConnectionHolder } from './connection-holder.ts';
import { IdempotentProducer } from './idempotent-producer.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { type ClientOptions, clusterClient, kafkaClient } from './kafka-client.ts';
import type { MemberOptions } from './group-member.ts';
import { groupOffsetsOf } from './group-offsets.ts';
import type { Standing } from './group-start.ts';
import { heldBackOf } from './held-back.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import type { Cluster } from './kafkajs-internals.ts';
import { compareTopics, createTopics } from './topic-admin.ts';
import { boundsOf, isBeyond, offsetsOf, partitionsOf } from './topic-offsets.ts';
import { readTopicOrExplain } from './topic-reader.ts';

/**
 * For answers such as "not the coordinator", with which kafkajs's admin client gives up at once: a coordinator that has just
 * been chosen loads its groups for a moment. Unit of the wait: milliseconds.
 */
const TRIES = 20;
const RETRY_MS = 100;

/** A leader moves within a second, and a broker that has just started knows its topics as soon. Unit: milliseconds. */
const PATIENCE_MS = 3000;

export interface KafkaLogOptions extends ClientOptions {
  /** Paces commits, heartbeats and back-off; it never gets into a record. */
  readonly clock: Clock;
}

/**
 * The EventLog on Apache Kafka. What it does is spread over the files beside this one: kafka-appender.ts (A1 to A3),
 * kafka-consumer.ts and group-member.ts (C1 to C6), topic-reader.ts (L6), topic-admin.ts.
 *
 * While the broker is away, appends and subscriptions wait, say so and go on by themselves; the other calls throw
 * BROKER_AWAY after kafkajs's own tries.
 */
export class KafkaLog implements EventLog, TopicAdmin {
  readonly #options: KafkaLogOptions;
  readonly #admin: ConnectionHolder<Admin>;
  readonly #cluster: ConnectionHolder<Cluster>;
  readonly #appender: KafkaAppender;
  readonly #consumers = new Set<KafkaConsumer>();
  /** The admin client's questions so far. */
  #asked: Promise<unknown> = Promise.resolve();
  /** Topics that did not exist when they were asked for last. */
  readonly #missing = new Set<string>();

  private constructor(options: KafkaLogOptions) {
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
    });
    this.#cluster = new ConnectionHolder(async () => {
      const cluster = clusterClient(options);
      await cluster.connect();
      return cluster;
    });
  }

  /** Connects at the first use, so a broker that is away does not stop the opening. */
  static open(options: KafkaLogOptions): KafkaLog {
    return new KafkaLog(options);
  }

  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.#ask('creating topics', (admin) => createTopics(admin, topics));
  }

  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return this.#ask('comparing topics', (admin) => compareTopics(admin, topics));
  }

  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    return this.#appender.append(records, signal);
  }

  subscribe(options: MemberOptions, handler: BatchHandler): Promise<Subscription> {
    const consumer = new KafkaConsumer(this, this.#options, options, handler, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    return Promise.resolve(consumer);
  }

  async *read(topic: string, range: ReadRange = {}): AsyncIterable<Batch> {
    const cluster = await this.#cluster.get().catch((thrown: unknown) => {
      throw logError(thrown, `reading ${topic}`, topic);
    });
    // A new connection for the next read: this one may believe in brokers that are gone.
    yield* readTopicOrExplain(cluster, topic, range, () => void this.#cluster.drop());
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
    return this.#askLeaders(`asking what ${group} has committed of ${topic}`, topic, async (cluster) => {
      const offsets = await groupOffsetsOf(cluster, group, topic, await partitionsOf(cluster, topic));
      return new Map([...offsets].filter(([, offset]) => offset >= 0));
    });
  }

  heldBack(topic: string): Promise<readonly HeldBack[]> {
    return this.#askLeaders(`asking what waits for a transaction in ${topic}`, topic, async (cluster) =>
      heldBackOf(cluster, topic, await partitionsOf(cluster, topic)),
    );
  }

  standing(group: string, topic: string): Promise<Standing> {
    return this.#askLeaders(`asking where ${group} stands in ${topic}`, topic, async (cluster) => {
      // A partition that was added a moment ago may be assigned already.
      await cluster.refreshMetadata();
      const partitions = await partitionsOf(cluster, topic);
      const committed = await groupOffsetsOf(cluster, group, topic, partitions);
      const bounds = await boundsOf(cluster, topic, partitions);
      const beyond = new Set<number>();
      for (const { partition, end } of bounds) {
        const offset = committed.get(partition) ?? end;
        if (offset > end && (await isBeyond(cluster, topic, partition, offset))) beyond.add(partition);
      }
      return { topic, committed, partitions: bounds, beyond };
    });
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#consumers, (consumer) => consumer.stop()));
    await this.#appender.close();
    await Promise.all([this.#admin.drop(), this.#cluster.drop()]);
  }

  /** One question after the other: kafkajs's admin client mixes up metadata that were fetched for different topics (kafkajs#461). */
  #ask<T>(what: string, work: (admin: Admin) => Promise<T>, topic?: string): Promise<T> {
    const asked = this.#asked.then(() => this.#askAdmin(what, work, topic));
    this.#asked = asked.catch(() => {});
    return asked;
  }

  async #askAdmin<T>(what: string, work: (admin: Admin) => Promise<T>, topic?: string): Promise<T> {
    for (let left = TRIES; ; left--) {
      try {
        const answer = await work(await this.#admin.get());
        if (topic !== undefined) this.#missing.delete(topic);
        return answer;
      } catch (thrown) {
        const error = logError(thrown, what, topic);
        if (this.#isNewlyMissing(error, topic)) {
          await this.#admin.drop();
          continue;
        }
        if (error.code !== 'BROKER_AWAY') throw error;
        const answered = protocolType(thrown) !== null;
        if (!answered || left === 0) {
          await this.#admin.drop();
          throw error;
        }
        await this.#options.clock.sleep(RETRY_MS);
      }
    }
  }

  /** Asks again with new metadata where a leader has moved or nobody answers, within PATIENCE_MS. */
  async #askLeaders<T>(what: string, topic: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const until = clock.now() + PATIENCE_MS;
    for (;;) {
      try {
        const answer = await work(await this.#cluster.get());
        this.#missing.delete(topic);
        return answer;
      } catch (thrown) {
        const error = logError(thrown, what, topic);
        const isNew = this.#isNewlyMissing(error, topic);
        if (error.code !== 'BROKER_AWAY' && !isNew) throw error;
        if (!isNew && clock.now() >= until) {
          await this.#cluster.drop();
          throw error;
        }
        await clock.sleep(RETRY_MS);
        // A connection of its own for the next try: this one may believe in brokers and topics that are gone.
        if (isNew || protocolType(thrown) === null) await this.#cluster.drop();
        else await this.#refresh();
      }
    }
  }

  /**
   * kafkajs asks for every topic at once that a connection was ever asked for, so it may be another one that does not exist: a new
   * connection tells. True once for each time that a topic goes away.
   */
  #isNewlyMissing({ code }: HarvestlineError, topic: string | undefined): boolean {
    if (code !== 'TOPIC_MISSING' || topic === undefined || this.#missing.has(topic)) return false;
    this.#missing.add(topic);
    return true;
  }

  async #refresh(): Promise<void> {
    try {
      await (await this.#cluster.get()).refreshMetadata();
    } catch {
      // The next question says why.
    }
  }
}
