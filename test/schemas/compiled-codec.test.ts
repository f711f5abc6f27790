import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroField, AvroRecord, AvroSchema } from '../../schemas/avro-schema.ts';
import { avroTypeOf } from '../../schemas/avro-type.ts';
import { compileCheck } from '../../schemas/check-record.ts';
import { type FastReader, compileReader, StringTable } from '../../schemas/compile-reader.ts';
import { GAVE_UP, NO_ROOM, compileWriter } from '../../schemas/compile-writer.ts';
import { loadSchema, TOPICS } from '../../schemas/topics.ts';
import { countedBranches } from '../fixtures/counted-branches.ts';
import { ODD_VALUE, valueOf } from './arbitrary-value.ts';
import { fuzzCodec, fuzzCompiled } from './codec-fuzz.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';

const SEED = Number(process.env['FAST_CHECK_SEED'] ?? 1);
/** `npm run fuzz:codec` reads a million. */
const FUZZED_RECORDS = 20_000;

/** Every kind of type that lint allows, with every kind of bound, also where no topic has one. */
const ALL_KINDS: AvroRecord = {
  type: 'record',
  name: 'AllKinds',
  fields: [
    { name: 'text', type: { type: 'string', logicalType: 'bounded', minLength: 1, maxLength: 70 } },
    { name: 'free', type: 'string' },
    { name: 'flag', type: 'boolean' },
    { name: 'count', type: 'int' },
    { name: 'few', type: { type: 'int', logicalType: 'bounded', minimum: -2, maximum: 100 } },
    { name: 'total', type: 'long' },
    { name: 'some', type: { type: 'long', logicalType: 'bounded', exclusiveMinimum: -3, exclusiveMaximum: 2 ** 40 } },
    { name: 'made_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'ratio', type: { type: 'double', logicalType: 'bounded', minimum: 0, maximum: 1 } },
    { name: 'price', type: { type: 'double', logicalType: 'bounded', exclusiveMinimum: 0, exclusiveMaximum: 1e6 } },
    { name: 'small', type: 'float' },
    { name: 'positive', type: { type: 'float', logicalType: 'bounded', exclusiveMinimum: 0 } },
    { name: 'maybe_flag', type: ['null', 'boolean'], default: null },
    { name: 'maybe_count', type: ['null', 'long'], default: null },
    {
      name: 'kind',
      type: { type: 'enum', name: 'Kind', symbols: ['A', 'UNRECOGNISED', 'B'], default: 'UNRECOGNISED' },
    },
    { name: 'numbers', type: { type: 'array', items: 'double', logicalType: 'bounded', minItems: 1, maxItems: 5 } },
    { name: 'grid', type: { type: 'array', items: { type: 'array', items: ['null', 'int'] } } },
    {
      name: 'parts',
      type: [
        'null',
        {
          type: 'array',
          items: {
            type: 'record',
            name: 'Part',
            fields: [
              { name: 'name', type: 'string' },
              {
                name: 'inner',
                type: {
                  type: 'record',
                  name: 'Inner',
                  fields: [{ name: 'on', type: ['null', 'boolean'], default: null }],
                },
              },
            ],
          },
        },
      ],
      default: null,
    },
    { name: 'nothing', type: { type: 'record', name: 'Nothing', fields: [] } },
  ],
};

const GOOD_KINDS = {
  text: 'text',
  free: '',
  flag: true,
  count: -5,
  few: 3,
  total: 2 ** 40,
  some: 0,
  made_at: 1_767_327_000_000,
  ratio: 0.25,
  price: 107.5,
  small: 0.5,
  positive: 2,
  maybe_flag: null,
  maybe_count: 2 ** 33,
  kind: 'B',
  numbers: [1, -0, 2.5],
  grid: [[1, null], [], [-(2 ** 31)]],
  parts: [
    { name: 'first', inner: { on: false } },
    { name: 'second', inner: { on: null } },
  ],
  nothing: {},
};

const SCHEMAS = [
  ...Object.values(TOPICS).map((topic) => [topic.name, loadSchema(topic), GOOD_RECORDS[topic.name]] as const),
  ['all kinds of types', ALL_KINDS, GOOD_KINDS] as const,
];

describe.each(SCHEMAS)('%s', (_, schema, good) => {
  const read = readerOf(schema);
  const write = compileWriter(schema);
  const type = avroTypeOf(schema);
  const check = compileCheck(schema);
  const record = valueOf(schema) as fc.Arbitrary<Record<string, unknown>>;

  test('SCH-1, SCH-3: every good record takes the fast way, and comes out as from avsc', () => {
    const { bytes, view } = memoryOf(64 * 1024);
    fc.assert(
      fc.property(record, fc.nat(40), (value, at) => {
        const expected = type.toBuffer(value);
        const end = write(value, bytes, view, at, bytes.length);
        expect(bytes.subarray(at, end)).toEqual(expected);
        expect(read(bytes, view, at, end)).toEqual(plain(type.fromBuffer(expected)));
      }),
    );
  });

  test('SCH-3: a value that it writes has no problem, whatever one field is or is not', () => {
    const { bytes, view } = memoryOf(64 * 1024);
    const hit = countedBranches({ written: 1, refused: 20 });
    const field = fc.constantFrom(...schema.fields.map(({ name }) => name), '__proto__', 'constructor', 'undeclared');
    fc.assert(
      fc.property(record, field, ODD_VALUE, fc.boolean(), (value, name, odd, isThere) => {
        const { [name]: _before, ...changed } = value;
        if (isThere)
          Object.defineProperty(changed, name, { value: odd, enumerable: true, configurable: true, writable: true });
        const end = write(changed, bytes, view, 0, bytes.length);
        const problems = check(changed);
        hit(end < 0 ? 'refused' : 'written');
        if (end < 0) return odd === undefined || problems.length > 0;
        expect(problems).toEqual([]);
        expect(bytes.subarray(0, end)).toEqual(type.toBuffer(changed));
        return true;
      }),
      { numRuns: 300 },
    );
  });

  test('SCH-3: with too little room it says so, and never writes behind what it has', () => {
    const { bytes, view } = memoryOf(64 * 1024);
    fc.assert(
      fc.property(record, fc.double({ min: 0, max: 1, noNaN: true }), (value, share) => {
        const needed = write(value, bytes, view, 0, bytes.length);
        const limit = Math.floor(needed * share);
        bytes.fill(0xee);
        const end = write(value, bytes, view, 0, limit);
        expect(end === NO_ROOM || (share === 1 && end === needed)).toBe(true);
        expect(bytes.subarray(limit).every((byte) => byte === 0xee)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('SCH-1: whichever byte is another, it reads what avsc reads, or gives up', () => {
    const bytes = type.toBuffer(good);
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at] ?? 0;
      for (const byte of [0, 1, 2, 3, 4, 127, 128, 255, before + 1, before - 1, before + 2, before - 2]) {
        bytes[at] = byte;
        const found = read(bytes, viewOf(bytes), 0, bytes.length);
        if (found !== undefined) {
          expect(found).toEqual(plain(type.fromBuffer(bytes)));
          expect(check(found)).toEqual([]);
        }
      }
      bytes[at] = before;
    }
  });

  test('SCH-1: nor where it is cut anywhere', () => {
    const bytes = type.toBuffer(good);
    for (let end = 0; end < bytes.length; end++) expect(read(bytes, viewOf(bytes), 0, end)).toBeUndefined();
  });

  test.each([null, undefined, [], 'text', 7, true])('%j is no record', (value) => {
    const { bytes, view } = memoryOf(4096);
    expect(write(value, bytes, view, 0, bytes.length)).toBe(GAVE_UP);
  });
});

test('SCH-15: whatever the bytes, the codec does what avsc and the check that explains do', async () => {
  const figures = await fuzzCodec(FUZZED_RECORDS, SEED);
  for (const what of [
    'read: good',
    'read: faulty record',
    'read: AVRO_CORRUPT',
    'write: good',
    'write: RECORD_INVALID',
  ])
    expect(figures[what]).toBeGreaterThan(FUZZED_RECORDS / 50);
});

test('SCH-1, SCH-3: the same for types that no topic has, and nearly all that is good is read fast', () => {
  const figures = fuzzCompiled(ALL_KINDS, GOOD_KINDS, FUZZED_RECORDS, SEED);
  expect(figures['read fast: good']).toBeGreaterThan(FUZZED_RECORDS / 4);
  expect(figures['gave up: good'] ?? 0).toBeLessThan((figures['read fast: good'] ?? 0) / 4);
});

describe('records of other versions', () => {
  const schema = loadSchema(TOPICS.positionSnapshot);
  const good = GOOD_RECORDS[TOPICS.positionSnapshot.name];
  const changed = (name: string, type: AvroSchema): AvroRecord => ({
    ...schema,
    fields: schema.fields.map((field) => (field.name === name ? { ...field, type } : field)),
  });
  const added: AvroField = { name: 'added', type: { type: 'array', items: ['null', 'string'] } };

  test.each<[string, AvroRecord]>([
    [
      'older, without a nullable field',
      { ...schema, fields: schema.fields.filter(({ name }) => name !== 'stop_price') },
    ],
    ['newer, with a field more', { ...schema, fields: [added, ...schema.fields] }],
    ['in another order', { ...schema, fields: schema.fields.toReversed() }],
    ['without bounds', changed('quantity', 'double')],
    ['with a symbol more', changed('side', { type: 'enum', name: 'Side', symbols: ['BOTH', 'SHORT', 'LONG'] })],
  ])('are read fast: %s', (_, writer) => {
    const bytes = avroTypeOf(writer).toBuffer({ ...good, added: ['x', null] });
    const { [writer.fields.length < schema.fields.length ? 'stop_price' : 'added']: _gone, ...kept } = {
      added: 0,
      ...good,
    };
    const missing = writer.fields.length < schema.fields.length ? { ...kept, stop_price: null } : kept;
    const { added: _added, ...expected } = { added: 0, ...missing };
    expect(readerOf(schema, writer)(bytes, viewOf(bytes), 0, bytes.length)).toEqual(expected);
  });

  test.each<[string, AvroRecord]>([
    ['another type', changed('quantity', 'int')],
    ['a union in another order', changed('stop_price', ['double', 'null'])],
    ['a type that is not nullable', changed('stop_price', 'double')],
    ['microseconds', changed('observed_at', { type: 'long', logicalType: 'timestamp-micros' })],
    ['a type of a kind that is not ours', { ...schema, fields: [...schema.fields, { name: 'added', type: 'bytes' }] }],
    ['a field that is missing and has no default', { ...schema, fields: schema.fields.slice(1) }],
  ])('are left to avsc: %s', (_, writer) => {
    expect(compileReader(schema, writer, new StringTable())).toBeUndefined();
  });

  test('a field with another name in the writer’s schema is left to avsc, which knows aliases', () => {
    const reader = { ...schema, fields: schema.fields.map((field) => ({ ...field, aliases: ['other'] })) };
    expect(compileReader(reader, schema, new StringTable())).toBeUndefined();
  });
});

describe('strings', () => {
  const text = fc.oneof(
    fc.constantFrom('main', 'BTCUSDT', 'abc', 'abd', 'main:BTCUSDT:LONG:1', 'main:BTCUSDT:LONG:2', 'é', 'ü'.repeat(32)),
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }),
  );

  test('SCH-2: are what their bytes say, however often and after whatever they come', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 300 }), (texts) => {
        const table = new StringTable();
        const bytes = Buffer.from(texts.join(''));
        const view = viewOf(bytes);
        for (let round = 0; round < 3; round++) {
          let at = 0;
          for (const one of texts) {
            const length = Buffer.byteLength(one);
            expect(table.read(bytes, view, at, length)).toBe(bytes.toString('utf8', at, at + length));
            at += length;
          }
        }
      }),
    );
  });

  test('SCH-2: that are not UTF-8 are read as avsc reads them', () => {
    const table = new StringTable();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), (raw) => {
        const bytes = Buffer.from(raw);
        for (let round = 0; round < 3; round++)
          expect(table.read(bytes, viewOf(bytes), 0, bytes.length)).toBe(bytes.toString('utf8'));
      }),
      { numRuns: 2_000 },
    );
  });
});

function readerOf(schema: AvroRecord, writer = schema): FastReader {
  const read = compileReader(schema, writer, new StringTable());
  if (read === undefined) throw new Error('not compiled');
  return read;
}

function memoryOf(size: number): { bytes: Buffer; view: DataView } {
  const bytes = Buffer.alloc(size);
  return { bytes, view: viewOf(bytes) };
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Without avsc's classes; -0 stays, which JSON would lose. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
