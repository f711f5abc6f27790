import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroField, AvroRecord, AvroSchema } from '../../../schemas/avro-schema.ts';
import { compareForFullTransitive, readerCanRead } from '../../../schemas/tooling/compatibility.ts';
import { arbitrarySchema } from '../arbitrary-schema.ts';

function recordOf(...fields: readonly AvroField[]): AvroRecord {
  return { type: 'record', name: 'Order', namespace: 'harvestline', fields };
}

function avscCanRead(reader: AvroSchema, writer: AvroSchema): boolean {
  const [readerType, writerType] = [reader, writer].map((schema) => avsc.Type.forSchema(schema as avsc.Schema));
  if (readerType === undefined || writerType === undefined) throw new Error('two types were made of two schemas');
  try {
    readerType.createResolver(writerType);
    return true;
  } catch {
    return false;
  }
}

function fillOf(type: AvroSchema): AvroSchema {
  return { type: 'record', name: 'Fill', fields: [{ name: 'quantity', type }] };
}

function confidenceUpTo(maximum: number): AvroRecord {
  const type = { type: 'double', logicalType: 'bounded', minimum: 0, maximum } as const;
  return recordOf({ name: 'confidence', type: ['null', type], default: null });
}

const SIDE = { type: 'enum', name: 'Side', symbols: ['LONG', 'SHORT'] } as const;
const NULLABLE_NOTE: AvroField = { name: 'note', type: ['null', 'string'], default: null };

describe('readerCanRead', () => {
  test('TOL-5: agrees with avsc about any two schemas', () => {
    const seen = { readable: 0, unreadable: 0 };
    fc.assert(
      fc.property(arbitrarySchema(), arbitrarySchema(), (reader, writer) => {
        const problems = readerCanRead(reader, writer);
        seen[problems.length === 0 ? 'readable' : 'unreadable'] += 1;
        expect({ problems, readable: avscCanRead(reader, writer) }).toEqual({
          problems,
          readable: problems.length === 0,
        });
      }),
      { numRuns: 2_000 },
    );
    // Else the comparison says nothing about one of the two answers.
    expect(Math.min(seen.readable, seen.unreadable)).toBeGreaterThan(30);
  });

  test('agrees with avsc about a schema and the same one, as it is and with one field changed', () => {
    const fields = fc.array(arbitrarySchema(), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fields, ([one = 'int', other = 'int']) => {
        const reader = recordOf({ name: 'kept', type: 'int' }, { name: 'changed', type: one });
        const writer = recordOf({ name: 'changed', type: other }, { name: 'kept', type: 'int' });
        expect(readerCanRead(reader, reader).length === 0).toBe(avscCanRead(reader, reader));
        expect(readerCanRead(reader, writer).length === 0).toBe(avscCanRead(reader, writer));
      }),
      { numRuns: 500 },
    );
  });

  test('where avsc is laxer than the specification, the specification wins: the first branch that matches is the one', () => {
    const writer: AvroSchema = { type: 'record', name: 'B', fields: [] };
    const reader: AvroSchema = [
      { type: 'record', name: 'A', aliases: ['B'], fields: [{ name: 'x', type: 'int' }] },
      writer,
    ];
    expect(avscCanRead(reader, writer)).toBe(true);
    expect(readerCanRead(reader, writer)).toEqual([{ path: 'x', why: expect.stringContaining('has no default') }]);
  });

  const QUANTITY = { name: 'quantity', type: 'double' } as const;
  test.each<[string, AvroRecord, AvroRecord, string, string]>([
    [
      'a field that the data lacks',
      recordOf(QUANTITY, { name: 'price', type: 'double' }),
      recordOf(QUANTITY),
      'price',
      'the data does not hold it, and the reader has no default for it',
    ],
    [
      'another type',
      recordOf({ name: 'fills', type: { type: 'array', items: fillOf('double') } }),
      recordOf({ name: 'fills', type: { type: 'array', items: fillOf('string') } }),
      'fills[].quantity',
      'the data may hold string, the reader takes double',
    ],
    [
      'a narrower number',
      recordOf({ name: 'offset', type: 'int' }),
      recordOf({ name: 'offset', type: 'long' }),
      'offset',
      'the data may hold long, the reader takes int',
    ],
    [
      'null',
      recordOf({ name: 'note', type: 'string' }),
      recordOf(NULLABLE_NOTE),
      'note',
      'the data may hold null, the reader takes string',
    ],
    [
      'a type in no branch',
      recordOf(NULLABLE_NOTE),
      recordOf({ name: 'note', type: { type: 'array', items: 'string' } }),
      'note',
      'the data may hold an array of string, the reader takes null or string',
    ],
    [
      'a symbol',
      recordOf({ name: 'side', type: SIDE }),
      recordOf({ name: 'side', type: { ...SIDE, symbols: ['LONG', 'BOTH', 'NONE'] } }),
      'side',
      'the data may hold BOTH, NONE, unknown to the reader, whose enum has no default',
    ],
    [
      'the name of an enum',
      recordOf({ name: 'side', type: SIDE }),
      recordOf({ name: 'side', type: { ...SIDE, name: 'Direction' } }),
      'side',
      "the reader's enum is harvestline.Side, the data's harvestline.Direction",
    ],
    [
      'two fields that one alias list names',
      recordOf({ name: 'size', type: 'double', aliases: ['quantity', 'amount'] }),
      recordOf(QUANTITY, { name: 'amount', type: 'double' }),
      'size',
      'by its aliases it is several fields of the data: quantity, amount',
    ],
  ])('TOL-4: says of %s where and why', (_, reader, writer, path, why) => {
    expect(readerCanRead(reader, writer)).toEqual([{ path, why }]);
    expect(avscCanRead(reader, writer)).toBe(false);
  });

  test('TOL-6: a value that would be read as something else is a problem', () => {
    const time = (logicalType: string) => recordOf({ name: 'closed_at', type: { type: 'long', logicalType } });
    const [reader, writer] = [time('timestamp-millis'), time('timestamp-micros')];
    expect(avscCanRead(reader, writer)).toBe(true);
    expect(readerCanRead(reader, writer)).toMatchObject([{ path: 'closed_at' }]);
  });

  test('all problems are named, each once', () => {
    const reader = recordOf(
      { name: 'a', type: 'int' },
      { name: 'b', type: ['null', 'int'] },
      { name: 'c', type: 'int' },
    );
    const writer = recordOf({ name: 'a', type: 'string' }, { name: 'b', type: ['null', 'string'] });
    expect(readerCanRead(reader, writer).map(({ path }) => path)).toEqual(['a', 'b', 'c']);
  });
});

