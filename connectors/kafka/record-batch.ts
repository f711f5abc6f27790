/**
 * Kafka's record batches (message format 2 of the protocol guide), written and read in one pass.
 *
 * owns     the bytes of a batch: lengths, deltas, CRC-32C, codec, transaction markers
 * leaves   connections, groups and the other requests to kafkajs; partitions and sequence numbers to the producer
 *
 * B1  A batch is written into one buffer of its exact size. What is read are views of the bytes that came, or of those they unpacked to.
 * B2  Headers keep their order, their repeats and their nulls.
 * B3  A batch whose CRC differs, or that does not decode, is BATCH_UNREADABLE with topic, partition and base offset; it is never passed
 *     over.
 * B4  Control records and records of aborted transactions are left out; the offset to go on from counts them.
 * B5  A batch that the fetch cut off is left for the next fetch.
 */
import { crc32c } from '@node-rs/crc32';
import { HarvestlineError, formatCoordinates, messageOf } from '../../errors/harvestline-error.ts';
import type { Headers, LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import { type Codec, CODECS, codecOf, compress, decompress } from './compression.ts';

/** Offsets of a batch's fields. Unit: bytes. */
const LENGTH = 8;
const LEADER_EPOCH = 12;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const PRODUCER_EPOCH = 51;
const BASE_SEQUENCE = 53;
const COUNT = 57;
const RECORDS = 61;

const FORMAT = 2;
const CODEC_BITS = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The type in a control record's key: 0 ends a transaction without its records. */
const ABORT_MARKER = 0;

const NO_HEADERS: Headers = [];

/** Who writes a batch: what lets the broker recognise one that it has already. */
export interface BatchWriter {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly codec: Codec;
}

/** A batch of the records, which go to one partition in that order. At least one. */
export function encodeBatch(records: readonly OutgoingRecord[], writer: BatchWriter): Buffer {
  const base = records[0]?.timestamp ?? 0;
  let size = 0;
  let latest = base;
  const bodies: number[] = [];
  for (const [index, record] of records.entries()) {
    const body = bodySize(record, index, record.timestamp - base);
    bodies.push(body);
    size += varintSize(body) + body;
    if (record.timestamp > latest) latest = record.timestamp;
  }
  const isPacked = writer.codec !== 'none';
  const target = Buffer.allocUnsafe(isPacked ? size : RECORDS + size);
  let at = isPacked ? 0 : RECORDS;
  for (const [index, record] of records.entries()) {
    at = writeVarint(target, at, bodies[index] ?? 0);
    at = writeBody(target, at, record, index, record.timestamp - base);
  }
  const batch = isPacked ? Buffer.concat([Buffer.alloc(RECORDS), compress(writer.codec, target)]) : target;
  batch.fill(0, 0, RECORDS);
  batch.writeInt32BE(batch.length - LEADER_EPOCH, LENGTH);
  batch.writeInt32BE(-1, LEADER_EPOCH);
  batch.writeInt8(FORMAT, MAGIC);
  batch.writeInt16BE(CODECS.indexOf(writer.codec), ATTRIBUTES);
  batch.writeInt32BE(records.length - 1, LAST_OFFSET_DELTA);
  writeLong(batch, base, BASE_TIMESTAMP);
  writeLong(batch, latest, MAX_TIMESTAMP);
  writeLong(batch, writer.producerId, PRODUCER_ID);
  batch.writeInt16BE(writer.producerEpoch, PRODUCER_EPOCH);
  batch.writeInt32BE(writer.firstSequence, BASE_SEQUENCE);
  batch.writeInt32BE(records.length, COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES)), CRC);
  return batch;
}

/** The size that a record takes in a batch before compression, at most. Unit: bytes. */
export function recordSize(record: OutgoingRecord): number {
  // The length, and deltas that are not known yet.
  return bodySize(record, 0, 0) + 20;
}

function bodySize({ key, value, headers = NO_HEADERS }: OutgoingRecord, index: number, delta: number): number {
  let size = 1 + varintSize(delta) + varintSize(index) + bytesSize(key) + bytesSize(value) + varintSize(headers.length);
  for (const [name, content] of headers) {
    const length = Buffer.byteLength(name);
    size += varintSize(length) + length + bytesSize(content);
  }
  return size;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeBody(target: Buffer, start: number, record: OutgoingRecord, index: number, delta: number): number {
  const { key, value, headers = NO_HEADERS } = record;
  let at = start;
  target[at++] = 0;
  at = writeVarint(target, at, delta);
  at = writeVarint(target, at, index);
  at = writeBytes(target, at, key);
  at = writeBytes(target, at, value);
  at = writeVarint(target, at, headers.length);
  for (const [name, content] of headers) {
    const length = Buffer.byteLength(name);
    at = writeVarint(target, at, length);
    at += target.write(name, at, 'utf8');
    at = writeBytes(target, at, content);
  }
  return at;
}

function writeBytes(target: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, at, -1);
  const start = writeVarint(target, at, bytes.length);
  target.set(bytes, start);
  return start + bytes.length;
}

