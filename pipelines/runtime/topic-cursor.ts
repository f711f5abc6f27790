/**
 * Reading topics without a consumer group: `TopicCursor` goes on from where it was, `forEachRecord` reads one stretch between two ends, and
 * `mergePartitions` gives the records of all partitions in the order of time. Each decodes a batch at a time and skips what does not
 * decode. Nothing here awaits single records, but for `decodedRecords`.
 *
 * RUN-18  Every record is visited, those of a partition in their order. A batch in which the log or the visit failed is read again: its records
 *      may be visited twice, and none is left out.
 * RUN-19  A record that does not decode is counted, given to `onPoison`, and skipped.
 * RUN-20  A topic that ends before what was read of it is another topic of that name: it is read from its beginning, after a call of
 *      `onMadeAnew`.
 */
import { type HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Batch, EventLog, LogRecord, PartitionOffsets, ReadRange } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';

/** What a reader of topics needs. */
export interface ReadableTopics {
  readonly log: EventLog;
  readonly codec: RecordCodec;
}

/** Called with each decoded record, and where it lies. */
type Visit<N extends TopicName> = (record: RecordByTopic[N], at: LogRecord) => void;

/** Called with the records of some topics, those of a partition in their order; a record may come again (RUN-18). */
export type RecordObserver = { readonly [N in TopicName]?: Visit<N> };

/** Called with each record that does not decode, and why. */
export type OnPoison = (at: LogRecord, error: HarvestlineError) => void;

const NEVER_ABORTED = new AbortController().signal;

interface Start {
  /** Starts with what came then or later; with the oldest record where left out. */
  readonly since?: EpochMillis;
  /** RUN-20. For those to whom records that are gone no longer count: whatever was derived from them is to be dropped. */
  readonly onMadeAnew?: () => void;
}

/** Reads a topic on from where it was, by batches as they lie on the log. */
export class BatchCursor {
  readonly #log: EventLog;
  readonly #topic: string;
  readonly #since: EpochMillis;
  readonly #onMadeAnew: (() => void) | undefined;
  /** Partition -> the next offset; null before the first look. */
  #next: Map<number, number> | null = null;

  constructor(log: EventLog, topic: string, { since = -Infinity, onMadeAnew }: Start = {}) {
    this.#log = log;
    this.#topic = topic;
    this.#since = since;
    this.#onMadeAnew = onMadeAnew;
  }

  /** Leaves out all that lies there now. */
  async skipToEnd(): Promise<void> {
    this.#next = new Map((await this.#log.offsets(this.#topic)).map(({ partition, end }) => [partition, end]));
  }

