import type { Batch, EventLog, LogRecord, PartitionOffsets } from '../../ports/event-log.ts';

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
