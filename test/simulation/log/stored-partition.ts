/**
 * One partition as a broker stores it: records by offset, and the fetches that wait for the next one. Nothing is copied but references.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Batch, LogRecord, PartitionOffsets } from '../../../ports/event-log.ts';

/** A fetch for an offset at which nothing is. Kafka's OFFSET_OUT_OF_RANGE. */
export class OffsetOutOfRange extends Error {
  override readonly name = 'OffsetOutOfRange';
}

/** A fetch that waits. Called once, when there is something to answer. */
export type Waiting = () => void;

export class StoredPartition {
  readonly topic: string;
  readonly partition: number;
  #records: LogRecord[] = [];
  /** By place in `#records`: the newest timestamp up to there. */
  #newest: EpochMillis[] = [];
  #begin = 0;
  #end = 0;
  #waiting = new Set<Waiting>();

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get records(): readonly LogRecord[] {
    return this.#records;
  }

  get offsets(): PartitionOffsets {
    return { partition: this.partition, begin: this.#begin, end: this.#end };
  }

  append({ timestamp, key, value, headers }: Omit<LogRecord, 'topic' | 'partition' | 'offset'>): LogRecord {
    const { topic, partition } = this;
    const record = { topic, partition, offset: this.#end, timestamp, key, value, headers };
    this.#end += 1;
    this.#newest.push(Math.max(timestamp, this.#newest.at(-1) ?? -Infinity));
    this.#records.push(record);
    return record;
  }

  /** Up to `limit` records from `offset` on, all below `end`; null where there are none. */
  batchFrom(offset: number, limit: number, end = this.#end): Batch | null {
    const first = this.#placeOf(offset);
    const records = this.#records.slice(first, Math.min(first + limit, this.#placeOf(end)));
    const last = records.at(-1);
    const { topic, partition } = this;
    return last === undefined ? null : { topic, partition, records, nextOffset: last.offset + 1 };
  }

  /** A consumer's fetch; null where nothing is there yet. Throws OffsetOutOfRange. */
  fetch(offset: number, limit: number): Batch | null {
    if (offset < this.#begin || offset > this.#end) {
      throw new OffsetOutOfRange(`${this.topic}[${this.partition}] has no offset ${offset}`);
    }
    return this.batchFrom(offset, limit);
  }

  offsetAt(timestamp: EpochMillis): number {
    const place = firstPlace(this.#newest.length, (at) => (this.#newest[at] ?? 0) >= timestamp);
    return this.#records[place]?.offset ?? this.#end;
  }

  /** Removes records before the first that is not older than `before`. Returns how many. */
  trim(before: EpochMillis): number {
    const kept = this.#records.findIndex(({ timestamp }) => timestamp >= before);
    const count = kept === -1 ? this.#records.length : kept;
    if (count === 0) return 0;
    this.#keep(this.#records.slice(count));
    this.#begin = this.#records[0]?.offset ?? this.#end;
    return count;
  }

  /** Keeps the last record of each key, and those without one. The partition begins where it did. */
  compact(): number {
    const last = new Map<string, LogRecord>();
    for (const record of this.#records) if (record.key !== null) last.set(textOf(record.key), record);
    const kept = this.#records.filter((record) => record.key === null || last.get(textOf(record.key)) === record);
    const count = this.#records.length - kept.length;
    if (count > 0) this.#keep(kept);
    return count;
  }

  wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  stopWaiting(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  wake(): void {
    if (this.#waiting.size === 0) return;
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  #keep(records: LogRecord[]): void {
    this.#records = records;
    let newest = -Infinity;
    this.#newest = records.map(({ timestamp }) => (newest = Math.max(newest, timestamp)));
  }

  /** The place of the first record at or after an offset. Without gaps it follows from the offset. */
  #placeOf(offset: number): number {
    const { length } = this.#records;
    const first = this.#records[0]?.offset ?? this.#end;
    if (this.#end - first === length) return Math.max(0, Math.min(length, offset - first));
    return firstPlace(length, (at) => (this.#records[at]?.offset ?? Infinity) >= offset);
  }
}

/** The first place below `length` for which `isThere` holds, which holds for all after it; `length` where it holds for none. */
function firstPlace(length: number, isThere: (place: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isThere(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
