import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroRecord, AvroSchema, Bounds } from '../../../schemas/avro-schema.ts';
import { compileCheck } from '../../../schemas/check-record.ts';
import { addedBounds, compareChecks } from '../../../schemas/tooling/compare-checks.ts';

function recordOf(type: AvroSchema): AvroRecord {
  return { type: 'record', name: 'Sample', fields: [{ name: 'field', type }] };
}

function compare(now: AvroSchema, before: AvroSchema): readonly string[] {
  return compareChecks(recordOf(now), recordOf(before)).map(
    ({ direction, path, why }) => `${direction}: ${path}: ${why}`,
  );
}

function double(bounds: Bounds): AvroSchema {
  return { type: 'double', logicalType: 'bounded', ...bounds };
}

function text(bounds: Bounds): AvroSchema {
  return { type: 'string', logicalType: 'bounded', ...bounds };
}

function side(...symbols: readonly string[]): AvroSchema {
  return { type: 'enum', name: 'Side', symbols: [...symbols, 'UNRECOGNISED'], default: 'UNRECOGNISED' };
}

describe('TOL-1: a bound that changes', () => {
  test('tightened: new readers refuse old records', () => {
    expect(compare(double({ exclusiveMinimum: 0 }), double({ minimum: 0 }))).toEqual([
      'new reader, old data: field: the bound was tightened from at least 0 to above 0: new readers refuse old records',
    ]);
  });

  test('widened, here away altogether: old readers refuse new records', () => {
    expect(compare('double', double({ maximum: 1 }))).toEqual([
      'old reader, new data: field: the bound was widened from at most 1 to no upper bound: old readers refuse new records',
    ]);
  });

  test('moved: both', () => {
    expect(
      compare(double({ minimum: 1, maximum: 3 }), double({ minimum: 0, maximum: 2 })).map((line) => line.slice(0, 20)),
    ).toEqual(['new reader, old data', 'old reader, new data']);
  });

  test('counts inside a nullable and inside a list, and where a field becomes nullable', () => {
    const [before, now] = [double({ maximum: 1 }), double({ maximum: 2 })];
    expect(compare(['null', now], ['null', before])).toHaveLength(1);
    expect(compare(['null', now], before)).toHaveLength(1);
    expect(compare({ type: 'array', items: now }, { type: 'array', items: before })).toEqual([
      expect.stringContaining('field[]: the bound was widened'),
    ]);
  });

  test('of lengths and of lists counts as well; a length of at least 0 is no bound', () => {
    expect(compare(text({ maxLength: 64 }), text({ maxLength: 256 }))).toHaveLength(1);
    expect(compare(text({ minLength: 0 }), 'string')).toEqual([]);
    expect(
      compare({ type: 'array', items: 'int', logicalType: 'bounded', minItems: 1 }, { type: 'array', items: 'int' }),
    ).toHaveLength(1);
  });

  test('is found exactly when some value passes one check and not the other', () => {
    const word = fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined });
    const bounds = fc
      .record({ lower: word, upper: word, openLower: fc.boolean(), openUpper: fc.boolean() })
      .map(({ lower, upper, openLower, openUpper }): Bounds => ({
        ...(lower === undefined ? {} : { [openLower ? 'exclusiveMinimum' : 'minimum']: lower - 3 }),
        ...(upper === undefined ? {} : { [openUpper ? 'exclusiveMaximum' : 'maximum']: upper + 3 }),
      }));
    const values = Array.from({ length: 29 }, (_, index) => index / 2 - 7);
    fc.assert(
      fc.property(bounds, bounds, (now, before) => {
        const [passesNow, passesBefore] = [now, before].map((words) => {
          const check = compileCheck(recordOf(double(words)));
          return new Set(values.filter((field) => check({ field }).length === 0));
        });
        const found = new Set(
          compareChecks(recordOf(double(now)), recordOf(double(before))).map((one) => one.direction),
        );
        expect(found.has('new reader, old data')).toBe(passesBefore?.isSubsetOf(passesNow ?? new Set()) === false);
        expect(found.has('old reader, new data')).toBe(passesNow?.isSubsetOf(passesBefore ?? new Set()) === false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('TOL-3: a bound that a market has', () => {
  const priced = (type: AvroSchema, unit = 'quote currency per contract'): AvroRecord => ({
    type: 'record',
    name: 'Sample',
    fields: [{ name: 'field', type, doc: `A field. Unit: ${unit}.` }],
  });
  const market = double({ minimum: 1e-12, maximum: 1e12 });

  test.each<[string, AvroSchema, AvroSchema, string?]>([
    ['none', market, 'double'],
    ['above 0', market, double({ exclusiveMinimum: 0 })],
    ['inside a nullable', ['null', market], ['null', 'double']],
    ['inside a list', { type: 'array', items: market }, { type: 'array', items: 'double' }],
    [
      'an upper end beside a 0 that can be',
      double({ minimum: 0, maximum: 1e15 }),
      double({ minimum: 0 }),
      'contracts of the symbol',
    ],
    [
      'of a timestamp',
      { type: 'long', logicalType: 'timestamp-millis', minimum: 0, maximum: 8.64e15 },
      { type: 'long', logicalType: 'timestamp-millis' },
      'milliseconds since 1970-01-01 UTC',
    ],
  ])('may be added: %s', (_, now, before, unit) => {
    expect(compareChecks(priced(now, unit), priced(before, unit))).toEqual([]);
    expect(addedBounds(priced(now, unit), priced(before, unit))).toHaveLength(1);
    // Once it is there it is as fixed as any.
    expect(compareChecks(priced(before, unit), priced(now, unit)).length).toBeGreaterThan(0);
    expect(addedBounds(priced(now, unit), priced(now, unit))).toEqual([]);
  });

  test.each<[string, AvroSchema, AvroSchema, string?]>([
    ['another end than the table states', double({ minimum: 1e-12, maximum: 1e11 }), 'double'],
    ['one of another unit', market, 'double', 'points'],
    ['an end that was somewhere else', market, double({ minimum: 1e-9 })],
    [
      'a 0 that was allowed',
      double({ minimum: 1e-12, maximum: 1e15 }),
      double({ minimum: 0, maximum: 1e15 }),
      'contracts of the symbol',
    ],
  ])('and nothing else: %s', (_, now, before, unit) => {
    expect(compareChecks(priced(now, unit), priced(before, unit)).length).toBeGreaterThan(0);
  });
});

describe('TOL-2: a symbol', () => {
  test('may be added', () => {
    expect(compare(side('LONG', 'SHORT'), side('LONG'))).toEqual([]);
  });

  test('may not be removed, though Avro would let it: its records are read as UNRECOGNISED, and that is refused', () => {
    expect(compileCheck(recordOf(side('LONG')))({ field: 'UNRECOGNISED' })).toHaveLength(1);
    expect(compare(side('LONG'), side('LONG', 'SHORT'))).toEqual([
      'new reader, old data: field: SHORT was removed from Side: new readers refuse old records that hold it',
    ]);
  });
});

test('what only one of the two has, or has as another kind, is left to Avro', () => {
  expect(compare(double({ minimum: 0 }), { type: 'array', items: 'double' })).not.toContain('field[]');
  const more = {
    ...recordOf('int'),
    fields: [...recordOf('int').fields, { name: 'other', type: double({ minimum: 0 }) }],
  };
  expect(compareChecks(more, recordOf('int'))).toEqual([]);
  expect(compareChecks(recordOf('int'), more)).toEqual([]);
});
