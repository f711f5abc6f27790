import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../../../connectors/kafka/codecs.ts';
import { type AbortedTransaction, readBatches } from '../../../connectors/kafka/read-batches.ts';
import { encodeBatch, recordSize } from '../../../connectors/kafka/record-batch.ts';
import type { LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';
import { partitionOfKey } from '../../../ports/partitioner.ts';
import type { WrittenRecord } from '../../../schemas/wire-format.ts';

const require = createRequire(import.meta.url);

/** The positions of base offset, attributes and CRC in a batch. */
const ATTRIBUTES_AT = 21;
const WRITER = { producerId: 7001, producerEpoch: 3, firstSequence: 40, codec: 'none' } as const;

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null });
const header = fc.tuple(
  fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom('constructor', '__proto__', '', '1')),
  bytes,
);
const outgoing: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constant('t'),
  key: bytes,
  value: bytes,
  timestamp: fc.oneof(
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.constantFrom(0, 1_795_000_000_000, 4_102_444_800_000),
  ),
  headers: fc.array(header, { maxLength: 4 }),
});
const batches = fc.array(outgoing, { minLength: 1, maxLength: 8 });

function plain({ key, value, timestamp, headers = [] }: OutgoingRecord | LogRecord): object {
  const hex = (given: Uint8Array | null): string | null => (given === null ? null : Buffer.from(given).toString('hex'));
  return { key: hex(key), value: hex(value), timestamp, headers: headers.map(([name, one]) => [name, hex(one)]) };
}

function decoded(
  given: Buffer,
  aborted: readonly AbortedTransaction[] = [],
): { records: LogRecord[]; next: number | null } {
  const { batches: read, next } = readBatches('t', 4, given, aborted);
  return { next, records: read.flatMap((batch) => batch.records()) };
}

/** A batch as the broker stores it, with the broker's base offset, which the CRC does not cover. */
function at(offset: number, batch: Buffer): Buffer {
  const stored = Buffer.from(batch);
  stored.writeBigInt64BE(BigInt(offset), 0);
  return stored;
}

