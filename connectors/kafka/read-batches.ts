/**
 * Decodes fetched record batches. record-batch.ts has their layout and encodes them.
 *
 * KFK-39  Keys and values are views of the fetched or unpacked bytes. They are created at each use, so that short-lived ones cost the garbage
 *         collector nothing.
 * KFK-40  Headers keep their order, their repeats and their nulls.
 * KFK-41  A batch with a wrong CRC, or that does not decode, is BATCH_UNREADABLE with topic, partition and base offset. It is never skipped.
 * KFK-42  Control records and records of aborted transactions are left out, but the next offset counts them.
 * KFK-43  A batch that the end of the fetch cuts off is left for the next fetch.
 */
import { crc32c } from '@node-rs/crc32';
import { HarvestlineError, formatCoordinates, messageOf } from '../../errors/harvestline-error.ts';
import type { Headers, LogRecord } from '../../ports/event-log.ts';
import type { ValuePlace } from '../../schemas/wire-format.ts';
import { CODECS } from './codecs.ts';
import { decompress } from './compression.ts';
import { AT, FORMAT, NO_HEADERS } from './record-batch.ts';

const CODEC_BITS = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The type of a control record that aborts a transaction. */
const ABORT_MARKER = 0;

/** An aborted transaction in a fetch response. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** A fetched batch with a correct CRC, whose records are not decoded yet. */
export interface FetchedBatch {
  /** Compaction may have removed its first and last records. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The number of records, at least one. */
  readonly count: number;
  /** Decodes them. Throws BATCH_UNREADABLE. */
  records(): readonly LogRecord[];
}

interface FetchedBatches {
  readonly batches: readonly FetchedBatch[];
  /** The offset after the last whole batch; null where there was none. */
  readonly next: number | null;
}

/** Reads consecutive batches of a partition, without those that hold no record for a reader (KFK-41 to KFK-43). Throws BATCH_UNREADABLE. */
export function readBatches(
  topic: string,
  partition: number,
  bytes: Buffer,
  aborted: readonly AbortedTransaction[] = [],
): FetchedBatches {
  const transactions = new Transactions(aborted);
  const batches: FetchedBatch[] = [];
  let next: number | null = null;
  for (let start = 0; start + AT.RECORDS <= bytes.length;) {
    const end = start + AT.LEADER_EPOCH + bytes.readInt32BE(start + AT.LENGTH);
    // KFK-43.
    if (end > bytes.length) break;
    const firstOffset = readLong(bytes, start);
    const at = { topic, partition, offset: firstOffset };
    const batch = bytes.subarray(start, end);
    const { lastOffset, isTaken } = orUnreadable(at, () => {
      if (end < start + AT.RECORDS) throw new RangeError('its length is below that of a header');
      checkBytes(batch);
      const last = firstOffset + batch.readInt32BE(AT.LAST_OFFSET_DELTA);
      return { lastOffset: last, isTaken: transactions.takes(batch, last) };
    });
    next = lastOffset + 1;
    const count = batch.readInt32BE(AT.COUNT);
    if (isTaken && count > 0) {
      const decode = (): readonly LogRecord[] => decodeRecords(topic, partition, batch, firstOffset);
      batches.push({ firstOffset, lastOffset, count, records: () => orUnreadable(at, decode) });
    }
    start = end;
  }
  return { batches, next };
}

function orUnreadable<T>(at: { topic: string; partition: number; offset: number }, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const why = `${formatCoordinates(at)}: the record batch does not decode: ${messageOf(thrown)}`;
    // Without a cause: kafkajs would throw the cause in its place.
    throw new HarvestlineError('BATCH_UNREADABLE', why, { at });
  }
}

function checkBytes(batch: Buffer): void {
  const format = batch.readInt8(AT.MAGIC);
  if (format !== FORMAT) throw new RangeError(`message format ${format}, of a broker before 0.11, is not read`);
  const found = crc32c(batch.subarray(AT.ATTRIBUTES));
  const said = batch.readUInt32BE(AT.CRC);
  if (found !== said) throw new RangeError(`its AT.CRC is ${found}, the batch says ${said}`);
}

/** Finds the batches of aborted transactions by the rule of the Java consumer: by producer, in the order of offsets. */
class Transactions {
  readonly #aborted: AbortedTransaction[];
  readonly #givenUp = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset);
  }

  /** False for control records and aborted records (KFK-42). To be called for every batch, in order. */
  takes(batch: Buffer, lastOffset: number): boolean {
    const attributes = batch.readInt16BE(AT.ATTRIBUTES);
    const producer = readLong(batch, AT.PRODUCER_ID);
    for (
      let next = this.#aborted.at(-1);
      next !== undefined && next.firstOffset <= lastOffset;
      next = this.#aborted.at(-1)
    ) {
      this.#givenUp.add(next.producerId);
      this.#aborted.pop();
    }
    if ((attributes & CONTROL) !== 0) {
      if (markerOf(batch) === ABORT_MARKER) this.#givenUp.delete(producer);
      return false;
    }
    return (attributes & TRANSACTIONAL) === 0 || !this.#givenUp.has(producer);
  }
}

