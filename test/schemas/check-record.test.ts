import avsc from 'avsc';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroRecord } from '../../schemas/avro-schema.ts';
import { compileCheck } from '../../schemas/check-record.ts';
import { loadSchema, TOPICS } from '../../schemas/topics.ts';
import { ODD_VALUE, valueOf } from './arbitrary-value.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';
import { countedBranches } from '../fixtures/counted-branches.ts';

const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const checkSnapshot = compileCheck(loadSchema(TOPICS.positionSnapshot));
const checkIntent = compileCheck(loadSchema(TOPICS.harvestIntent));

function without(record: object, name: string): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

describe('one bad value is named with its path and what was found', () => {
  test.each([
    ['NaN', { mark_price: NaN }, 'mark_price', 'must be a finite number, found NaN'],
    ['infinity', { mark_price: Infinity }, 'mark_price', 'must be a finite number, found Infinity'],
    ['minus infinity', { volatility_gradient: -Infinity }, 'volatility_gradient', 'found -Infinity'],
    ['a number as text', { mark_price: '107' }, 'mark_price', 'must be a finite number, found "107"'],
    ['null where a value is needed', { mark_price: null }, 'mark_price', 'found null'],
    ['a bound', { entry_price: 0 }, 'entry_price', 'must be above 0, found 0'],
    ['a price that no market has', { entry_price: 1e308 }, 'entry_price', 'at most 1000000000000, found 1e+308'],
    ['a time that no date has', { observed_at: 8.64e15 + 1 }, 'observed_at', 'at most 8640000000000000'],
    ['a bound inside a nullable', { confidence: 1.01 }, 'confidence', 'must be at least 0 and at most 1, found 1.01'],
    ['2^53', { observed_at: 2 ** 53 }, 'observed_at', 'must be a whole number from -2^52 to 2^53 - 2'],
    ['a fraction of a millisecond', { observed_at: 0.5 }, 'observed_at', 'to 2^53 - 2, found 0.5'],
    ['an inherited name as a symbol', { side: 'constructor' }, 'side', 'must be one of LONG, SHORT'],
    ['the symbol for unknown symbols', { side: 'UNRECOGNISED' }, 'side', 'must be one of LONG, SHORT'],
    ['empty text', { symbol: '' }, 'symbol', 'must not be empty'],
    ['long text', { symbol: 'x'.repeat(257) }, 'symbol', 'must have at most 256 characters, found 257'],
    ['a lone surrogate', { regime: 'a\ud83d' }, 'regime', 'must be well-formed Unicode'],
    ['an object for a list', { r_history: { 0: 1 } }, 'r_history', 'must be an array, found an object'],
    ['a hole in a list', { r_history: [1, undefined] }, 'r_history[1]', 'must be a finite number, found undefined'],
    ['a list that is too long', { r_history: Array(10_001).fill(1) }, 'r_history', 'must have at most 10000 items'],
    ['an undeclared field', { stop: 3 }, 'stop', 'is not declared in the schema'],
    ['an undeclared name that objects inherit', { constructor: 3 }, 'constructor', 'is not declared in the schema'],
  ])('%s', (_, patch, path, why) => {
    expect(checkSnapshot({ ...SNAPSHOT, ...patch })).toEqual([{ path, why: expect.stringContaining(why) }]);
  });

  test('an own key named __proto__, as JSON.parse makes it', () => {
    const record = JSON.parse(`{"__proto__": {"side": "LONG"}, ${JSON.stringify(SNAPSHOT).slice(1)}`) as unknown;
    expect(checkSnapshot(record)).toEqual([{ path: '__proto__', why: 'is not declared in the schema' }]);
  });

  test.each([[null], [undefined], [[]], ['text'], [7]])('%j is no record', (value) => {
    expect(checkSnapshot(value)).toEqual([{ path: '(root)', why: expect.stringContaining('must be an object') }]);
  });

  test('an int above 32 bits and a bad partition, inside an inner record', () => {
    expect(checkIntent({ ...INTENT, input: { ...INTENT.input, partition: 2 ** 31 } })).toEqual([
      { path: 'input.partition', why: 'must be a 32-bit whole number, found 2147483648' },
    ]);
    expect(checkIntent({ ...INTENT, input: { ...INTENT.input, partition: -1 } })).toEqual([
      { path: 'input.partition', why: 'must be at least 0, found -1' },
    ]);
  });

  test('a float that would come back as another number', () => {
    const check = compileCheck({ type: 'record', name: 'R', fields: [{ name: 'f', type: 'float' }] });
    expect([0.5, 0.1, 1e39].map((f) => check({ f }).length)).toEqual([0, 1, 1]);
  });
});

