import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { fromKafkaHeaders, toKafkaHeaders } from '../../../connectors/kafka/headers.ts';
import { fixKafkajs } from '../../../connectors/kafka/kafkajs-fixes.ts';
import { Decoder } from '../../../connectors/kafka/kafkajs-internals.ts';
import type { Headers } from '../../../ports/event-log.ts';

const require = createRequire(import.meta.url);
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => {
  readonly buffer: Buffer;
};
const decodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as (
  decoder: object,
  batch: object,
) => { readonly headers: Parameters<typeof fromKafkaHeaders>[0] };

/** What a consumer gets of headers that a producer sent. */
function received(headers: Headers): unknown {
  fixKafkajs();
  const { buffer } = encodeRecord({ key: null, value: null, headers: toKafkaHeaders(headers) });
  const KafkaDecoder = Decoder as unknown as new (buffer: Buffer) => { readVarInt(): number };
  const decoder = new KafkaDecoder(buffer);
  decoder.readVarInt();
  const decoded = decodeRecord(decoder, { firstOffset: '0', firstTimestamp: '0' });
  return fromKafkaHeaders(decoded.headers).map(([name, value]) => [name, value === null ? null : String(value)]);
}

const header = (name: string, value: string): Headers[number] => [name, Buffer.from(value)];

describe('headers through kafkajs', () => {
  it('may have any name, that of what every object inherits too', () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', ''];
    expect(received(names.map((name) => header(name, 'v')))).toEqual(names.map((name) => [name, 'v']));
    expect(received([])).toEqual([]);
  });

  it('keep the values of a name that comes more than once', () => {
    expect(received([header('a', '1'), header('b', '2'), header('a', '3'), ['a', null]])).toEqual([
      ['a', '1'],
      ['a', '3'],
      ['a', null],
      ['b', '2'],
    ]);
  });

  it('may be as many as a record has room for', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => header(`h${at}`, ''));
    expect(received(many)).toHaveLength(100_000);
    expect(received(many.map(() => header('same', '')))).toHaveLength(100_000);
  });
});