describe('compareForFullTransitive', () => {
  const v1 = recordOf({ name: 'quantity', type: 'double' });

  test('a nullable field with a default may come and go', () => {
    const v2 = recordOf({ name: 'quantity', type: 'double' }, NULLABLE_NOTE);
    expect(compareForFullTransitive(v2, [{ version: 1, schema: v1 }])).toEqual([]);
    expect(
      compareForFullTransitive(v1, [
        { version: 1, schema: v1 },
        { version: 2, schema: v2 },
      ]),
    ).toEqual([]);
  });

  test('a required field that comes breaks new readers, one that goes breaks old ones', () => {
    const v2 = recordOf({ name: 'price', type: 'double' });
    expect(compareForFullTransitive(v2, [{ version: 1, schema: v1 }])).toEqual([
      expect.objectContaining({ path: 'price', version: 1, direction: 'new reader, old data' }),
      expect.objectContaining({ path: 'quantity', version: 1, direction: 'old reader, new data' }),
    ]);
  });

  test('a promotion works one way only, and so is refused', () => {
    const wider = recordOf({ name: 'count', type: 'long' });
    const narrower = recordOf({ name: 'count', type: 'int' });
    expect(compareForFullTransitive(wider, [{ version: 1, schema: narrower }])).toEqual([
      {
        path: 'count',
        why: 'the data may hold long, the reader takes int',
        version: 1,
        direction: 'old reader, new data',
      },
    ]);
  });

  test('an alias does not make a new name of a field compatible: old readers know nothing of it', () => {
    const renamed = recordOf({ name: 'size', type: 'double', aliases: ['quantity'] });
    expect(compareForFullTransitive(renamed, [{ version: 1, schema: v1 }])).toEqual([
      expect.objectContaining({ path: 'quantity', direction: 'old reader, new data' }),
    ]);
  });

  test('every version counts: what the latest allows may break with an older one', () => {
    const text = recordOf(v1.fields[0] ?? NULLABLE_NOTE, NULLABLE_NOTE);
    const number = recordOf(v1.fields[0] ?? NULLABLE_NOTE, { name: 'note', type: ['null', 'double'], default: null });
    const released = [text, v1].map((schema, index) => ({ version: index + 1, schema }));
    expect(compareForFullTransitive(number, released.slice(1))).toEqual([]);
    expect(compareForFullTransitive(number, released)).toEqual([
      expect.objectContaining({ path: 'note', version: 1, direction: 'new reader, old data' }),
      expect.objectContaining({ path: 'note', version: 1, direction: 'old reader, new data' }),
    ]);
  });

  test('a bound inside a nullable is named once, with its version and direction', () => {
    expect(compareForFullTransitive(confidenceUpTo(2), [{ version: 3, schema: confidenceUpTo(1) }])).toEqual([
      {
        path: 'confidence',
        why: 'the bound was widened from at most 1 to at most 2: old readers refuse new records',
        version: 3,
        direction: 'old reader, new data',
      },
    ]);
  });
});
