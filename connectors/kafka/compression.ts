/**
 * The compression codecs of Kafka's record batches. All of them are read, because every client may choose one and a topic may impose one.
 * A setting decides which one is written.
 *
 * The unpacked size is bounded: a small batch that unpacks to gigabytes must not end the process.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync as compressSnappy, uncompressSync as uncompressSnappy } from 'snappy';
import type { Codec } from './codecs.ts';

/** Far above the largest usual batch after unpacking, and below the memory of a process. Unit: bytes. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/** The header of the Java client's snappy format. Other clients write a single block without it. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

/** The magic, and two versions of 4 bytes each. */
const XERIAL_HEADER_BYTES = 16;

/** The block size of the Java client. Unit: bytes. */
const XERIAL_BLOCK_BYTES = 32 * 1024;

interface Packer {
  readonly compress: (records: Buffer) => Buffer;
  readonly decompress: (packed: Buffer) => Buffer;
}

const PACKERS = {
  none: { compress: (records) => records, decompress: (packed) => packed },
  gzip: {
    compress: (records) => gzipSync(records),
    decompress: (packed) => gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES }),
  },
  snappy: { compress: packSnappy, decompress: unpackSnappy },
  // Unbounded, but a frame unpacks to 255 times its size at most.
  lz4: { compress: (records) => compressFrameSync(records), decompress: (packed) => decompressFrameSync(packed) },
  zstd: {
    compress: (records) => zstdCompressSync(records),
    decompress: (packed) => zstdDecompressSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES }),
  },
} as const satisfies Record<Codec, Packer>;

export function compress(codec: Codec, records: Buffer): Buffer {
  return PACKERS[codec].compress(records);
}

/** Throws the codec's error where the bytes are not in its format, and a RangeError where they unpack to more than the bound. */
export function decompress(codec: Codec, packed: Buffer): Buffer {
  return PACKERS[codec].decompress(packed);
}

/** In the Java client's format, which every client reads. */
function packSnappy(records: Buffer): Buffer {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const parts: Buffer[] = [header];
  for (let start = 0; start < records.length; start += XERIAL_BLOCK_BYTES) {
    const block = compressSnappy(records.subarray(start, start + XERIAL_BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

function unpackSnappy(packed: Buffer): Buffer {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unpackBlock(packed, MAX_UNPACKED_BYTES);
  const parts: Buffer[] = [];
  let left = MAX_UNPACKED_BYTES;
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const start = at + 4;
    const end = start + packed.readInt32BE(at);
    if (end < start || end > packed.length) throw new RangeError('a snappy block is longer than what holds it');
    const part = unpackBlock(packed.subarray(start, end), left);
    left -= part.length;
    parts.push(part);
    at = end;
  }
  return Buffer.concat(parts);
}

function unpackBlock(block: Buffer, most: number): Buffer {
  // A block begins with its unpacked size, a varint of up to 32 bits.
  let size = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index] ?? 0;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  if (size > most) throw new RangeError(`a snappy block unpacks to ${size} bytes, at most ${most} are taken`);
  const records = uncompressSnappy(block);
  return typeof records === 'string' ? Buffer.from(records) : records;
}
