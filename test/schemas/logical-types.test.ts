import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroRecord, AvroSchema } from '../../schemas/avro-schema.ts';
import { compareForFullTransitive } from '../../schemas/tooling/compatibility.ts';
import { differentMeanings } from '../../schemas/logical-types.ts';

const PRIMITIVES = ['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'] as const;

const MEANINGS = [
  'timestamp-millis',
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
  'date',
  'time-millis',
  'time-micros',
  'decimal',
  'big-decimal',
  'duration',
  'uuid',
] as const;

const NONE = ['bounded', 'desk-clock', 'timestamped', 'dated'] as const;

/** A number or text, whatever it is said to be of. */
const scalar = fc.record({
  type: fc.constantFrom(...PRIMITIVES),
  logicalType: fc.constantFrom(undefined, ...MEANINGS, ...NONE),
});
type Scalar = { readonly type: (typeof PRIMITIVES)[number]; readonly logicalType: string | undefined };

function schemaOf({ type, logicalType }: Scalar): AvroSchema {
  return logicalType === undefined ? type : { type, logicalType };
}

function recordOf(type: unknown, name = 'value'): AvroRecord {
  return { type: 'record', name: 'Held', fields: [{ name, type: type as AvroSchema }] };
}

/** Where a scalar may stand, with the path that names it. */
const PLACES: readonly (readonly [path: string, of: (type: unknown) => AvroRecord])[] = [
  ['value', (type) => recordOf(type)],
  ['value', (type) => recordOf(['null', type])],
  ['value', (type) => recordOf([type, 'null'])],
  ['value[]', (type) => recordOf({ type: 'array', items: type })],
  ['value[]', (type) => recordOf(['null', { type: 'array', items: ['null', type] }])],
  ['value.inner', (type) => recordOf({ type: 'record', name: 'Inner', fields: [{ name: 'inner', type }] })],
];

const isMeaning = (name: string | undefined): boolean => (MEANINGS as readonly unknown[]).includes(name);

describe('differentMeanings', () => {
  test('SCH-7 to SCH-9: for any two scalars, wherever they stand', () => {
    fc.assert(
      fc.property(
        scalar,
        scalar,
        fc.constantFrom(...PLACES),
        fc.constantFrom(...PLACES),
        (reader, writer, own, their) => {
          // The same place, or nullable on one side alone.
          fc.pre(own[0] === their[0] || (own[0] === 'value' && their[0] === 'value'));
          const goesTogether =
            !isMeaning(writer.logicalType) ||
            writer.logicalType === reader.logicalType ||
            (reader.type === 'string' && writer.type === 'string');
          const problems = differentMeanings(own[1](schemaOf(reader)), their[1](schemaOf(writer)));
          expect(problems.map(({ path }) => path)).toEqual(goesTogether ? [] : [own[0]]);
          if (!goesTogether)
            expect(problems[0]?.why).toContain(`the data holds ${writer.logicalType} (${writer.type}), `);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  const MILLIS = recordOf({ type: 'long', logicalType: 'timestamp-millis' });
  const MICROS = { type: 'long', logicalType: 'timestamp-micros' };

  test.each<[string, unknown]>([
    ['a unit that the specification does not have', recordOf({ type: 'long', logicalType: 'timestamp-seconds' })],
    ['a type that stands beside the field’s type', { ...MILLIS, fields: [{ ...MICROS, name: 'value' }] }],
    ['decimal digits', recordOf({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 })],
    ['a fixed number of bytes', recordOf({ type: 'fixed', name: 'D', size: 8, logicalType: 'decimal', precision: 9 })],
  ])('%s is not the reader’s milliseconds', (_, writer) => {
    expect(differentMeanings(MILLIS, writer)).toMatchObject([{ path: 'value' }]);
  });

  test('a field that the reader does not have means nothing to it', () => {
    const more = { ...MILLIS, fields: [...MILLIS.fields, { name: 'more', type: MICROS }] };
    expect(differentMeanings(MILLIS, more)).toEqual([]);
  });

  test('a field is found by the reader’s alias, and a type by its name', () => {
    const aliased = { ...MILLIS, fields: MILLIS.fields.map((field) => ({ ...field, name: 'at', aliases: ['value'] })) };
    expect(differentMeanings(aliased, recordOf(MICROS))).toMatchObject([{ path: 'at' }]);
    const inner = (type: unknown) => ({
      type: 'record',
      name: 'Inner',
      namespace: 'desk',
      fields: [{ name: 'at', type }],
    });
    const pair = (type: unknown, again: unknown) => ({
      type: 'record',
      name: 'Pair',
      fields: [
        { name: 'one', type: inner(type) },
        { name: 'other', type: again },
      ],
    });
    for (const again of ['desk.Inner', 'Inner'])
      expect(differentMeanings(pair('long', again), pair(MICROS, again)).map(({ path }) => path)).toEqual([
        'one.at',
        'other.at',
      ]);
  });

  test('offline, too: neither a new version nor an old one may give released values another meaning', () => {
    const micros = recordOf(MICROS);
    // What Avro alone says, and a registry with it.
    const types = [MILLIS, micros].map((schema) => avsc.Type.forSchema(schema as avsc.Schema));
    expect(() => types[0]?.createResolver(types[1] as avsc.Type)).not.toThrow();
    expect(compareForFullTransitive(micros, [{ version: 1, schema: MILLIS }])).toMatchObject([
      { version: 1, direction: 'new reader, old data', path: 'value' },
      { version: 1, direction: 'old reader, new data', path: 'value' },
    ]);
  });
});
