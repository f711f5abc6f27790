/**
 * Fetch responses: decoded here in place of kafkajs, handed through kafkajs as FetchedRecords, and cut into batches for a handler (slicesOf)
 * or for a reader (recordsWithin).
 */
import type { EachBatchPayload } from 'kafkajs';
import type { LogRecord, Batch } from '../../ports/event-log.ts';
import { type AbortedTransaction, type FetchedBatch, readBatches } from './read-batches.ts';

/** The fields of a message that kafkajs reads. */
interface Placed {
  readonly offset: number;
  /** It holds no record for a handler, and kafkajs skips it. */
  readonly isControlRecord?: true;
}

/**
 * The records fetched from one partition. They take the place of kafkajs's array of messages, of which kafkajs uses the length, both ends,
 * `filter` and `some`. Records are decoded batch by batch, when they are handled.
 */
export class FetchedRecords {
  readonly #batches: readonly FetchedBatch[];
  /** The partition's last stable offset; 0 where unknown. */
  readonly #stableEnd: number;
  /** The offset of the next fetch; null where no whole batch was fetched. */
  readonly next: number | null;
  /** The number of records; 1 where the fetched offsets hold none. */
  readonly length: number;
  /** True where the partition is known to hold more from `next` on. */
  readonly isFollowed: boolean;
  /** Index 0 and the last one hold the first and the last offset. */
  readonly [index: number]: Placed;

  constructor(batches: readonly FetchedBatch[], next: number | null, stableEnd = 0) {
    this.#batches = batches;
    this.#stableEnd = stableEnd;
    this.isFollowed = next !== null && next < stableEnd;
    this.next = next;
    const [first] = batches;
    const count = batches.reduce((sum, batch) => sum + batch.count, 0);
    this.length = next === null ? 0 : Math.max(1, count);
    if (next === null) return;
    const last: Placed = first === undefined ? { offset: next - 1, isControlRecord: true } : { offset: next - 1 };
    Object.assign(this, { 0: { offset: first?.firstOffset ?? next - 1 } }, { [this.length - 1]: last });
  }

  get batches(): readonly FetchedBatch[] {
    return this.#batches;
  }

  /** kafkajs filters by a lowest offset, or filters out control records: both can be decided by whole batches. */
  filter(keep: (one: Placed) => unknown): FetchedRecords {
    const [first] = this.#batches;
    const end = this.next;
    if (end === null || (first !== undefined && keep({ offset: first.firstOffset }))) return this;
    const left = this.#batches.flatMap((batch): readonly FetchedBatch[] => {
      if (keep({ offset: batch.firstOffset })) return [batch];
      if (!keep({ offset: batch.lastOffset })) return [];
      const records = batch.records().filter(keep);
      const firstOffset = records[0]?.offset;
      return firstOffset === undefined
        ? []
        : [{ ...batch, firstOffset, count: records.length, records: () => records }];
    });
    if (left.length > 0) return new FetchedRecords(left, end, this.#stableEnd);
    return keep({ offset: end - 1, isControlRecord: true }) ? new FetchedRecords([], end, this.#stableEnd) : NOTHING;
  }

  some(is: (one: Placed) => unknown): boolean {
    const last = this[this.length - 1];
    return last !== undefined && Boolean(is(last));
  }
}

const NOTHING = new FetchedRecords([], null);

/** The records from `begin` to before `end`, as plain objects, since readers copy them. Throws BATCH_UNREADABLE. */
export function recordsWithin({ batches }: FetchedRecords, begin: number, end: number): readonly LogRecord[] {
  const records: LogRecord[] = [];
  for (const batch of batches) {
    if (batch.lastOffset < begin || batch.firstOffset >= end) continue;
    for (const { topic, partition, offset, timestamp, key, value, headers } of batch.records()) {
      if (offset < begin || offset >= end) continue;
      records.push({ topic, partition, offset, timestamp, key, value, headers });
    }
  }
  return records;
}

/** One partition of a fetch response, in kafkajs's names. */
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly preferredReadReplica: number;
  /** Empty: `messages` does not contain their records. */
  readonly abortedTransactions: readonly [];
  readonly messages: FetchedRecords;
}

export interface FetchResponse {
  readonly throttleTime: number;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

/**
 * Decodes a fetch response of version 11 (Kafka 2.3 and later) and checks the CRC of its record batches. Throws BATCH_UNREADABLE. kafkajs's
 * own decoder supports gzip only, checks no CRC, and loses the order of headers.
 */
export function decodeFetchResponse(bytes: Buffer): FetchResponse {
  const cursor = new Fields(bytes);
  const clientSideThrottleTime = cursor.int32();
  const errorCode = cursor.int16();
  const sessionId = cursor.int32();
  const responses = cursor.array(() => {
    const topicName = cursor.string();
    return { topicName, partitions: cursor.array(() => decodePartition(cursor, topicName)) };
  });
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

function decodePartition(cursor: Fields, topic: string): FetchedPartition {
  const partition = cursor.int32();
  const errorCode = cursor.int16();
  const highWatermark = cursor.int64();
  const lastStableOffset = cursor.int64();
  const lastStartOffset = cursor.int64();
  const aborted = cursor.array((): AbortedTransaction => ({
    producerId: Number(cursor.int64()),
    firstOffset: Number(cursor.int64()),
  }));
  const preferredReadReplica = cursor.int32();
  const { batches, next } = readBatches(topic, partition, cursor.bytes(), aborted);
  return {
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    lastStartOffset,
    preferredReadReplica,
    abortedTransactions: [],
    messages: new FetchedRecords(batches, next, Number(lastStableOffset)),
  };
}

/** Reads the fields of a response one after the other, in the encoding of Kafka's protocol. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** As decimal text, like kafkajs's offsets. */
  int64(): string {
    this.#at += 8;
    return String(this.#bytes.readBigInt64BE(this.#at - 8));
  }

  string(): string {
    const length = this.int16();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** A view of the response; empty for null. */
  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Empty for null. */
  array<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(item());
    return items;
  }
}

/** A part of a fetch from one partition, small enough for a handler. */
export interface Slice {
  readonly batch: Batch;
  /** The offset to commit once it is handled. It may lie behind control records that follow the last record. */
  readonly commitOffset: number;
  /** True for the last slice of a fetch where the partition is known to hold more. */
  readonly isFollowed: boolean;
}

/** Cuts a fetch into slices of at most `size` records, each decoded when it is taken. Throws BATCH_UNREADABLE. */
export function* slicesOf(fetched: EachBatchPayload['batch'], size: number): Iterable<Slice> {
  const { topic, partition } = fetched;
  // kafkajs passes on what our own decoder returned.
  const { batches, length, isFollowed } = fetched.messages as unknown as FetchedRecords;
  const sliceOf = (records: readonly LogRecord[], isLast: boolean): Slice => {
    const nextOffset = (records.at(-1)?.offset ?? 0) + 1;
    return {
      batch: { topic, partition, records, nextOffset },
      commitOffset: isLast ? Number(fetched.lastOffset()) + 1 : nextOffset,
      isFollowed: isLast && isFollowed,
    };
  };
  let left = length;
  let records: LogRecord[] = [];
  for (const batch of batches) {
    const all = batch.records();
    for (let start = 0; start < all.length;) {
      const end = Math.min(all.length, start + size - records.length);
      records.push(...all.slice(start, end));
      left -= end - start;
      start = end;
      if (records.length < size && left > 0) continue;
      yield sliceOf(records, left === 0);
      records = [];
    }
  }
}
