import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AvroEnum, AvroField, AvroRecord } from '../../../schemas/avro-schema.ts';
import { compareForFullTransitive } from '../../../schemas/tooling/compatibility.ts';
import { deployOrderOf, describeChange } from '../../../schemas/tooling/describe-change.ts';
import { loadSchema, TOPICS } from '../../../schemas/topics.ts';
import { arbitrarySchema } from '../arbitrary-schema.ts';

function recordOf(...fields: readonly AvroField[]): AvroRecord {
  return { type: 'record', name: 'Order', namespace: 'harvestline', doc: 'An order.', fields };
}

function sideOf(...symbols: readonly string[]): AvroEnum {
  return { type: 'enum', name: 'Side', doc: 'A side.', symbols, default: 'UNRECOGNISED' };
}

const NOTE: AvroField = { name: 'note', type: ['null', 'string'], default: null, doc: 'A note.' };
const SIZE: AvroField = {
  name: 'size',
  type: { type: 'double', logicalType: 'bounded', exclusiveMinimum: 0 },
  doc: 'Unit: contracts.',
};

/** `path: text` of every change. */
function words(now: AvroRecord, before: AvroRecord): readonly string[] {
  return describeChange(now, before).map(({ path, text }) => `${path}: ${text}`);
}

describe('describeChange', () => {
  test('a field that was added or removed, with its type, bounds and default', () => {
    expect(words(recordOf(SIZE, NOTE), recordOf(SIZE))).toEqual(['note: added: string or null, default null']);
    expect(words(recordOf(NOTE), recordOf(SIZE, NOTE))).toEqual(['size: removed: double, above 0, no default']);
  });

  test('a doc, a bound, a type, null and a default that changed', () => {
    const doc = { ...NOTE, doc: 'Another note.' };
    expect(words(recordOf(doc), recordOf(NOTE))).toEqual(['note: doc changed from "A note." to "Another note."']);
    const bounded: AvroField = { ...SIZE, type: { type: 'double', logicalType: 'bounded', minimum: 1, maximum: 9 } };
    expect(words(recordOf(bounded), recordOf(SIZE))).toEqual([
      'size: bounds changed from above 0 to at least 1, at most 9',
    ]);
    expect(words(recordOf({ ...SIZE, type: 'long' }), recordOf({ ...SIZE, type: 'int' }))).toEqual([
      'size: type changed from int to long',
    ]);
    expect(words(recordOf(NOTE), recordOf({ name: 'note', type: 'string', doc: 'A note.' }))).toEqual([
      'note: may be null now',
      'note: default changed from none to null',
    ]);
  });

  test('a bound that a market has, where there was none', () => {
    const doc = 'Unit: contracts of the symbol.';
    const bounded: AvroField = {
      ...SIZE,
      doc,
      type: { type: 'double', logicalType: 'bounded', minimum: 1e-12, maximum: 1e15 },
    };
    expect(describeChange(recordOf(bounded), recordOf({ ...SIZE, doc }))).toEqual([
      {
        kind: 'bound-added',
        path: 'size',
        text: 'bounds added: from above 0 to at least 1e-12, at most 1000000000000000, beyond which no truthful record lies',
      },
    ]);
  });

  test('symbols, and a place inside a list', () => {
    const legs = (...symbols: readonly string[]): AvroRecord =>
      recordOf({
        name: 'legs',
        type: {
          type: 'array',
          items: { type: 'record', name: 'Leg', fields: [{ name: 'side', type: sideOf(...symbols) }] },
        },
      });
    expect(words(legs('LONG', 'FLAT', 'UNRECOGNISED'), legs('LONG', 'SHORT', 'UNRECOGNISED'))).toEqual([
      'legs[].side: FLAT was added to Side',
      'legs[].side: SHORT was removed from Side',
    ]);
  });

  test('a field that was renamed with an alias, and fields that changed places', () => {
    expect(words(recordOf({ ...SIZE, name: 'quantity', aliases: ['size'] }), recordOf(SIZE))).toEqual([
      'quantity: renamed from size',
      'quantity: aliases changed from none to size',
    ]);
    expect(words(recordOf(NOTE, SIZE), recordOf(SIZE, NOTE))).toEqual(['(root): the order of the fields changed']);
  });

  test('TOL-7: silent about equal schemas only, whatever the order of their attributes', () => {
    const schema = loadSchema(TOPICS.harvestIntent);
    expect(describeChange(schema, reversed(schema) as AvroRecord)).toEqual([]);
    const marked = { ...schema, fields: schema.fields.map((field) => ({ ...field, since: 2 })) };
    expect(describeChange(marked, schema)).toHaveLength(1);
    fc.assert(
      fc.property(arbitrarySchema(), arbitrarySchema(), (one, other) => {
        const [now, before] = [recordOf({ name: 'a', type: one }), recordOf({ name: 'a', type: other })];
        expect(describeChange(now, before).length === 0).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('deployOrderOf', () => {
  function orderOf(now: AvroRecord, before: AvroRecord) {
    const compatible = compareForFullTransitive(now, [{ version: 1, schema: before }]).length === 0;
    return deployOrderOf(describeChange(now, before), compatible);
  }

  test('either side for a field with a default, consumers for a symbol, neither for a break', () => {
    expect(orderOf(recordOf(SIZE, NOTE), recordOf(SIZE))).toBe('either');
    const side = (...symbols: readonly string[]): AvroField => ({ name: 'side', type: sideOf(...symbols) });
    expect(orderOf(recordOf(side('LONG', 'SHORT', 'UNRECOGNISED')), recordOf(side('LONG', 'UNRECOGNISED')))).toBe(
      'consumers first',
    );
    expect(orderOf(recordOf(SIZE), recordOf({ ...SIZE, name: 'quantity' }))).toBe('neither');
  });
});

/** The same JSON with the attributes of every object the other way round. */
function reversed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reversed);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json)
      .toReversed()
      .map(([name, value]) => [name, reversed(value)]),
  );
}
