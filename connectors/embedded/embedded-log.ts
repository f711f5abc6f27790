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
import { partitionOf } from '../../ports/partitioner.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import type { SqliteFile } from '../system/sqlite-file.ts';
import {
  decodeHeaders,
  encodeHeaders,
  logFile,
  openDatabase,
  openDatabaseReadOnly,
  prepareStatements,
  type Row,
  type Statements,
} from './database.ts';
import { EmbeddedConsumer } from './embedded-consumer.ts';
import { EmbeddedRegistry } from './embedded-registry.ts';

/** The page size of `read`: enough records for one statement, few enough to be collected young. */
const READ_PAGE_RECORDS = 100;

/** The next offset of a group in one partition. */
export interface Commit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * The EventLog on one SQLite file, without a broker or a registry server: for a first run, a dry run on one machine and fast tests. Several
 * processes may read and write the file. A group has one active member at a time; others wait. The outputs and the offset of a batch are one
 * transaction, so that a crash repeats nothing, which is more than the port promises.
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

  /** `clock` times polling and back-off only. It never appears in a record. */
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

  /** A member that its owner drives by `pump`, for `dev` and for tests, where all processors work in lock step. */
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

  /**
   * Applies the cleanup policy of some topics to the records of some accounts. `delete` removes those before the first record of the partition
   * that is within retention; `compact` keeps the newest record of each key. No offset is used twice. Returns the number of deleted records.
   *
   * @param now event time of these accounts, which may be virtual. Records without a key of these accounts are kept, because other desks in
   * the log may be years apart in time.
   */
  applyRetention(
    now: EpochMillis,
    { topics, accounts }: { readonly topics: readonly string[]; readonly accounts: Iterable<string> },
  ): number {
    const { database } = this;
    const prefixes = Array.from(accounts, (account) => Buffer.from(`${account}:`));
    return database.transaction(() => {
      let deleted = 0;
      for (const topic of topics) {
        const { cleanup, retention_ms = null } = database.prepare(CLEANUP).get(topic) ?? {};
        for (let partition = 0; partition < this.partitionsOf(topic); partition++) {
          const place = [topic, partition] as const;
          const end = this.endOffset(...place);
          let changes = 0;
          for (const prefix of prefixes) {
            if (cleanup === 'compact')
              changes += Number(database.prepare(COMPACT).run(...place, prefix, prefix, ...place).changes);
            else if (retention_ms !== null)
              changes += Number(
                database.prepare(EXPIRE).run(...place, prefix, prefix, ...place, now - Number(retention_ms), end)
                  .changes,
              );
          }
          if (changes > 0) database.prepare(KEEP_END).run(...place, end);
          deleted += changes;
        }
      }
      return deleted;
    });
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
      return { topic, partition, offset, timestamp, key, value, headers: decodeHeaders(headers) };
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

function isBlob(column: unknown): boolean {
  return column === null || column instanceof Uint8Array;
}

const CLEANUP = 'SELECT cleanup, retention_ms FROM topics WHERE name = ?';

const OWN = 'topic = ? AND partition = ? AND substr(key, 1, length(?)) = ?';

const COMPACT = `
  DELETE FROM records WHERE ${OWN} AND offset NOT IN (
    SELECT max(offset) FROM records WHERE topic = ? AND partition = ? AND key IS NOT NULL GROUP BY key
  )`;

const EXPIRE = `
  DELETE FROM records WHERE ${OWN} AND offset < coalesce((
    SELECT offset FROM records WHERE topic = ? AND partition = ? AND timestamp >= ? ORDER BY offset LIMIT 1
  ), ?)`;

const KEEP_END = `
  INSERT INTO partition_floors (topic, partition, end_offset) VALUES (?, ?, ?)
  ON CONFLICT (topic, partition) DO UPDATE SET end_offset = max(end_offset, excluded.end_offset)`;