/** A transaction that was given up, as a fetch response names it. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * Adds the records of consecutive batches to `taken` (B3 to B5). Returns the offset after the last whole batch; null where there was
 * none. Throws BATCH_UNREADABLE.
 */
export function decodeBatches(
  taken: { push(record: LogRecord): unknown },
  topic: string,
  partition: number,
  bytes: Buffer,
  aborted: readonly AbortedTransaction[] = [],
): number | null {
  const transactions = new Transactions(aborted);
  let next: number | null = null;
  for (let start = 0; start + RECORDS <= bytes.length;) {
    const end = start + LEADER_EPOCH + bytes.readInt32BE(start + LENGTH);
    // B5.
    if (end > bytes.length) break;
    const offset = readLong(bytes, start);
    try {
      if (end < start + RECORDS) throw new RangeError('its length is below that of a header');
      const batch = bytes.subarray(start, end);
      checkBytes(batch);
      next = offset + batch.readInt32BE(LAST_OFFSET_DELTA) + 1;
      if (transactions.takes(batch, next - 1)) readRecords(taken, topic, partition, batch, offset);
    } catch (thrown) {
      const at = { topic, partition, offset };
      const why = `${formatCoordinates(at)}: the record batch does not decode: ${messageOf(thrown)}`;
      // Without its cause, which kafkajs would hand on in its place.
      throw new HarvestlineError('BATCH_UNREADABLE', why, { at });
    }
    start = end;
  }
  return next;
}

function checkBytes(batch: Buffer): void {
  const format = batch.readInt8(MAGIC);
  if (format !== FORMAT) throw new RangeError(`message format ${format}, of a broker before 0.11, is not read`);
  const found = crc32c(batch.subarray(ATTRIBUTES));
  const said = batch.readUInt32BE(CRC);
  if (found !== said) throw new RangeError(`its CRC is ${found}, the batch says ${said}`);
}

/** Which batches belong to transactions that were given up: the rule of the Java consumer, by producer and in the order of offsets. */
class Transactions {
  readonly #aborted: AbortedTransaction[];
  readonly #givenUp = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset);
  }

  /** Whether the batch's records count (B4). Called for every batch, in order. */
  takes(batch: Buffer, lastOffset: number): boolean {
    const attributes = batch.readInt16BE(ATTRIBUTES);
    const producer = readLong(batch, PRODUCER_ID);
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
  const records: LogRecord[] = [];
  readRecords(records, '', 0, batch, 0);
  const key = records[0]?.key ?? null;
  return key === null ? null : Buffer.from(key).readInt16BE(2);
}

function readRecords(
  taken: { push(record: LogRecord): unknown },
  topic: string,
  partition: number,
  batch: Buffer,
  base: number,
): void {
  const attributes = batch.readInt16BE(ATTRIBUTES);
  const codec = codecOf(attributes & CODEC_BITS);
  if (codec === undefined) throw new RangeError(`codec ${attributes & CODEC_BITS} is none of Kafka's`);
  const bytes = decompress(codec, batch.subarray(RECORDS));
  const appendedAt = (attributes & LOG_APPEND_TIME) === 0 ? null : readLong(batch, MAX_TIMESTAMP);
  const firstAt = readLong(batch, BASE_TIMESTAMP);
  const cursor = new Cursor(bytes);
  for (let left = batch.readInt32BE(COUNT); left > 0; left--) {
    const length = cursor.varint();
    const end = cursor.position + length;
    // The record's own attributes: none are in use.
    cursor.position += 1;
    const timestamp = firstAt + cursor.varint();
    const offset = base + cursor.varint();
    const key = cursor.bytes();
    const value = cursor.bytes();
    const headers = readHeaders(cursor);
    if (cursor.position !== end) throw new RangeError('a record is not as long as it says');
    taken.push({ topic, partition, offset, timestamp: appendedAt ?? timestamp, key, value, headers });
  }
  if (cursor.position !== bytes.length) throw new RangeError('bytes are left over behind its last record');
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
    const length = this.varint();
    if (length < 0) return null;
    const start = this.position;
    this.position = start + length;
    if (this.position > this.#bytes.length) throw new RangeError('a record goes beyond the end of its batch');
    return this.#bytes.subarray(start, this.position);
  }
}

/** The factor of the tenth byte: a varint of 64 bits has no more. */
const LARGEST_FACTOR = 0x80 ** 9;

function varintSize(value: number): number {
  let raw = value < 0 ? -2 * value - 1 : 2 * value;
  let size = 1;
  while (raw >= 0x80) {
    raw = Math.floor(raw / 0x80);
    size += 1;
  }
  return size;
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let raw = value < 0 ? -2 * value - 1 : 2 * value;
  let at = start;
  while (raw >= 0x80) {
    target[at++] = (raw % 0x80) | 0x80;
    raw = Math.floor(raw / 0x80);
  }
  target[at++] = raw;
  return at;
}

/** Offsets, times and producer ids fit a number exactly. */
function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function writeLong(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigInt64BE(BigInt(value), at);
}
