import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RETRY_HEADERS } from '../../pipelines/dlq/dead-letter.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AvroRecord, AvroSchema } from '../../schemas/avro-schema.ts';
import { loadSchema, TOPICS, subjectOf } from '../../schemas/topics.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import type { SchemaRegistry } from '../../schemas/registry.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { MemoryRegistry } from '../fixtures/memory-registry.ts';

const TOPIC = TOPICS.positionSnapshot;
const SNAPSHOT = GOOD_RECORDS[TOPIC.name];

const registry = await MemoryRegistry.withOwnSchemas();
const codec = await RecordCodec.open(registry);
const encoded = codec.encode(TOPIC.name, SNAPSHOT);

function failureOf(act: () => unknown): HarvestlineError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof HarvestlineError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

/** What another program writes whose schema is ours with these fields. Registered, and read back by a fresh codec. */
async function readFrom(fields: AvroRecord['fields'], record: object): Promise<() => unknown> {
  const schema = { ...loadSchema(TOPIC), fields };
  const id = await registry.register(subjectOf(TOPIC), JSON.stringify(schema));
  const value = wireFormat(id, avsc.Type.forSchema(schema as avsc.Schema).toBuffer(record));
  const reader = await RecordCodec.open(registry);
  await reader.prepare(TOPIC.name, [{ value }]);
  return () => reader.decode(TOPIC.name, { value });
}

function wireFormat(id: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, body]);
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

describe('SCH-28: a schema that is named in a header', () => {
  const GUID = '89791762-2336-4186-9674-299b90a802e2';
  const bare = encoded.subarray(5);
  const guidHeader = Buffer.concat([Buffer.from([1]), Buffer.from(GUID.replaceAll('-', ''), 'hex')]);

  async function outcomeOf(
    value: Uint8Array,
    headers: readonly (readonly [string, Uint8Array | null])[],
    known: readonly string[] = [GUID],
  ): Promise<unknown> {
    const theirs = await MemoryRegistry.withOwnSchemas();
    const text = JSON.stringify({ ...loadSchema(TOPIC), doc: 'theirs' });
    await theirs.register(subjectOf(TOPIC), text);
    for (const guid of known) theirs.guids.set(guid, text);
    const reader = await RecordCodec.open(theirs);
    const record = { value, headers };
    await reader.prepare(TOPIC.name, [record]);
    try {
      return reader.decode(TOPIC.name, record);
    } catch (thrown) {
      return thrown;
    }
  }

  const idHeader = Buffer.from([0, 0, 0, 0, Object.keys(TOPICS).length + 1]);

  test.each([
    ['its id', bare, [['__value_schema_id', idHeader]]],
    ['its GUID', bare, [['__value_schema_id', guidHeader]]],
    [
      'the last of two',
      bare,
      [
        ['__value_schema_id', Buffer.from([0, 0, 0, 0, 1])],
        ['__value_schema_id', guidHeader],
      ],
    ],
    ['the prefix, beside a header without a value', encoded, [['__value_schema_id', null]]],
    [
      'the prefix, beside headers of other things',
      encoded,
      [
        ['traceparent', Buffer.from('00')],
        ['__key_schema_id', idHeader],
      ],
    ],
  ] as const)('is read by %s', async (_, value, headers) => {
    expect(await outcomeOf(value, headers)).toEqual(SNAPSHOT);
  });

  test.each([
    ['a GUID that the registry does not know', bare, [['__value_schema_id', guidHeader]], 'SCHEMA_ID_IN_HEADER', GUID],
    [
      'the same beside a prefix that would be read',
      encoded,
      [['__value_schema_id', guidHeader]],
      'SCHEMA_ID_IN_HEADER',
      GUID,
    ],
    [
      'an id that the registry does not know',
      bare,
      [['__value_schema_id', Buffer.from([0, 0xff, 0, 0, 7])]],
      'SCHEMA_UNKNOWN',
      'schema id 4278190087 (header __value_schema_id)',
    ],
    [
      'a magic byte of neither',
      bare,
      [['__value_schema_id', Buffer.from([2, 0, 0, 0, 1])]],
      'SCHEMA_ID_IN_HEADER',
      '0x0200000001',
    ],
    ['an id that is cut', bare, [['__value_schema_id', Buffer.from([0, 0, 1])]], 'SCHEMA_ID_IN_HEADER', '0x000001'],
    ['no byte', bare, [['__value_schema_id', Buffer.alloc(0)]], 'SCHEMA_ID_IN_HEADER', '0 bytes'],
    ['an id as text', bare, [['__value_schema_id', Buffer.from('17')]], 'SCHEMA_ID_IN_HEADER', '0x3137'],
    [
      'Apicurio’s global id',
      bare,
      [['apicurio.value.globalId', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9])]],
      'SCHEMA_ID_IN_HEADER',
      'apicurio.value.globalId',
    ],
    [
      'Apicurio’s content id, and a value that begins as a prefix',
      encoded,
      [['apicurio.value.contentId', Buffer.alloc(8, 1)]],
      'SCHEMA_ID_IN_HEADER',
      'apicurio.value.contentId',
    ],
    [
      'an id of 8 bytes in front',
      Buffer.concat([Buffer.alloc(8), Buffer.from([3]), bare]),
      [],
      'NOT_WIRE_FORMAT',
      'a schema id of 8 bytes',
    ],
  ] as const)('%s is refused by that name', async (_, value, headers, code, text) => {
    expect(await outcomeOf(value, headers, [])).toMatchObject({
      code,
      kind: 'poison',
      message: expect.stringContaining(text),
    });
  });

  test('a header of another schema is believed before the prefix, and what the prefix says is never decoded', async () => {
    const record = { value: encoded, headers: [['__value_schema_id', idHeader]] as const };
    expect(await outcomeOf(record.value, record.headers)).toMatchObject({ code: 'AVRO_CORRUPT', kind: 'poison' });
  });
});

