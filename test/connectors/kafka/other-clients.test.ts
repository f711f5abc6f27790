/** Batches of other clients (batches/README.md), byte for byte as a broker stores and sends them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../../../connectors/kafka/codecs.ts';
import { type AbortedTransaction, readBatches } from '../../../connectors/kafka/read-batches.ts';
import { clientRecord, lineOf } from './batches/client-records.ts';

/** Offsets in a batch. Unit: bytes. */
const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const RECORDS_AT = 61;

const BY_CODEC = CODECS.map((what) => ({ what, count: 20, offset: CODECS.indexOf(what) * 20 }));
const JAVA = [...BY_CODEC, { what: 'commit', count: 3, offset: 100 }, { what: 'commit', count: 3, offset: 112 }];
const JAVA_ABORTED: readonly AbortedTransaction[] = [104, 108].map((firstOffset) => ({ producerId: 12, firstOffset }));

const CLIENTS = [
  { client: 'java-4.1.0', written: JAVA, aborted: JAVA_ABORTED, end: 116 },
  { client: 'librdkafka-2.16.0', written: BY_CODEC, aborted: [], end: 100 },
] as const;

function recorded(client: string): Buffer {
  return readFileSync(new URL(`./batches/${client}.bin`, import.meta.url));
}

describe.each(CLIENTS)('$client', ({ client, written, aborted, end }) => {
  it('writes batches of every codec, which are read as they were sent, committed ones alone', () => {
    const { batches, next } = readBatches('t', 0, recorded(client), aborted);
    expect(next).toBe(end);
    const records = batches.flatMap((batch) => batch.records());
    const wanted = written.flatMap(({ what, count, offset }) =>
      Array.from({ length: count }, (_, index) => lineOf(clientRecord('t', what, index), 0, offset + index)),
    );
    expect(records.map((record) => lineOf(record, record.partition, record.offset))).toEqual(wanted);
    expect(codecsIn(recorded(client)).slice(0, CODECS.length)).toEqual([0, 1, 2, 3, 4]);
  });

  it('KFK-41: a batch whose checksum is wrong names topic, partition and offset, whatever its codec', () => {
    for (const [index, start] of startsIn(recorded(client)).entries()) {
      const bytes = recorded(client);
      bytes[start + CRC_AT] = (bytes[start + CRC_AT] ?? 0) ^ 1;
      const offset = Number(bytes.readBigInt64BE(start));
      expect(() => readBatches('position.snapshot', 3, bytes, aborted)).toThrow(
        expect.objectContaining({
          code: 'BATCH_UNREADABLE',
          at: { topic: 'position.snapshot', partition: 3, offset },
          message: expect.stringContaining(`position.snapshot[3]@${offset}`),
        }),
      );
      expect(index === 0 || offset > 0).toBe(true);
    }
  });
});

it('snappy is framed in two ways, and both are among these', () => {
  const framed = CLIENTS.map(({ client }) => {
    const bytes = recorded(client);
    const start = startsIn(bytes)[2] ?? 0;
    return bytes.subarray(start + RECORDS_AT, start + RECORDS_AT + 8).toString('latin1') === '\x82SNAPPY\0';
  });
  expect(framed).toEqual([true, false]);
});

function startsIn(bytes: Buffer): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + LENGTH_AT)) starts.push(at);
  return starts;
}

function codecsIn(bytes: Buffer): readonly number[] {
  return startsIn(bytes).map((start) => bytes.readInt16BE(start + ATTRIBUTES_AT) & 7);
}
