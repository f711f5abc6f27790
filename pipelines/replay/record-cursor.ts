import type { Batch, EventLog, LogRecord, PartitionOffsets } from '../../ports/event-log.ts';

/** Nearer records are reached by reading on; to those farther ahead it is cheaper to jump. Unit: offsets. */
const READ_ON = 20_000;

/** What is to be found at an offset: the record, or why there is none. */
export type Found =
  { readonly record: LogRecord; readonly batch: Batch } | { readonly absent: 'input_removed' | 'input_missing' };

/**
 * Finds records of one topic by their coordinates. Invariants:
 * RC1  Asked in ascending order it reads each partition once; a step back or a long one ahead jumps.
 * RC2  Memory is one batch a partition.
 */
export class RecordCursor {
  readonly #log: EventLog;
  readonly #topic: string;
  readonly #partitions: ReadonlyMap<number, PartitionOffsets>;
  readonly #places = new Map<number, Place>();

  private constructor(log: EventLog, topic: string, offsets: readonly PartitionOffsets[]) {
    this.#log = log;
    this.#topic = topic;
    this.#partitions = new Map(offsets.map((part) => [part.partition, part]));
  }

  static async open(log: EventLog, topic: string): Promise<RecordCursor> {
    return new RecordCursor(log, topic, await log.offsets(topic));
  }

  /** A promise only where a batch must be read. */
  find(partition: number, offset: number): Found | Promise<Found> {
    const bounds = this.#partitions.get(partition);
    if (bounds === undefined || offset >= bounds.end) return { absent: 'input_missing' };
    if (offset < bounds.begin) return { absent: 'input_removed' };
    const batch = this.#places.get(partition)?.batch;
    if (batch !== undefined && offset >= firstOf(batch) && offset < batch.nextOffset) return within(batch, offset);
    return this.#seek(partition, offset);
  }

  async close(): Promise<void> {
    for (const { batches } of this.#places.values()) await batches.return?.();
    this.#places.clear();
  }

  async #seek(partition: number, offset: number): Promise<Found> {
    let place = this.#places.get(partition);
    const reached = place?.batch?.nextOffset ?? 0;
    if (place === undefined || offset < reached || offset - reached > READ_ON) {
      await place?.batches.return?.();
      const range = { from: new Map([[partition, offset]]), partitions: [partition] };
      place = { batches: this.#log.read(this.#topic, range)[Symbol.asyncIterator](), batch: undefined };
      this.#places.set(partition, place);
    }
    for (;;) {
      const next = await place.batches.next();
      if (next.done === true) {
        // Whatever comes next starts over.
        this.#places.delete(partition);
        return { absent: 'input_missing' };
      }
      place.batch = next.value;
      if (offset < next.value.nextOffset) return within(next.value, offset);
    }
  }
}

interface Place {
  readonly batches: AsyncIterator<Batch>;
  batch: Batch | undefined;
}

function firstOf({ records, nextOffset }: Batch): number {
  return records[0]?.offset ?? nextOffset;
}

/** Offsets may have gaps, so it is searched by halves. */
function within(batch: Batch, offset: number): Found {
  const { records } = batch;
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  const record = records[low];
  return record === undefined || record.offset !== offset ? { absent: 'input_missing' } : { record, batch };
}
