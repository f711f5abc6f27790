import type { StatementSync } from 'node:sqlite';
import { HarvestlineError, formatCoordinates, messageOf } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import {
  type Batch,
  type BatchHandler,
  type EventLog,
  type HeldBack,
  type LogRecord,
  type OutgoingRecord,
  type PartitionOffsets,
  type ReadRange,
  type SubscribeOptions,
  type Subscription,
  type TopicAdmin,
  type TopicDrift,
  driftOf,
} from '../../ports/event-log.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { logFile, openDatabase, openDatabaseReadOnly, decodeHeaders, encodeHeaders } from './database.ts';
import { EmbeddedConsumer } from './embedded-consumer.ts';
import { EmbeddedRegistry } from './embedded-registry.ts';
import { partitionOf } from '../../ports/partitioner.ts';
import type { SqliteFile } from '../system/sqlite-file.ts';

/** Records a page of a bounded read: enough to make the statement's cost vanish, few enough to be garbage before they are old. */
const READ_PAGE_RECORDS = 100;

/** Where a group stands in one partition. */
export interface Commit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * The EventLog on one SQLite file, for a first run, a dry run on one machine and fast tests: no broker, no registry
 * server. Several processes may read and write the file; a group's partitions belong to one member at a time, and a
 * second member stands by until the first is gone. Outputs and offset of a batch are one transaction, so a crash repeats
 * nothing here, which is more than the port promises.
 */
export class EmbeddedLog implements EventLog, TopicAdmin {
  readonly dataDir: string;
  readonly registry: EmbeddedRegistry;
  readonly database: SqliteFile;
  readonly #clock: Clock;
  readonly #partitionCounts = new Map<string, number>();
  readonly #consumers = new Set<EmbeddedConsumer>();
  readonly #statements: Statements;

  private constructor(dataDir: string, database: SqliteFile, clock: Clock) {
    this.dataDir = dataDir;
    this.database = database;
    this.registry = new EmbeddedRegistry(database);
    this.#clock = clock;
    this.#statements = prepareStatements(database);
  }

  /** `clock` paces polling and back-off only; it never gets into a record. */
  static open(dataDir: string, clock: Clock): EmbeddedLog {
    return new EmbeddedLog(dataDir, openDatabase(dataDir), clock);
  }

  /** For viewers. Writing throws. */
  static openReadOnly(dataDir: string, clock: Clock): EmbeddedLog {
    return new EmbeddedLog(dataDir, openDatabaseReadOnly(dataDir), clock);
  }

  createTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return Promise.resolve(this.database.transaction(() => topics.map((topic) => this.#createTopic(topic))));
  }

  compareTopics(topics: readonly TopicSpec[]): Promise<readonly TopicDrift[]> {
    return Promise.resolve(topics.map((topic) => this.#compareTopic(topic)));
  }

  async append(records: readonly OutgoingRecord[]): Promise<void> {
    this.appendAndCommit(records);
  }

  /** Appends the outputs of batches and moves their group's offsets, together or not at all. */
  appendAndCommit(records: readonly OutgoingRecord[], commits: readonly Commit[] = []): void {
    if (records.length === 0 && commits.length === 0) return;
    this.database.transaction(() => {
      const ends = new Map<string, number>();
      for (const record of records) this.#insert(record, ends);
      for (const { group, topic, partition, offset } of commits)
        this.#statements.commit.run(group, topic, partition, offset);
    });
  }

  async subscribe(options: SubscribeOptions, handler: BatchHandler): Promise<Subscription> {
    const consumer = this.consumer(options, handler);
    consumer.start();
    return consumer;
  }

  /** A member that is driven by `pump` instead of running by itself: for the lock-step of `dev` and of tests. */
  consumer(options: SubscribeOptions, handler: BatchHandler): EmbeddedConsumer {
    for (const topic of options.topics) this.partitionsOf(topic);
    const consumer = new EmbeddedConsumer(this, options, handler, this.#clock, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    return consumer;
  }

  async *read(topic: string, range: ReadRange = {}): AsyncIterable<Batch> {
    // PORT-6: the ends are taken once, before the first record is handed out.
    const ends = await this.offsets(topic);
    const wanted = range.partitions === undefined ? null : new Set(range.partitions);
    for (const { partition, begin, end } of ends) {
      if (wanted !== null && !wanted.has(partition)) continue;
      let next = Math.max(range.from?.get(partition) ?? begin, begin);
      while (next < end) {
        const batch = this.fetch(topic, partition, next, READ_PAGE_RECORDS, end);
        if (batch === undefined) break;
        yield batch;
        next = batch.nextOffset;
      }
    }
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const partitions = Array.from({ length: this.partitionsOf(topic) }, (_, partition) => partition);
    return Promise.resolve(
      partitions.map((partition) => {
        const end = this.endOffset(topic, partition);
        const begin = this.#statements.beginOffset.get(topic, partition)?.['offset'];
        return { partition, begin: begin === null || begin === undefined ? end : Number(begin), end };
      }),
    );
  }

  async offsetsAt(topic: string, timestamp: EpochMillis): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>();
    for (const { partition, end } of await this.offsets(topic)) {
      const row = this.#statements.offsetAt.get(topic, partition, timestamp);
      found.set(partition, row === undefined ? end : Number(row['offset']));
    }
    return found;
  }

  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const rows = this.#statements.committed.all(group, topic);
    return Promise.resolve(new Map(rows.map((row) => [Number(row['partition']), Number(row['offset'])])));
  }

  heldBack(): Promise<readonly HeldBack[]> {
    return Promise.resolve([]);
  }

  /** Up to `limit` records of a partition from `offset`, all below `end`; undefined when there are none. */
  fetch(
    topic: string,
    partition: number,
    offset: number,
    limit: number,
    end = Number.MAX_SAFE_INTEGER,
  ): Batch | undefined {
    const records: LogRecord[] = [];
    const rows = this.#statements.fetch.all(topic, partition, offset, end, limit) as unknown as readonly Row[];
    for (const row of rows) records.push(this.#recordOf(row, topic, partition));
    const last = records.at(-1);
    return last === undefined ? undefined : { topic, partition, records, nextOffset: last.offset + 1 };
  }

  /** Records retained in a topic. */
  count(topic: string): number {
    return Number(this.#statements.count.get(topic)?.['n']);
  }

  /** The latest of the partitions' last timestamps; null for an empty topic. */
  lastTimestamp(topic: string): EpochMillis | null {
    let latest: number | null = null;
    for (let partition = 0; partition < this.partitionsOf(topic); partition++) {
      const row = this.#statements.lastTimestamp.get(topic, partition);
      if (row !== undefined) latest = Math.max(latest ?? -Infinity, Number(row['timestamp']));
    }
    return latest;
  }

  partitionsOf(topic: string): number {
    let count = this.#partitionCounts.get(topic);
    if (count === undefined) {
      const row = this.#statements.partitions.get(topic);
      if (row === undefined)
        throw new HarvestlineError('TOPIC_MISSING', `topic ${topic} does not exist in ${this.dataDir}`, {
          at: { topic },
        });
      count = Number(row['partitions']);
      this.#partitionCounts.set(topic, count);
    }
    return count;
  }

  isCompacted(topic: string): boolean {
    return this.database.prepare('SELECT cleanup FROM topics WHERE name = ?').get(topic)?.['cleanup'] === 'compact';
  }

  /** The offset that the partition's next record gets. */
  endOffset(topic: string, partition: number): number {
    const row = this.#statements.endOffset.get(topic, partition, topic, partition);
    return Number(row?.['end_offset']);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#consumers, (consumer) => consumer.stop()));
    if (this.database.isOpen) this.database.close();
  }

  /** SQLite keeps in a column whatever another program writes there. Throws DATA_DAMAGED for what no record of ours has. */
  #recordOf([offset, timestamp, key, value, headers]: Row, topic: string, partition: number): LogRecord {
    try {
      if (!isBlob(key) || !isBlob(value) || !isBlob(headers) || typeof timestamp !== 'number')
        throw new TypeError('its columns are not of the types that they were written with');
      const decoded = headers === null ? NO_HEADERS : decodeHeaders(headers);
      return { topic, partition, offset, timestamp, key, value, headers: decoded };
    } catch (cause) {
      const at = { topic, partition, offset };
      const place = `${logFile(this.dataDir)}: ${formatCoordinates(at)}`;
      throw new HarvestlineError('DATA_DAMAGED', `${place}: ${messageOf(cause)}`, { at, cause });
    }
  }

  #createTopic(topic: TopicSpec): TopicDrift {
    const found = this.#compareTopic(topic);
    if (found.state !== 'missing') return found;
    this.database
      .prepare('INSERT INTO topics (name, partitions, cleanup, retention_ms) VALUES (?, ?, ?, ?)')
      .run(topic.name, topic.partitions, topic.cleanup, topic.retentionMs);
    return { topic: topic.name, state: 'created' };
  }

  #compareTopic(topic: TopicSpec): TopicDrift {
    const found = this.database
      .prepare('SELECT partitions, cleanup, retention_ms FROM topics WHERE name = ?')
      .get(topic.name);
    if (found === undefined) return { topic: topic.name, state: 'missing' };
    const wanted = { partitions: topic.partitions, cleanup: topic.cleanup, retention_ms: topic.retentionMs };
    const differs = Object.entries(wanted)
      .map(([setting, value]) => ({ setting, is: String(found[setting]), wanted: String(value) }))
      .filter(({ is, wanted: value }) => is !== value);
    return driftOf(topic.name, differs);
  }

  #insert(record: OutgoingRecord, ends: Map<string, number>): void {
    const partitions = this.partitionsOf(record.topic);
    const partition = record.partition ?? partitionOf(record.key, partitions);
    if (partition >= partitions) {
      const { topic } = record;
      const refusal = new HarvestlineError('PARTITION_MISSING', `${topic} has no partition ${partition}`, {
        at: { topic, partition },
      });
      const substitute = record.ifRefused?.(refusal) ?? null;
      if (substitute === null) throw refusal;
      this.#insert({ topic, ...substitute }, ends);
      return;
    }
    const place = `${record.topic}/${partition}`;
    const offset = ends.get(place) ?? this.endOffset(record.topic, partition);
    ends.set(place, offset + 1);
    const headers = record.headers === undefined || record.headers.length === 0 ? null : encodeHeaders(record.headers);
    this.#statements.insert.run(record.topic, partition, offset, record.timestamp, record.key, record.value, headers);
  }
}

/** Offset, timestamp, key, value and headers: as an array, which is made in two thirds of the time that an object takes. */
type Row = readonly [number, number, Uint8Array | null, Uint8Array | null, Uint8Array | null];

const NO_HEADERS: LogRecord['headers'] = [];

function isBlob(column: unknown): boolean {
  return column === null || column instanceof Uint8Array;
}

type Statements = Record<
  | 'insert'
  | 'fetch'
  | 'beginOffset'
  | 'endOffset'
  | 'lastTimestamp'
  | 'offsetAt'
  | 'partitions'
  | 'committed'
  | 'commit'
  | 'count',
  StatementSync
>;

function prepareStatements(database: SqliteFile): Statements {
  const statements: Statements = {
    insert: database.prepare(
      'INSERT INTO records (topic, partition, offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    fetch: database.prepare(
      `SELECT offset, timestamp, key, value, headers FROM records
       WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ? ORDER BY offset LIMIT ?`,
    ),
    beginOffset: database.prepare('SELECT min(offset) AS offset FROM records WHERE topic = ? AND partition = ?'),
    endOffset: database.prepare(
      `SELECT max(
         coalesce((SELECT max(offset) + 1 FROM records WHERE topic = ? AND partition = ?), 0),
         coalesce((SELECT end_offset FROM partition_floors WHERE topic = ? AND partition = ?), 0)
       ) AS end_offset`,
    ),
    offsetAt: database.prepare(
      'SELECT offset FROM records WHERE topic = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1',
    ),
    lastTimestamp: database.prepare(
      'SELECT timestamp FROM records WHERE topic = ? AND partition = ? ORDER BY offset DESC LIMIT 1',
    ),
    partitions: database.prepare('SELECT partitions FROM topics WHERE name = ?'),
    committed: database.prepare(
      'SELECT partition, offset FROM committed_offsets WHERE consumer_group = ? AND topic = ?',
    ),
    commit: database.prepare(
      `INSERT INTO committed_offsets (consumer_group, topic, partition, offset) VALUES (?, ?, ?, ?)
       ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET offset = excluded.offset`,
    ),
    count: database.prepare('SELECT count(*) AS n FROM records WHERE topic = ?'),
  };
  statements.fetch.setReturnArrays(true);
  return statements;
}
