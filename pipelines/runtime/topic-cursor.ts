import { isKind } from '../../errors/harvestline-error.ts';
import type { Batch, EventLog, LogRecord, PartitionOffsets, ReadRange, TopicAdmin } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';
import type { EpochMillis } from '../../ports/clock.ts';

/** What a reader of topics needs. */
export interface ReadableTopics {
  readonly log: EventLog;
  readonly codec: RecordCodec;
}

/** Fetches the writers' schemas that a batch needs. */
export function prepareBatch(codec: RecordCodec, topic: TopicName, batch: Batch): Promise<void> {
  return codec.prepare(topic, batch.records);
}

/** The record; null where it is poison. Its batch was prepared. */
export function decodedOrNull<N extends TopicName>(
  codec: RecordCodec,
  topic: N,
  at: LogRecord,
): RecordByTopic[N] | null {
  try {
    return codec.decode(topic, at);
  } catch (error) {
    if (!isKind(error, 'poison')) throw error;
    return null;
  }
}

/** Where a topic ends: what is appended later is left out. */
export type Ends = ReadonlyMap<number, number>;

/** A stretch of a topic; the end that stands when it is read where `ends` are left out. */
export type VisitRange = ReadRange & { readonly ends?: Ends | undefined };

/** The ends of `topics` as they stand now, taken in the order given. */
export async function endsOf(
  log: Pick<EventLog, 'offsets'>,
  topics: readonly TopicName[],
): Promise<ReadonlyMap<TopicName, Ends>> {
  const ends = new Map<TopicName, Ends>();
  for (const topic of topics) {
    const offsets = await log.offsets(topic);
    ends.set(topic, new Map(offsets.map(({ partition, end }) => [partition, end])));
  }
  return ends;
}

/**
 * Calls `visit` with each decoded record of a stretch of `topic`, in constant memory, one partition after the other.
 * `onBatch` with the number of records after each batch. Returns how many records did not decode; they are passed over.
 */
export async function visitTopic<N extends TopicName>(
  { log, codec }: ReadableTopics,
  topic: N,
  { ends, ...range }: VisitRange,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
  onBatch?: (records: number) => void,
): Promise<number> {
  let undecodable = 0;
  const unfinished = new Set(ends?.keys());
  for await (const batch of log.read(topic, range)) {
    await prepareBatch(codec, topic, batch);
    const end = ends?.get(batch.partition) ?? Infinity;
    for (const at of batch.records) {
      if (at.offset >= end) break;
      const record = decodedOrNull(codec, topic, at);
      if (record === null) undecodable += 1;
      else visit(record, at);
    }
    onBatch?.(batch.records.length);
    if (batch.nextOffset < end) continue;
    unfinished.delete(batch.partition);
    // What lies beyond the ends need not be read.
    if (unfinished.size === 0) break;
  }
  return undecodable;
}

/** The same for one partition between two offsets. */
export async function visitRange<N extends TopicName>(
  topics: ReadableTopics,
  topic: N,
  { partition, begin, end }: PartitionOffsets,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
  onBatch?: (records: number) => void,
): Promise<number> {
  if (begin >= end) return 0;
  const range = { from: new Map([[partition, begin]]), partitions: [partition], ends: new Map([[partition, end]]) };
  return visitTopic(topics, topic, range, visit, onBatch);
}

/**
 * Reads a topic on from where it was, by bounded reads. A batch in which the log fails is read again, so a record may be visited
 * twice, and none is left out; what does not decode is counted and passed over.
 */
export class TopicPosition<N extends TopicName> {
  readonly #topics: ReadableTopics;
  readonly #topic: N;
  readonly #since: EpochMillis;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #visit: (record: RecordByTopic[N], at: LogRecord) => void;
  /** Partition -> the next offset; null before the first look. */
  #next: Map<number, number> | null = null;
  #undecodable = 0;

  /** Starts with what came at `since` or later, -Infinity for all. `pause` is waited for after every batch. */
  constructor(
    topics: ReadableTopics,
    topic: N,
    since: EpochMillis,
    pause: (signal: AbortSignal) => Promise<void>,
    visit: (record: RecordByTopic[N], at: LogRecord) => void,
  ) {
    this.#topics = topics;
    this.#topic = topic;
    this.#since = since;
    this.#pause = pause;
    this.#visit = visit;
  }

  /** Records so far that do not decode. */
  get undecodable(): number {
    return this.#undecodable;
  }