test.each([2 ** 31, 2 ** 32 - 1])('SCH-29: the id %i is one like others', async (id) => {
  const far: SchemaRegistry = {
    idOf: () => Promise.resolve(id),
    schemaOf: (asked) => Promise.resolve(asked === id ? JSON.stringify(loadSchema(TOPIC)) : null),
    versions: () => Promise.resolve([]),
    register: () => Promise.resolve(id),
  };
  const own = await RecordCodec.open(far, { topics: [TOPIC] });
  const value = own.encode(TOPIC.name, SNAPSHOT);
  expect(Buffer.from(value).readUInt32BE(1)).toBe(id);
  expect(own.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  const reader = await RecordCodec.open({ ...far, idOf: () => Promise.resolve(1) }, { topics: [TOPIC] });
  await reader.prepare(TOPIC.name, [{ value }]);
  expect(reader.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  expect(failureOf(() => own.encode(TOPIC.name, { ...SNAPSHOT, quantity: -1 })).code).toBe('RECORD_INVALID');
});

describe('SCH-14: a fault of the bytes is poison', () => {
  test.each([
    ['no value', null, 'RECORD_EMPTY'],
    ['an empty value', Buffer.alloc(0), 'RECORD_EMPTY'],
    ['JSON', Buffer.from('{"side":"LONG"}'), 'NOT_WIRE_FORMAT'],
    ['a head alone, cut', Buffer.from([0, 0, 0]), 'NOT_WIRE_FORMAT'],
    ['an id that the registry does not know', wireFormat(999, Buffer.from([1])), 'SCHEMA_UNKNOWN'],
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
    const value = wireFormat(id, Buffer.concat([Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x07]), encoded.subarray(5)]));
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

describe('the registry', () => {
  test('SCH-12: what it does not hold is refused at the start, all subjects at once, and nothing is registered', async () => {
    const empty = new MemoryRegistry();
    await expect(RecordCodec.open(empty)).rejects.toMatchObject({ code: 'SCHEMA_NOT_REGISTERED', kind: 'invariant' });
    await expect(RecordCodec.open(empty)).rejects.toThrow(Object.values(TOPICS).map(subjectOf).join(', '));
    expect(empty.subjects).toEqual([]);
  });

  test('a subject whose versions all differ from this program’s schema does not hold it', async () => {
    const other = await MemoryRegistry.withOwnSchemas();
    const stale = new MemoryRegistry();
    for (const topic of Object.values(TOPICS)) {
      const schema = loadSchema(topic);
      await stale.register(subjectOf(topic), JSON.stringify(topic === TOPIC ? { ...schema, doc: 'older' } : schema));
    }
    await expect(RecordCodec.open(other)).resolves.toBeInstanceOf(RecordCodec);
    await expect(RecordCodec.open(stale)).rejects.toThrow(`no version of ${subjectOf(TOPIC)} equal`);
  });

  test('SCH-14: away, it is transient and spoils nothing: the same record is read once it is back', async () => {
    const shaky = await MemoryRegistry.withOwnSchemas();
    const reader = await RecordCodec.open(shaky);
    const id = await shaky.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'newer' }));
    const value = wireFormat(id, encoded.subarray(5));
    shaky.away = true;
    await expect(reader.prepare(TOPIC.name, [{ value }])).rejects.toMatchObject({
      code: 'REGISTRY_AWAY',
      kind: 'transient',
    });
    shaky.away = false;
    await reader.prepare(TOPIC.name, [{ value }]);
    expect(reader.decode(TOPIC.name, { value })).toEqual(SNAPSHOT);
  });

  test('SCH-13: it is asked once for an id, not once for a record, and never for what names none', async () => {
    const counting = await MemoryRegistry.withOwnSchemas();
    const reader = await RecordCodec.open(counting);
    const id = await counting.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'newer' }));
    const values = [
      encoded,
      wireFormat(id, encoded.subarray(5)),
      wireFormat(999, encoded),
      null,
      Buffer.from('{}'),
    ].map((value) => ({ value }));
    await reader.prepare(TOPIC.name, [...values, ...values]);
    await reader.prepare(TOPIC.name, values);
    expect(counting.schemaRequests).toBe(2);
  });

  /** A registry that does not have the schema of `record` yet, a reader of it, and its clock. */
  async function lateSchema() {
    const growing = await MemoryRegistry.withOwnSchemas();
    const time = { now: 0 };
    const reader = await RecordCodec.open(growing, { now: () => time.now });
    const record = { value: wireFormat(Object.keys(TOPICS).length + 1, encoded.subarray(5)), headers: [] };
    const register = () => growing.register(subjectOf(TOPIC), JSON.stringify({ ...loadSchema(TOPIC), doc: 'late' }));
    return { growing, time, reader, record, register };
  }

  test('SCH-16: an unknown id is poison, and its records are read once the registry knows it, without a restart', async () => {
    const { time, reader, record, register } = await lateSchema();
    await reader.prepare(TOPIC.name, [record]);
    expect(failureOf(() => reader.decode(TOPIC.name, record)).code).toBe('SCHEMA_UNKNOWN');
    await register();
    time.now = 1_000;
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-16, SCH-17, SCH-18: it is asked for more and more rarely, a minute apart in the end, whatever many records name it', async () => {
    const { growing, time, reader, record } = await lateSchema();
    const askedAt: number[] = [];
    for (time.now = 0; time.now < 300_000; time.now += 500) {
      const before = growing.schemaRequests;
      await Promise.all([1, 2, 3].map(() => reader.prepare(TOPIC.name, [record, record, record])));
      if (growing.schemaRequests > before) askedAt.push(time.now);
    }
    expect(askedAt).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
    expect(growing.schemaRequests).toBe(askedAt.length);
  });

  test('SCH-16: a clock that is set back does not put the next question off', async () => {
    const { time, reader, record, register } = await lateSchema();
    time.now = 3_600_000;
    await reader.prepare(TOPIC.name, [record]);
    await register();
    time.now = 0;
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-16: a letter that was put back makes it ask at once, once a batch', async () => {
    const { growing, time, reader, record, register } = await lateSchema();
    const putBack = { ...record, headers: [[RETRY_HEADERS.of, Buffer.from('position.snapshot.dlq/0/0')]] as const };
    for (time.now = 0; time.now < 60_000; time.now += 1_000) await reader.prepare(TOPIC.name, [record]);
    const before = growing.schemaRequests;
    await reader.prepare(TOPIC.name, [record, putBack, putBack, record]);
    expect(growing.schemaRequests).toBe(before + 1);
    await register();
    await reader.prepare(TOPIC.name, [record]);
    expect(growing.schemaRequests).toBe(before + 1);
    await reader.prepare(TOPIC.name, [record, putBack]);
    expect(reader.decode(TOPIC.name, putBack)).toEqual(SNAPSHOT);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('SCH-14, SCH-19: a registry without an answer says nothing of an id: it is asked again at once', async () => {
    const { growing, reader, record, register } = await lateSchema();
    growing.away = true;
    await expect(reader.prepare(TOPIC.name, [record])).rejects.toMatchObject({ kind: 'transient' });
    growing.away = false;
    await register();
    await reader.prepare(TOPIC.name, [record]);
    expect(reader.decode(TOPIC.name, record)).toEqual(SNAPSHOT);
  });

  test('a topic that the codec was not opened for is refused', async () => {
    const narrow = await RecordCodec.open(registry, { topics: [TOPICS.tradeClosed] });
    expect(failureOf(() => narrow.encode(TOPIC.name, SNAPSHOT)).code).toBe('SCHEMA_NOT_REGISTERED');
  });
});

test('a bad record is not encoded, and the error says where and all that is wrong', () => {
  const failure = failureOf(() => codec.encode(TOPIC.name, { ...SNAPSHOT, quantity: NaN, peak_price: 1 }));
  expect(failure).toMatchObject({ code: 'RECORD_INVALID', kind: 'poison' });
  expect(failure.problems.map(({ path }) => path)).toEqual(['quantity', 'peak_price']);
  expect(failure.message).toContain(TOPIC.name);
});
