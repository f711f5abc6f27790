/**
 * Encodes Kafka's record batches (message format 2 of the protocol guide), each in one pass into a buffer of its exact size. Owns the layout
 * of a batch: lengths, deltas, CRC-32C, codec. read-batches.ts decodes them; partitions and sequence numbers belong to the producer.
 *
 * KFK-44  Headers keep their order, their repeats and their nulls.
 */
import { crc32c } from '@node-rs/crc32';
import type { Headers, OutgoingRecord } from '../../ports/event-log.ts';
import { type Codec, CODECS } from './codecs.ts';
import { compress } from './compression.ts';

/** The positions of the fields of a batch. Unit: bytes. */
export const AT = {
  LENGTH: 8,
  LEADER_EPOCH: 12,
  MAGIC: 16,
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  COUNT: 57,
  RECORDS: 61,
} as const;

/** The message format since Kafka 0.11. */
export const FORMAT = 2;

export const NO_HEADERS: Headers = [];

/** The producer's fields of a batch, by which the broker recognises a batch that it has already, and the codec. */
interface BatchWriter {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly codec: Codec;
}

/** Encodes at least one record for one partition, in that order. */
export function encodeBatch(records: readonly OutgoingRecord[], writer: BatchWriter): Buffer {
  const base = records[0]?.timestamp ?? 0;
  let size = 0;
  let latest = base;
  const bodies: number[] = [];
  let index = 0;
  for (const record of records) {
    const body = bodySize(record, index++, record.timestamp - base);
    bodies.push(body);
    size += varintSize(body) + body;
    if (record.timestamp > latest) latest = record.timestamp;
  }
  const isPacked = writer.codec !== 'none';
  const target = Buffer.allocUnsafe(isPacked ? size : AT.RECORDS + size);
  let at = isPacked ? 0 : AT.RECORDS;
  index = 0;
  for (const record of records) {
    at = writeVarint(target, at, bodies[index] ?? 0);
    at = writeBody(target, at, record, index++, record.timestamp - base);
  }
  const batch = isPacked ? Buffer.concat([Buffer.alloc(AT.RECORDS), compress(writer.codec, target)]) : target;
  batch.fill(0, 0, AT.RECORDS);
  batch.writeInt32BE(batch.length - AT.LEADER_EPOCH, AT.LENGTH);
  batch.writeInt32BE(-1, AT.LEADER_EPOCH);
  batch.writeInt8(FORMAT, AT.MAGIC);
  batch.writeInt16BE(CODECS.indexOf(writer.codec), AT.ATTRIBUTES);
  batch.writeInt32BE(records.length - 1, AT.LAST_OFFSET_DELTA);
  writeLong(batch, base, AT.BASE_TIMESTAMP);
  writeLong(batch, latest, AT.MAX_TIMESTAMP);
  writeLong(batch, writer.producerId, AT.PRODUCER_ID);
  batch.writeInt16BE(writer.producerEpoch, AT.PRODUCER_EPOCH);
  batch.writeInt32BE(writer.firstSequence, AT.BASE_SEQUENCE);
  batch.writeInt32BE(records.length, AT.COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(AT.ATTRIBUTES)), AT.CRC);
  return batch;
}

/** The largest size of a record in a batch before compression. Unit: bytes. */
export function recordSize(record: OutgoingRecord): number {
  // 20: its length, and deltas that are not known yet.
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

function varintSize(value: number): number {
  if (value >= 0 && value < 0x2000) return value < 0x40 ? 1 : 2;
  let raw = value < 0 ? -2 * value - 1 : 2 * value;
  let size = 1;
  while (raw >= 0x80) {
    raw = Math.floor(raw / 0x80);
    size += 1;
  }
  return size;
}

function writeVarint(target: Buffer, start: number, value: number): number {
  if (value >= 0 && value < 0x40) {
    target[start] = value << 1;
    return start + 1;
  }
  let raw = value < 0 ? -2 * value - 1 : 2 * value;
  let at = start;
  while (raw >= 0x80) {
    target[at++] = (raw % 0x80) | 0x80;
    raw = Math.floor(raw / 0x80);
  }
  target[at++] = raw;
  return at;
}

function writeLong(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigInt64BE(BigInt(value), at);
}
