import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AvroRecord, AvroSchema } from '../../schemas/avro-schema.ts';
import { loadSchema, TOPICS, subjectOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { inWireFormat } from '../../schemas/wire-format.ts';
import { failureOf } from '../fixtures/thrown-by.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

const TOPIC = TOPICS.positionSnapshot;
const SNAPSHOT = GOOD_RECORDS[TOPIC.name];

const registry = await MemoryRegistry.withOwnSchemas();
const codec = await RecordCodec.open(registry);
const encoded = codec.encode(TOPIC.name, SNAPSHOT);

/** What another program writes whose schema is ours with these fields. Registered, and read back by a fresh codec. */
async function readFrom(fields: AvroRecord['fields'], record: object): Promise<() => unknown> {
  const schema = { ...loadSchema(TOPIC), fields };
  const id = await registry.register(subjectOf(TOPIC), JSON.stringify(schema));
  const value = inWireFormat(id, avsc.Type.forSchema(schema as avsc.Schema).toBuffer(record));
  const reader = await RecordCodec.open(registry);
  await reader.prepare(TOPIC.name, [{ value }]);
  return () => reader.decode(TOPIC.name, { value });
}

const FIELDS = loadSchema(TOPIC).fields;

describe('round trip', () => {
  test.each(Object.values(TOPICS))('$name', (topic) => {
    expect(codec.decode(topic.name, { value: codec.encode(topic.name, GOOD_RECORDS[topic.name]) })).toEqual(
      GOOD_RECORDS[topic.name],
    );
  });

  test('begins with a zero byte and the schema’s id', async () => {
    const id = await registry.idOf(subjectOf(TOPIC), JSON.stringify(loadSchema(TOPIC)));
    expect([...encoded.subarray(0, 5)]).toEqual([0, 0, 0, 0, id]);
  });

  test('of a record larger than the first buffer', () => {
    const record = { ...SNAPSHOT, r_history: Array.from({ length: 10_000 }, (_, index) => index / 7) };
    const value = codec.encode(TOPIC.name, record);
    expect(value.length).toBeGreaterThan(64 * 1024);
    expect(codec.decode(TOPIC.name, { value })).toEqual(record);
  });

  test('what was encoded is not touched by the next encoding', () => {
    const first = codec.encode(TOPIC.name, SNAPSHOT);
    codec.encode(TOPIC.name, { ...SNAPSHOT, symbol: 'ETHUSDT', source: 'another' });
    expect(codec.decode(TOPIC.name, { value: first })).toEqual(SNAPSHOT);
  });

  test('nor by many more, of other sizes, and all of them are read back', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 6_000 }), { minLength: 20, maxLength: 200 });
    fc.assert(
      fc.property(sizes, (counts) => {
        const records = counts.map((count, index) => ({
          ...SNAPSHOT,
          source: `number ${index}`,
          r_history: Array.from({ length: count }, (_, step) => step / 7),
        }));
        const values = records.map((record) => codec.encode(TOPIC.name, record));
        for (const [index, value] of values.entries())
          expect(codec.decode(TOPIC.name, { value })).toEqual(records[index]);
      }),
      { numRuns: 5 },
    );
  });

  test('of bytes that lie in the middle of a larger buffer, as fetched from a broker', () => {
    const fetched = Buffer.concat([Buffer.from('before'), encoded, Buffer.from('after')]);
    expect(codec.decode(TOPIC.name, { value: fetched.subarray(6, 6 + encoded.length) })).toEqual(SNAPSHOT);
  });

  test('a nullable field that was left out comes back null', () => {
    const { stop_price: _, ...rest } = SNAPSHOT;
    const value = codec.encode(TOPIC.name, rest as typeof SNAPSHOT);
    expect(codec.decode(TOPIC.name, { value })).toMatchObject({ stop_price: null });
  });
});