/** The type of a control batch: the second number in the key of its single record. */
function markerOf(batch: Buffer): number | null {
  const key = decodeRecords('', 0, batch, 0)[0]?.key ?? null;
  return key === null ? null : Buffer.from(key).readInt16BE(2);
}

function decodeRecords(topic: string, partition: number, batch: Buffer, base: number): readonly LogRecord[] {
  const attributes = batch.readInt16BE(AT.ATTRIBUTES);
  const codec = CODECS[attributes & CODEC_BITS];
  if (codec === undefined) throw new RangeError(`codec ${attributes & CODEC_BITS} is none of Kafka's`);
  const bytes = decompress(codec, batch.subarray(AT.RECORDS));
  const appendedAt = (attributes & LOG_APPEND_TIME) === 0 ? null : readLong(batch, AT.MAX_TIMESTAMP);
  const firstAt = readLong(batch, AT.BASE_TIMESTAMP);
  const cursor = new Cursor(bytes);
  const records: LogRecord[] = [];
  for (let left = batch.readInt32BE(AT.COUNT); left > 0; left--) {
    const length = cursor.varint();
    const end = cursor.position + length;
    // The attributes of a record are not in use.
    cursor.position += 1;
    const timestamp = firstAt + cursor.varint();
    const offset = base + cursor.varint();
    const keyLength = cursor.skipBytes();
    const keyEnd = cursor.position;
    const valueLength = cursor.skipBytes();
    const valueEnd = cursor.position;
    const valueStart = valueLength < 0 ? -1 : valueEnd - valueLength;
    const headers = readHeaders(cursor);
    if (cursor.position !== end) throw new RangeError('a record is not as long as it says');
    records.push(
      new FetchedRecord(
        topic,
        partition,
        offset,
        appendedAt ?? timestamp,
        headers,
        bytes,
        keyLength,
        keyEnd,
        valueStart,
        valueEnd,
      ),
    );
  }
  if (cursor.position !== bytes.length) throw new RangeError('bytes are left over behind its last record');
  return records;
}

/** A record whose key and value are created at each use (KFK-39), so a copy by `...` lacks both. The codec reads the value in place. */
class FetchedRecord implements LogRecord, ValuePlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: Headers;
  readonly #bytes: Buffer;
  /** Negative where the key is null. */
  readonly #keyLength: number;
  readonly #keyEnd: number;
  readonly #valueStart: number;
  readonly #valueEnd: number;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    timestamp: number,
    headers: Headers,
    bytes: Buffer,
    keyLength: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.headers = headers;
    this.#bytes = bytes;
    this.#keyLength = keyLength;
    this.#keyEnd = keyEnd;
    this.#valueStart = valueStart;
    this.#valueEnd = valueEnd;
  }

  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#bytes.subarray(this.#keyEnd - this.#keyLength, this.#keyEnd);
  }

  get within(): Buffer {
    return this.#bytes;
  }

  get valueStart(): number {
    return this.#valueStart;
  }

  get valueEnd(): number {
    return this.#valueEnd;
  }

  get value(): Buffer | null {
    return this.#valueStart < 0 ? null : this.#bytes.subarray(this.#valueStart, this.#valueEnd);
  }
}

function readHeaders(cursor: Cursor): Headers {
  const count = cursor.varint();
  if (count === 0) return NO_HEADERS;
  const headers: [string, Uint8Array | null][] = [];
  for (let left = count; left > 0; left--) {
    const name = cursor.bytes();
    if (name === null) throw new RangeError('a header has no name');
    headers.push([name.toString('utf8'), cursor.bytes()]);
  }
  return headers;
}

/** A position in the bytes of a batch's records. Throws RangeError beyond their end. */
class Cursor {
  readonly #bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** A zigzag varint of up to 64 bits. The values of the format fit a number exactly. */
  varint(): number {
    const bytes = this.#bytes;
    let position = this.position;
    // Most have one or two bytes. Beyond the end 0x80 leads to the loop below, which throws.
    const first = bytes[position] ?? 0x80;
    if (first < 0x80) {
      this.position = position + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = bytes[position + 1] ?? 0x80;
    if (second < 0x80) {
      this.position = position + 2;
      const low = (first & 0x7f) | (second << 7);
      return (low >>> 1) ^ -(low & 1);
    }
    let raw = 0;
    let factor = 1;
    for (;;) {
      const byte = bytes[position++];
      if (byte === undefined || factor > LARGEST_FACTOR) throw new RangeError('a number does not end');
      raw += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
    }
    this.position = position;
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  /** A length and that many bytes; null where the length is negative. */
  bytes(): Buffer | null {
    const length = this.skipBytes();
    return length < 0 ? null : this.#bytes.subarray(this.position - length, this.position);
  }

  /** Skips a length and that many bytes, and returns the length. */
  skipBytes(): number {
    const length = this.varint();
    if (length < 0) return length;
    this.position += length;
    if (this.position > this.#bytes.length) throw new RangeError('a record goes beyond the end of its batch');
    return length;
  }
}

/** The factor of the tenth byte, the last of a varint of 64 bits. */
const LARGEST_FACTOR = 0x80 ** 9;

/** Offsets, times and producer ids fit a number exactly. */
function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