describe('a record batch', () => {
  it('KFK-44, KFK-39, KFK-40: comes back as it was written, by every codec, with headers in their order, repeated and null', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom(...CODECS), fc.nat(1_000_000), (records, codec, base) => {
        const { records: read, next } = decoded(at(base, encodeBatch(records, { ...WRITER, codec })));
        expect(read.map(plain)).toEqual(records.map(plain));
        expect(read.map(({ offset }) => offset)).toEqual(records.map((_, index) => base + index));
        expect(next).toBe(base + records.length);
      }),
      { numRuns: 300 },
    );
  });

  it('KFK-39: a value lies where its place says, and a copy of its record has neither', () => {
    fc.assert(
      fc.property(batches, (records) => {
        for (const record of decoded(encodeBatch(records, WRITER)).records) {
          const { value, within, valueStart = 0, valueEnd = 0 }: WrittenRecord = record;
          expect(valueStart < 0 ? null : within?.subarray(valueStart, valueEnd)).toEqual(value);
          expect({ ...record }).not.toHaveProperty('within');
        }
      }),
      { numRuns: 100 },
    );
  });

  it('KFK-39: of megabytes comes back by every codec: their blocks and windows are smaller', () => {
    const noise = Buffer.from(
      Array.from({ length: 300_000 }, (_, index) => (index * index * 31 + (index >> 3)) & 0xff),
    );
    const values = [noise, Buffer.alloc(3_000_000, 'abc'), Buffer.concat([noise, noise])];
    const records = values.map((value, timestamp): OutgoingRecord => ({ topic: 't', key: null, value, timestamp }));
    for (const codec of CODECS) {
      const { records: read } = decoded(encodeBatch(records, { ...WRITER, codec }));
      expect(read).toHaveLength(values.length);
      expect(read.every(({ value }, index) => value !== null && values[index]?.equals(value) === true)).toBe(true);
    }
  });

  it('is what kafkajs reads, and what kafkajs writes is read', async () => {
    const Decoder = require('kafkajs/src/protocol/decoder.js') as new (given: Buffer) => object;
    const read = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (given: object) => Promise<{
      producerId: string;
      producerEpoch: number;
      firstSequence: number;
      records: { key: Buffer | null; value: Buffer | null; timestamp: string; offset: string }[];
    }>;
    await fc.assert(
      fc.asyncProperty(batches, async (records) => {
        const found = await read(new Decoder(encodeBatch(records, WRITER)));
        expect(found).toMatchObject({ producerId: '7001', producerEpoch: 3, firstSequence: 40 });
        const wanted = records.map((one, index) => ({ ...plain({ ...one, headers: [] }), offset: index }));
        expect(
          found.records.map(({ key, value, timestamp, offset }) => ({
            ...plain({ topic: '', key, value, timestamp: Number(timestamp), headers: [] }),
            offset: Number(offset),
          })),
        ).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });

  it('KFK-41: a changed byte is never passed over, whichever it is', () => {
    const records: OutgoingRecord[] = [
      { topic: 't', key: Buffer.from('a'), value: Buffer.from('first'), timestamp: 5 },
      { topic: 't', key: null, value: null, timestamp: 6, headers: [['h', null]] },
    ];
    for (const codec of CODECS) {
      const batch = encodeBatch(records, { ...WRITER, codec });
      for (let index = ATTRIBUTES_AT; index < batch.length; index++) {
        const damaged = Buffer.from(batch);
        damaged[index] = (damaged[index] ?? 0) ^ 0x10;
        expect(() => decoded(at(90, damaged))).toThrow(
          expect.objectContaining({ code: 'BATCH_UNREADABLE', at: { topic: 't', partition: 4, offset: 90 } }),
        );
      }
    }
  });

  it('KFK-43: what the fetch cut off is left for the next, however little is there', () => {
    const one = at(10, encodeBatch([{ topic: 't', key: null, value: Buffer.from('x'), timestamp: 1 }], WRITER));
    const two = at(11, encodeBatch([{ topic: 't', key: null, value: Buffer.from('y'), timestamp: 2 }], WRITER));
    for (let length = 0; length < two.length; length++) {
      const { records, next } = decoded(Buffer.concat([one, two.subarray(0, length)]));
      expect([records.length, next]).toEqual([1, 11]);
    }
    expect(decoded(Buffer.alloc(0))).toEqual({ records: [], next: null });
  });

  it('KFK-42: records of transactions that were given up are left out, also where transactions of a partition overlap', () => {
    const log = Buffer.concat([
      transactional(1, 0, ['a0', 'a1']),
      transactional(2, 2, ['b2']),
      marker(1, 3, 'abort'),
      transactional(1, 4, ['c4']),
      transactional(2, 5, ['d5']),
      marker(2, 6, 'abort'),
      marker(1, 7, 'commit'),
      at(8, encodeBatch([{ topic: 't', key: null, value: Buffer.from('e8'), timestamp: 1 }], WRITER)),
      transactional(2, 9, ['f9']),
      marker(2, 10, 'commit'),
    ]);
    // In the broker's order, which is by their ends and not by their begins.
    const { records, next } = decoded(log, [
      { producerId: 2, firstOffset: 2 },
      { producerId: 1, firstOffset: 0 },
    ]);
    expect(records.map(({ value }) => String(value))).toEqual(['c4', 'e8', 'f9']);
    expect(next).toBe(11);
  });

  it('is no larger than it is said to be before it is written', () => {
    fc.assert(
      fc.property(batches, (records) => {
        const size = records.reduce((sum, record) => sum + recordSize(record), 0);
        expect(encodeBatch(records, WRITER).length).toBeLessThanOrEqual(size + 61);
      }),
    );
  });
});

it('a key lies in the partition where the Java client puts it', () => {
  const hash = require('kafkajs/src/producer/partitioners/default/murmur2.js') as (key: Buffer) => number;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (key, partitions) => {
      expect(partitionOfKey(key, partitions)).toBe((hash(Buffer.from(key)) & 0x7fffffff) % partitions);
    }),
    { numRuns: 500 },
  );
});

function transactional(producerId: number, offset: number, values: readonly string[]): Buffer {
  const records = values.map((value) => ({ topic: 't', key: null, value: Buffer.from(value), timestamp: 1 }));
  return marked(at(offset, encodeBatch(records, { ...WRITER, producerId })), 0x10);
}

function marker(producerId: number, offset: number, kind: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]);
  const record = { topic: 't', key, value: Buffer.alloc(6), timestamp: 1 };
  return marked(at(offset, encodeBatch([record], { ...WRITER, producerId })), 0x30);
}

/** The batch with these attributes and a correct CRC. */
function marked(batch: Buffer, attributes: number): Buffer {
  const { crc32c } = require('@node-rs/crc32') as { crc32c: (given: Buffer) => number };
  batch.writeInt16BE(attributes, ATTRIBUTES_AT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), 17);
  return batch;
}