describe('other versions of the schema', () => {
  test('an older writer, without a field that has a default', async () => {
    const { volatility_gradient: _, ...older } = SNAPSHOT;
    const read = await readFrom(
      FIELDS.filter(({ name }) => name !== 'volatility_gradient'),
      older,
    );
    expect(read()).toEqual({ ...SNAPSHOT, volatility_gradient: null });
  });

  test('a newer writer, with a field that is not known here', async () => {
    const fee = { name: 'funding_rate', type: ['null', 'double'], default: null } as const;
    const read = await readFrom([...FIELDS.slice(0, 3), fee, ...FIELDS.slice(3)], { ...SNAPSHOT, funding_rate: 0.01 });
    expect(read()).toEqual(SNAPSHOT);
  });

  test('a newer writer with a symbol that is not known here: refused, nobody acts on it', async () => {
    const side = { type: 'enum', name: 'Side', symbols: ['LONG', 'SHORT', 'BOTH'] } as const;
    const read = await readFrom(
      FIELDS.map((field) => (field.name === 'side' ? { ...field, type: side } : field)),
      { ...SNAPSHOT, side: 'BOTH' },
    );
    expect(failureOf(read)).toMatchObject({
      code: 'RECORD_INVALID',
      problems: [{ path: 'side', why: 'must be one of LONG, SHORT, found "UNRECOGNISED"' }],
    });
  });

  test('a writer whose schema cannot be resolved is poison, for each of its records', async () => {
    const read = await readFrom(
      FIELDS.map((field) => (field.name === 'mark_price' ? { ...field, type: 'string' as const } : field)),
      { ...SNAPSHOT, mark_price: '107' },
    );
    for (const failure of [failureOf(read), failureOf(read)]) {
      expect(failure).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', kind: 'poison' });
    }
  });

  test('a writer that does not know the bounds: what is out of them is refused with every path', async () => {
    const loose = FIELDS.map((field) =>
      field.name === 'quantity' || field.name === 'entry_price' ? { ...field, type: 'double' as const } : field,
    );
    const read = await readFrom(loose, { ...SNAPSHOT, quantity: 0, entry_price: -1 });
    expect(failureOf(read).problems.map(({ path }) => path)).toEqual(['quantity', 'entry_price']);
  });
});

describe('SCH-7: a logical type of the writer that means something else', () => {
  /** A writer whose times are of that type, as apache/flink#28071 had it. */
  function timesOf(type: AvroSchema): AvroRecord['fields'] {
    return FIELDS.map((field) =>
      field.name === 'observed_at' || field.name === 'opened_at' ? { ...field, type } : field,
    );
  }
  const inMicros = {
    ...SNAPSHOT,
    observed_at: SNAPSHOT.observed_at * 1_000,
    opened_at: SNAPSHOT.opened_at * 1_000,
  };

  test('microseconds for milliseconds: refused, and the message names both fields and both types', async () => {
    const read = await readFrom(timesOf({ type: 'long', logicalType: 'timestamp-micros' }), inMicros);
    const failure = failureOf(read);
    expect(failure).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', kind: 'poison' });
    expect(failure.problems.map(({ path }) => path)).toEqual(['observed_at', 'opened_at']);
    expect(failure.message).toContain(
      'observed_at: the data holds timestamp-micros (long), the reader takes timestamp-millis (long)',
    );
  });

  test.each<[string, AvroSchema]>([
    ['a bare long', 'long'],
    ['the same type', { type: 'long', logicalType: 'timestamp-millis' }],
    ['a type of our own words', { type: 'long', logicalType: 'bounded', minimum: 0 }],
    ['a type of another program', { type: 'long', logicalType: 'desk-clock' }],
  ])('%s is read', async (_, type) => {
    expect((await readFrom(timesOf(type), SNAPSHOT))()).toEqual(SNAPSHOT);
  });

  test('texts that say what they are of are read', async () => {
    const uuid = { type: 'string', logicalType: 'uuid', 'avro.java.string': 'String' } as const;
    const fields = FIELDS.map((field) => (field.name === 'source' ? { ...field, type: uuid } : field));
    expect((await readFrom(fields, SNAPSHOT))()).toEqual(SNAPSHOT);
  });
});