  /** To the end that stands now, or until `signal` aborts. */
  async readOn(signal: AbortSignal): Promise<void> {
    const { log, codec } = this.#topics;
    this.#next ??= this.#since === -Infinity ? new Map() : new Map(await log.offsetsAt(this.#topic, this.#since));
    if (signal.aborted) return;
    for await (const batch of log.read(this.#topic, { from: new Map(this.#next) })) {
      await prepareBatch(codec, this.#topic, batch);
      for (const at of batch.records) this.#tell(at);
      this.#next.set(batch.partition, batch.nextOffset);
      await this.#pause(signal);
      if (signal.aborted) return;
    }
  }

  #tell(at: LogRecord): void {
    const record = decodedOrNull(this.#topics.codec, this.#topic, at);
    if (record === null) this.#undecodable += 1;
    else this.#visit(record, at);
  }
}

/** The records of one topic that came since the last look. For views: it belongs to no consumer group. */
export class NewRecords<N extends TopicName> {
  readonly #log: EventLog;
  readonly #codec: RecordCodec;
  readonly #topic: N;
  readonly #positions = new Map<number, number>();

  constructor(log: EventLog, codec: RecordCodec, topic: N) {
    this.#log = log;
    this.#codec = codec;
    this.#topic = topic;
  }

  async skipToEnd(): Promise<void> {
    for (const { partition, end } of await this.#log.offsets(this.#topic)) this.#positions.set(partition, end);
  }

  async take(): Promise<readonly RecordByTopic[N][]> {
    const records: RecordByTopic[N][] = [];
    for await (const batch of this.#log.read(this.#topic, { from: this.#positions })) {
      await this.#codec.prepare(this.#topic, batch.records);
      for (const at of batch.records) records.push(this.#codec.decode(this.#topic, at));
      this.#positions.set(batch.partition, batch.nextOffset);
    }
    return records;
  }
}

/** The latest record of a topic by timestamp; null in an empty one. Reads one record a partition. */
export async function lastRecord(
  log: Pick<EventLog, 'offsets' | 'read'>,
  topic: string,
  offsets?: readonly PartitionOffsets[],
): Promise<LogRecord | null> {
  let last: LogRecord | null = null;
  const known = offsets ?? (await log.offsets(topic));
  const from = new Map(known.map(({ partition, begin, end }) => [partition, Math.max(begin, end - 1)]));
  for await (const { records } of log.read(topic, { from })) {
    for (const record of records) if (last === null || record.timestamp > last.timestamp) last = record;
  }
  return last;
}

/** A stretch of a topic: for each partition the offset to start at and the offset to stop before. */
export type TopicRange = readonly PartitionOffsets[];

/** Called with each batch before its records come out, so that what they need can be fetched once a batch. */
export type OnBatch = (batch: Batch) => Promise<void>;

/**
 * The records of a topic's partitions as one sequence, by timestamp, then partition, then offset. Within a partition
 * the order of offsets is kept even where timestamps go back. Memory: one batch a partition.
 *
 * Yields runs of records rather than single ones, so that nothing waits for each record.
 */
export async function* mergePartitions(
  log: EventLog,
  topic: string,
  range: TopicRange,
  onBatch: OnBatch,
): AsyncGenerator<readonly LogRecord[]> {
  const open = range.filter(({ begin, end }) => begin < end).map((part) => new PartitionReader(log, topic, part));
  let readers: readonly PartitionReader[] = open;
  for (;;) {
    for (const reader of readers) if (reader.head === undefined) await reader.refill(onBatch);
    readers = readers.filter((reader) => reader.head !== undefined);
    if (readers.length === 0) return;
    yield takeRun(readers);
  }
}

/** Takes the next record again and again until some reader's batch is used up. */
function takeRun(readers: readonly PartitionReader[]): readonly LogRecord[] {
  const run: LogRecord[] = [];
  for (;;) {
    let first: PartitionReader | undefined;
    for (const reader of readers) {
      if (reader.head === undefined) return run;
      // Readers are in ascending order of partitions, so an equal timestamp leaves the lower partition first.
      if (first?.head === undefined || reader.head.timestamp < first.head.timestamp) first = reader;
    }
    if (first?.head === undefined) return run;
    run.push(first.head);
    first.advance();
  }
}

/** One partition, a batch at a time, up to an end that is fixed. */
class PartitionReader {
  readonly #batches: AsyncIterator<Batch>;
  readonly #end: number;
  #records: readonly LogRecord[] = [];
  #index = 0;

  constructor(log: EventLog, topic: string, { partition, begin, end }: PartitionOffsets) {
    const batches = log.read(topic, { from: new Map([[partition, begin]]), partitions: [partition] });
    this.#batches = batches[Symbol.asyncIterator]();
    this.#end = end;
  }

  /** The next record; undefined when the batch is used up, and after a `refill` when the partition is. */
  get head(): LogRecord | undefined {
    const record = this.#records[this.#index];
    return record !== undefined && record.offset < this.#end ? record : undefined;
  }

  advance(): void {
    this.#index += 1;
  }

  async refill(onBatch: OnBatch): Promise<void> {
    // A record at or beyond the end stands at the index: nothing more comes.
    if (this.#records[this.#index] !== undefined) return;
    const next = await this.#batches.next();
    if (next.done === true) return;
    this.#records = next.value.records;
    this.#index = 0;
    await onBatch(next.value);
  }
}

/** What a viewer needs of a log. */
export interface ReadOnlyWorld {
  readonly log: EventLog;
  readonly codec: RecordCodec;
  /** Tells how the topics are set up, where that can be asked. */
  readonly admin?: Pick<TopicAdmin, 'compareTopics'>;
  /** Records retained in a topic. */
  counts(topic: string): number;
  /** `counts` is of offsets: some of them may hold no record. */
  readonly countsOffsets?: true;
  /**
   * This machine's clock, where the log is written live: on Kafka. Null for the embedded log, whose time is that of the market that `dev`
   * made up or replayed.
   */
  liveNow(): EpochMillis | null;
  close(): Promise<void>;
}
