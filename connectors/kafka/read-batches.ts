/**
 * Kafka's record batches, as they were fetched (record-batch.ts has their layout).
 *
 * KFK-39  What is read are views of the bytes that came, or of those they unpacked to, made when they are asked for: what lives short costs
 *      the garbage collector nothing.
 * KFK-40  Headers keep their order, their repeats and their nulls.
 * KFK-41  A batch whose CRC differs, or that does not decode, is BATCH_UNREADABLE with topic, partition and base offset; it is never passed
 *      over.
 * KFK-42  Control records and records of aborted transactions are left out; the offset to go on from counts them.
 * KFK-43  A batch that the fetch cut off is left for the next fetch.
 */
import { crc32c } from '@node-rs/crc32';
import { HarvestlineError, formatCoordinates, messageOf } from '../../errors/harvestline-error.ts';
import type { Headers, LogRecord } from '../../ports/event-log.ts';
import type { ValuePlace } from '../../schemas/wire-format.ts';
import { codecOf, decompress } from './compression.ts';
import { AT, FORMAT, NO_HEADERS } from './record-batch.ts';

const CODEC_BITS = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The type in a control record's key: 0 ends a transaction without its records. */
const ABORT_MARKER = 0;

/** A transaction that was given up, as a fetch response names it. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** One batch as it was fetched: whole, by its AT.CRC, and its records not decoded yet. */
export interface FetchedBatch {
  /** Compaction may have taken away the first and the last of its records. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** At least one. */
  readonly count: number;
  /** Decodes them. Throws BATCH_UNREADABLE. */
  records(): readonly LogRecord[];
}

export interface FetchedBatches {
  readonly batches: readonly FetchedBatch[];
  /** The offset after the last whole batch; null where there was none. */
  readonly next: number | null;
}

/** Consecutive batches of a partition, but for those without a record for a reader (KFK-41 to KFK-43). Throws BATCH_UNREADABLE. */
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
    // Without its cause, which kafkajs would hand on in its place.
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

/** Which batches belong to transactions that were given up: the rule of the Java consumer, by producer and in the order of offsets. */
class Transactions {
  readonly #aborted: AbortedTransaction[];
  readonly #givenUp = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset);
  }

  /** Whether the batch's records count (KFK-42). Called for every batch, in order. */
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

/** The type of a control batch: the second number of its only record's key. */
function markerOf(batch: Buffer): number | null {
  const key = decodeRecords('', 0, batch, 0)[0]?.key ?? null;
  return key === null ? null : Buffer.from(key).readInt16BE(2);
}

function decodeRecords(topic: string, partition: number, batch: Buffer, base: number): readonly LogRecord[] {
  const attributes = batch.readInt16BE(AT.ATTRIBUTES);
  const codec = codecOf(attributes & CODEC_BITS);
  if (codec === undefined) throw new RangeError(`codec ${attributes & CODEC_BITS} is none of Kafka's`);
  const bytes = decompress(codec, batch.subarray(AT.RECORDS));
  const appendedAt = (attributes & LOG_APPEND_TIME) === 0 ? null : readLong(batch, AT.MAX_TIMESTAMP);
  const firstAt = readLong(batch, AT.BASE_TIMESTAMP);
  const cursor = new Cursor(bytes);
  const records: LogRecord[] = [];
  for (let left = batch.readInt32BE(AT.COUNT); left > 0; left--) {
    const length = cursor.varint();
    const end = cursor.position + length;
    // The record's own attributes: none are in use.
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

/** KFK-39: what a reader asks for is made then, so a copy by `...` has no key and no value. The codec reads the value where it lies. */
class FetchedRecord implements LogRecord, ValuePlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: Headers;
  readonly #bytes: Buffer;
  /** Negative for null. */
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

  /** A zigzag varint of up to 64 bits, as a number: what the format has in them fits one exactly. */
  varint(): number {
    const bytes = this.#bytes;
    let position = this.position;
    // Most have one byte or two. Beyond the end of the bytes the loop finds out.
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

  /** A length and as many bytes; null where the length is negative. */
  bytes(): Buffer | null {
    const length = this.skipBytes();
    return length < 0 ? null : this.#bytes.subarray(this.position - length, this.position);
  }

  /** The same, passing over them; returns the length. */
  skipBytes(): number {
    const length = this.varint();
    if (length < 0) return length;
    this.position += length;
    if (this.position > this.#bytes.length) throw new RangeError('a record goes beyond the end of its batch');
    return length;
  }
}

/** The factor of the tenth byte: a varint of 64 bits has no more. */
const LARGEST_FACTOR = 0x80 ** 9;

/** Offsets, times and producer ids fit a number exactly. */
function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