  /**
   * To `ends`, or to the end that stands now, or until `signal` aborts. Asks for the ends first: partitions that have not grown cost no
   * read. A batch may go beyond `ends`: what lies there comes again in the next read.
   */
  async readOn(work: (batch: Batch) => Promise<void> | void, signal = NEVER_ABORTED, ends?: Ends): Promise<void> {
    const log = this.#log;
    let next = (this.#next ??= new Map(this.#since === -Infinity ? [] : await log.offsetsAt(this.#topic, this.#since)));
    const offsets = await log.offsets(this.#topic);
    // RUN-20.
    if (offsets.some(({ partition, end }) => end < (next.get(partition) ?? 0))) {
      this.#next = next = new Map();
      this.#onMadeAnew?.();
    }
    const endOf = (partition: number): number => ends?.get(partition) ?? Infinity;
    const grown = offsets.filter(
      ({ partition, begin, end }) => Math.min(end, endOf(partition)) > (next.get(partition) ?? begin),
    );
    if (grown.length === 0 || signal.aborted) return;
    const partitions = grown.map(({ partition }) => partition);
    for await (const batch of log.read(this.#topic, { from: new Map(next), partitions })) {
      await work(batch);
      next.set(batch.partition, Math.min(batch.nextOffset, endOf(batch.partition)));
      if (signal.aborted) return;
    }
  }
}

interface CursorOptions extends Start {
  readonly onPoison?: OnPoison;
  /** Waited for after every batch. */
  readonly pause?: (signal: AbortSignal) => Promise<void>;
}

/** Reads a topic on from where it was, and visits its decoded records. */
export class TopicCursor<N extends TopicName> {
  readonly #topics: ReadableTopics;
  readonly #topic: N;
  readonly #visit: Visit<N>;
  readonly #options: CursorOptions;
  readonly #batches: BatchCursor;
  #undecodable = 0;

  constructor(topics: ReadableTopics, topic: N, visit: Visit<N>, options: CursorOptions = {}) {
    this.#topics = topics;
    this.#topic = topic;
    this.#visit = visit;
    this.#options = options;
    this.#batches = new BatchCursor(topics.log, topic, options);
  }

  /** Records so far that did not decode. */
  get undecodable(): number {
    return this.#undecodable;
  }

  /** Leaves out all that lies there now. */
  skipToEnd(): Promise<void> {
    return this.#batches.skipToEnd();
  }

  /** To `ends`, or to the end that stands now, or until `signal` aborts. */
  readOn(signal = NEVER_ABORTED, ends?: Ends): Promise<void> {
    const { onPoison, pause } = this.#options;
    const work = async (batch: Batch): Promise<void> => {
      const end = ends?.get(batch.partition);
      this.#undecodable += await decodeBatch(this.#topics, this.#topic, batch, this.#visit, { end, onPoison });
      await pause?.(signal);
    };
    return this.#batches.readOn(work, signal, ends);
  }
}

/** Where a topic ends: what is appended later is left out. */
export type Ends = ReadonlyMap<number, number>;

/** A stretch of a topic; the end that stands when it is read where `ends` are left out. */
export type Stretch = ReadRange & { readonly ends?: Ends | undefined };

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

/** The stretch of one partition between two offsets. */
export function withinPartition({ partition, begin, end }: PartitionOffsets): Stretch {
  return {
    from: new Map([[partition, begin]]),
    partitions: begin < end ? [partition] : [],
    ends: new Map([[partition, end]]),
  };
}

/**
 * Visits each decoded record of a stretch of `topic`, in constant memory, one partition after the other. `onBatch` is called with the number
 * of records after each batch. Returns how many records did not decode.
 */
export async function forEachRecord<N extends TopicName>(
  topics: ReadableTopics,
  topic: N,
  { ends, ...range }: Stretch,
  visit: Visit<N>,
  onBatch?: (records: number) => void,
): Promise<number> {
  if (range.partitions?.length === 0) return 0;
  let undecodable = 0;
  const unfinished = new Set(ends?.keys());
  for await (const batch of topics.log.read(topic, range)) {
    const end = ends?.get(batch.partition);
    undecodable += await decodeBatch(topics, topic, batch, visit, { end });
    onBatch?.(batch.records.length);
    if (end === undefined || batch.nextOffset < end) continue;
    unfinished.delete(batch.partition);
    // What lies beyond the ends need not be read.
    if (unfinished.size === 0) break;
  }
  return undecodable;
}

/** The decoded records of a topic, one by one, for readers that have to wait between them: a promise for each. */
export async function* decodedRecords<N extends TopicName>(
  { log, codec }: ReadableTopics,
  topic: N,
  range: ReadRange = {},
  onPoison?: OnPoison,
): AsyncGenerator<{ readonly record: RecordByTopic[N]; readonly at: LogRecord }> {
  for await (const batch of log.read(topic, range)) {
    await codec.prepare(topic, batch.records);
    for (const at of batch.records) {
      const record = decodedOrNull(codec, topic, at, onPoison);
      if (record !== null) yield { record, at };
    }
  }
}

/** Visits the decoded records of a batch that lie before `end`. Returns how many did not decode. */
export async function decodeBatch<N extends TopicName>(
  { codec }: Pick<ReadableTopics, 'codec'>,
  topic: N,
  { records }: Batch,
  visit: Visit<N>,
  { end = Infinity, onPoison }: { readonly end?: number | undefined; readonly onPoison?: OnPoison | undefined } = {},
): Promise<number> {
  await codec.prepare(topic, records);
  let undecodable = 0;
  for (const at of records) {
    if (at.offset >= end) break;
    const record = decodedOrNull(codec, topic, at, onPoison);
    if (record === null) undecodable += 1;
    else visit(record, at);
  }
  return undecodable;
}

/** The record; null where it is poison. Its batch was prepared. */
export function decodedOrNull<N extends TopicName>(
  codec: RecordCodec,
  topic: N,
  at: LogRecord,
  onPoison?: OnPoison,
): RecordByTopic[N] | null {
  try {
    return codec.decode(topic, at);
  } catch (thrown) {
    if (!isKind(thrown, 'poison')) throw thrown;
    onPoison?.(at, thrown);
    return null;
  }
}

/** A stretch of a topic: for each partition the offset to start at and the offset to stop before. */
export type TopicRange = readonly PartitionOffsets[];

/** Called with each batch before its records come out, so that what they need can be fetched once a batch. */
type OnBatch = (batch: Batch) => Promise<void>;

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