test('every failing path is named at once, in the order of the schema, undeclared ones after', () => {
  const factors = [INTENT.factors[0], { ...INTENT.factors[1], side: 'UP', points: NaN, weight: 1 }, 'third'];
  const broken = { ...without(INTENT, 'intent_id'), symbol: '', fraction: 1.5, factors, unknown: null, hold: 3 };
  expect(checkIntent(broken).map(({ path }) => path)).toEqual([
    'intent_id',
    'symbol',
    'fraction',
    'factors[1].side',
    'factors[1].points',
    'factors[1].weight',
    'factors[2]',
    'unknown',
    'hold',
  ]);
});

test('only a field with a default may be left out', () => {
  const schema = loadSchema(TOPICS.positionSnapshot);
  const missing = schema.fields.map(({ name }) => ({ name, problems: checkSnapshot(without(SNAPSHOT, name)) }));
  for (const { name, problems } of missing) {
    const optional = schema.fields.some((field) => field.name === name && field.default === null);
    expect(problems).toEqual(optional ? [] : [{ path: name, why: 'is missing' }]);
  }
});

/** Fields only, without avsc's classes. A whole number that is minus zero comes back as zero, which is the same number. */
function plain(record: unknown): unknown {
  return JSON.parse(JSON.stringify(record)) as unknown;
}

describe.each(Object.values(TOPICS).map((topic) => [topic.name, loadSchema(topic)] as const))('%s', (_, schema) => {
  const check = compileCheck(schema);
  const type = avsc.Type.forSchema(schema as avsc.Schema);

  test('accepts what the schema allows, and it comes back equal', () => {
    fc.assert(
      fc.property(valueOf(schema), (record) => {
        expect(check(record)).toEqual([]);
        expect(plain(type.fromBuffer(type.toBuffer(record)))).toEqual(plain(record));
      }),
      { numRuns: 60 },
    );
  });

  test('accepts nothing that avsc refuses or changes, whatever is broken', () => {
    const hit = countedBranches({ accepted: 1 });
    fc.assert(
      fc.property(brokenRecord(schema), (record) => {
        if (check(record).length > 0) return;
        hit('accepted');
        expect(type.isValid(record, { noUndeclaredFields: true })).toBe(true);
        expect(plain(type.fromBuffer(type.toBuffer(record)))).toEqual(
          plain({ ...nullsOf(schema), ...definedOf(record) }),
        );
      }),
      { numRuns: 200 },
    );
  });
});

/** A good record of which one or two fields, perhaps undeclared ones, have an odd value. */
function brokenRecord(schema: AvroRecord): fc.Arbitrary<Record<string, unknown>> {
  const name = fc.constantFrom(...schema.fields.map((field) => field.name), 'constructor', 'extra');
  const patch = fc.uniqueArray(fc.tuple(name, ODD_VALUE), { minLength: 1, maxLength: 2, selector: ([key]) => key });
  return fc
    .tuple(valueOf(schema), patch)
    .map(([record, odd]) => ({ ...(record as Record<string, unknown>), ...Object.fromEntries(odd) }));
}

/** What a record without its nullable fields comes back with. */
function nullsOf(schema: AvroRecord): object {
  return Object.fromEntries(schema.fields.flatMap((field) => (field.default === null ? [[field.name, null]] : [])));
}

function definedOf(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