describe('SCH-14: a fault of the bytes is poison', () => {
  test.each([
    ['no value', null, 'RECORD_EMPTY'],
    ['an empty value', Buffer.alloc(0), 'RECORD_EMPTY'],
    ['JSON', Buffer.from('{"side":"LONG"}'), 'NOT_WIRE_FORMAT'],
    ['a head alone, cut', Buffer.from([0, 0, 0]), 'NOT_WIRE_FORMAT'],
    ['an id that the registry does not know', inWireFormat(999, Buffer.from([1])), 'SCHEMA_UNKNOWN'],
    ['no body', encoded.subarray(0, 5), 'AVRO_CORRUPT'],
    ['a cut body', encoded.subarray(0, -3), 'AVRO_CORRUPT'],
    ['bytes after the record', Buffer.concat([encoded, Buffer.from([0])]), 'AVRO_CORRUPT'],
  ] as const)('%s', (_, value, code) => {
    expect(failureOf(() => codec.decode(TOPIC.name, { value }))).toMatchObject({ code, kind: 'poison' });
  });

  test('a list that claims a billion items is refused at once, before any memory is taken for it', () => {
    const empty = codec.encode(TOPIC.name, { ...SNAPSHOT, r_history: [] });
    // The list's end marker, just before the length and text of `source`.
    const position = empty.length - 2 - SNAPSHOT.source.length;
    expect(empty[position]).toBe(0);
    const count = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x07]);
    const value = Buffer.concat([empty.subarray(0, position), count, empty.subarray(position + 1)]);
    const failure = failureOf(() => codec.decode(TOPIC.name, { value }));
    expect(failure).toMatchObject({ code: 'AVRO_CORRUPT', kind: 'poison' });
    expect(failure.message).toContain('claims 1073741823 items');
  });

  test('nor does a map of another writer that claims as many entries', async () => {
    const limits = { name: 'limits', type: { type: 'map', values: 'null' } } as unknown as AvroRecord['fields'][number];
    const read = await readFrom([limits, ...FIELDS], { ...SNAPSHOT, limits: {} });
    expect(read()).toEqual(SNAPSHOT);
    const id = await registry.register(
      subjectOf(TOPIC),
      JSON.stringify({ ...loadSchema(TOPIC), fields: [limits, ...FIELDS] }),
    );
    const reader = await RecordCodec.open(registry);
    const value = inWireFormat(id, Buffer.concat([Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x07]), encoded.subarray(5)]));
    await reader.prepare(TOPIC.name, [{ value }]);
    expect(failureOf(() => reader.decode(TOPIC.name, { value })).message).toContain('claims 1073741823 items');
  });

  test('whatever bytes are changed, the answer is a good record or poison', () => {
    const change = fc.tuple(fc.nat({ max: encoded.length - 6 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat({ max: 3 }), (changes, cut) => {
        const value = Buffer.from(encoded.subarray(0, encoded.length - cut));
        for (const [index, byte] of changes) if (5 + index < value.length) value[5 + index] = byte;
        try {
          codec.encode(TOPIC.name, codec.decode(TOPIC.name, { value }));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(HarvestlineError);
          expect(thrown).toMatchObject({ kind: 'poison' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test('a bad record is not encoded, and the error says where and all that is wrong', () => {
  const failure = failureOf(() => codec.encode(TOPIC.name, { ...SNAPSHOT, quantity: NaN, peak_price: 1 }));
  expect(failure).toMatchObject({ code: 'RECORD_INVALID', kind: 'poison' });
  expect(failure.problems.map(({ path }) => path)).toEqual(['quantity', 'peak_price']);
  expect(failure.message).toContain(TOPIC.name);
});
