import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { logFile } from '../../connectors/embedded/database.ts';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { wireProcessor } from '../../pipelines/runtime/wire-processor.ts';
import type { Policy } from '../../pipelines/scoring/policy.ts';
import { scoringProcessor } from '../../pipelines/scoring/scoring-processor.ts';
import { VirtualClock } from '../../ports/clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import type { PositionSnapshot, RecordByTopic } from '../../schemas/generated/records.ts';
import { avroTypeOf } from '../../schemas/avro-type.ts';
import { loadSchema } from '../../schemas/load-schema.ts';
import { WIRE_HEADER_BYTES } from '../../schemas/wire-format.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { registerSchemas } from '../../schemas/register-schemas.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { type Topic, type TopicName, TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { visitTopic } from '../../pipelines/runtime/read-topic.ts';
import { aSnapshot } from '../a-snapshot.ts';
import { folderForTest } from '../temporary-folder.ts';

const MINUTE_MS = 60_000;

/** One position on an embedded log, and scorers that live one after the other: readers' tests look at what these leave behind. */
export class ScoringDesk {
  readonly folder: string;
  readonly log: EmbeddedLog;
  readonly codec: RecordCodec;
  readonly positionId = aSnapshot().position_id;
  #observedAt = aSnapshot().observed_at;

  private constructor(folder: string, log: EmbeddedLog, codec: RecordCodec) {
    this.folder = folder;
    this.log = log;
    this.codec = codec;
  }

  static async open(): Promise<ScoringDesk> {
    const folder = folderForTest();
    const log = EmbeddedLog.open(folder, new SystemClock());
    onTestFinished(() => log.close());
    await log.createTopics(allTopicSpecs());
    await registerSchemas(log.registry);
    return new ScoringDesk(folder, log, await RecordCodec.open(log.registry));
  }

  counts(topic: string): number {
    return this.log.count(topic);
  }

  /** Appends the record as its owner would. */
  async write<T extends Topic>(topic: T, record: RecordByTopic[T['name']], timestamp: number): Promise<void> {
    await this.log.append([new TopicWriter(topic.writer, this.codec).encode(topic, record, timestamp)]);
  }

  /** Snapshots a minute apart. R 9 is an emergency to the default policy. */
  async observe(count: number, overrides: Partial<PositionSnapshot> = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#observedAt += MINUTE_MS;
      const snapshot = { ...aSnapshot({ r: 9 }), observed_at: this.#observedAt, ...overrides };
      await this.write(TOPICS.positionSnapshot, snapshot, this.#observedAt);
    }
  }

  /** A scorer starts, works off what is there, and ends. */
  async score(policy: Policy): Promise<void> {
    const processor = scoringProcessor({ writer: new TopicWriter('scoring', this.codec), policy });
    const parts = { log: this.log, codec: this.codec, clock: new VirtualClock(0), logger: SILENT_LOGGER };
    const { options, handler } = wireProcessor({ processor, ...parts });
    const consumer = this.log.consumer(options, handler);
    await consumer.join();
    try {
      await consumer.pump();
    } finally {
      await consumer.stop();
    }
  }

  /** The same, but for what it should have committed: as where a member dies right before that. */
  async scoreAndDie(policy: Policy): Promise<void> {
    const write = this.log.appendAndCommit.bind(this.log);
    this.log.appendAndCommit = (records) => {
      write(records, []);
      throw new Error('killed');
    };
    try {
      await this.score(policy);
    } catch (thrown) {
      if (!(thrown instanceof Error) || thrown.message !== 'killed') throw thrown;
    } finally {
      this.log.appendAndCommit = write;
    }
  }

  async records<N extends TopicName>(topic: N): Promise<RecordByTopic[N][]> {
    const found: RecordByTopic[N][] = [];
    await visitTopic(this, topic, {}, (record) => found.push(record));
    return found;
  }

  /** Writes a record anew with a part of it changed. Everything lies in one partition: the position has one key. */
  async alter<N extends TopicName>(topic: N, offset: number, patch: Partial<RecordByTopic[N]>): Promise<void> {
    const record = (await this.records(topic))[offset];
    if (record === undefined) throw new Error(`${topic} has no record ${offset}`);
    const value = this.codec.encode(topic, { ...record, ...patch });
    this.tamper('UPDATE records SET value = ? WHERE topic = ? AND offset = ?', value, topic, offset);
  }

  /** The same, past every check of the codec, as a foreign program may. */
  async forge<N extends TopicName>(
    topic: N,
    offset: number,
    patch: (record: RecordByTopic[N]) => Partial<RecordByTopic[N]>,
  ): Promise<void> {
    const record = (await this.records(topic))[offset];
    if (record === undefined) throw new Error(`${topic} has no record ${offset}`);
    const header = Buffer.from(this.codec.encode(topic, record)).subarray(0, WIRE_HEADER_BYTES);
    const found = Object.values(TOPICS).find(({ name }) => name === topic);
    const body = avroTypeOf(loadSchema(found ?? TOPICS.harvestIntent)).toBuffer({ ...record, ...patch(record) });
    this.tamper(
      'UPDATE records SET value = ? WHERE topic = ? AND offset = ?',
      Buffer.concat([header, body]),
      topic,
      offset,
    );
  }

  /** Changes the file behind the log's back. */
  tamper(sql: string, ...parameters: readonly (string | number | Uint8Array)[]): void {
    const database = new DatabaseSync(logFile(this.folder));
    database.prepare(sql).run(...parameters);
    database.close();
  }
}
