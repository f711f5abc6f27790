import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avroTypeOf } from '../../../schemas/avro-type.ts';
import type { AvroRecord } from '../../../schemas/avro-schema.ts';
import { compileCheck } from '../../../schemas/check-record.ts';
import { type LintRule, lintSchema } from '../../../schemas/tooling/lint-schema.ts';
import { loadSchema, TOPICS } from '../../../schemas/topics.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

const SIDE = {
  type: 'enum',
  name: 'OrderSide',
  doc: 'Which way.',
  symbols: ['BUY', 'SELL', 'UNRECOGNISED'],
  default: 'UNRECOGNISED',
};

const FIELDS = {
  order_id: { name: 'order_id', type: 'string', doc: 'Whose.' },
  side: { name: 'side', type: SIDE, doc: 'Which way.' },
  price: {
    name: 'price',
    type: ['null', { type: 'double', logicalType: 'bounded', minimum: 1e-12, maximum: 1e12 }],
    default: null,
    doc: 'Null: at market. Unit: quote currency per contract.',
  },
  fills: {
    name: 'fills',
    type: {
      type: 'array',
      items: {
        type: 'record',
        name: 'Fill',
        doc: 'One fill.',
        fields: [{ name: 'quantity', type: 'double', doc: 'Unit: contracts.' }],
      },
    },
    doc: 'Oldest first.',
  },
  sent_at: {
    name: 'sent_at',
    type: { type: 'long', logicalType: 'timestamp-millis', minimum: 0, maximum: 8.64e15 },
    doc: 'Unit: milliseconds.',
  },
};

/** A good schema of the topic `order.sent`. */
const GOOD = {
  type: 'record',
  name: 'OrderSent',
  namespace: 'harvestline',
  doc: 'An order that was sent.',
  fields: Object.values(FIELDS),
};

function lint(schema: unknown): readonly string[] {
  return lintSchema('order.sent', schema).map(({ rule, path }) => `${rule} ${path}`);
}

/** The good schema with one field more, or with one of its fields another. */
function withField(field: Readonly<Record<string, unknown>>): unknown {
  const doc = 'Unit: pieces.';
  return { ...GOOD, fields: [...GOOD.fields.filter(({ name }) => name !== field['name']), { doc, ...field }] };
}

function bounded(type: string, words: object): unknown {
  return withField({ name: 'count', type: { type, logicalType: 'bounded', ...words } });
}

test.each(Object.values(TOPICS))('the schema of $name keeps every rule', (topic) => {
  expect(lintSchema(topic.name, loadSchema(topic))).toEqual([]);
});

describe('each rule', () => {
  test.each<[LintRule, string, unknown]>([
    ['doc', '(root)', { ...GOOD, doc: ' ' }],
    ['doc', 'note', withField({ name: 'note', type: 'string', doc: undefined })],
    ['doc', 'side', withField({ ...FIELDS.side, type: { ...SIDE, doc: undefined } })],
    [
      'doc',
      'fills[]',
      withField({ ...FIELDS.fills, type: { type: 'array', items: { type: 'record', name: 'Fill', fields: [] } } }),
    ],
    ['unit', 'count', withField({ name: 'count', type: 'int', doc: 'How many.' })],
    ['unit', 'count', withField({ name: 'count', type: ['null', 'long'], default: null, doc: 'How many.' })],
    ['unit', 'counts', withField({ name: 'counts', type: { type: 'array', items: 'double' }, doc: 'How many.' })],
    ['unit', 'sent_at', withField({ ...FIELDS.sent_at, doc: 'When.' })],
    ['enum-default', 'side', withField({ ...FIELDS.side, type: { ...SIDE, default: undefined } })],
    ['enum-default', 'side', withField({ ...FIELDS.side, type: { ...SIDE, default: 'BUY' } })],
    ['enum-default', 'side', withField({ ...FIELDS.side, type: { ...SIDE, symbols: ['BUY', 'SELL'] } })],
    ['union', 'note', withField({ name: 'note', type: ['string', 'null'], default: null })],
    ['union', 'note', withField({ name: 'note', type: ['null', 'string', 'long'], default: null })],
    ['union', 'note', withField({ name: 'note', type: ['null', ['null', 'string']], default: null })],
    ['default', 'note', withField({ name: 'note', type: ['null', 'string'] })],
    ['default', 'note', withField({ name: 'note', type: ['null', 'string'], default: 'none' })],
    ['default', 'confidence', withField({ name: 'confidence', type: 'double', default: 0.7 })],
    ['timestamp', 'filled_at', withField({ name: 'filled_at', type: 'long' })],
    ['timestamp', 'since', withField({ name: 'since', type: 'long' })],
    ['timestamp', 'filled', withField({ name: 'filled', type: FIELDS.sent_at.type })],
    ['timestamp', 'filled', withField({ name: 'filled', type: { type: 'array', items: FIELDS.sent_at.type } })],
    ['id', 'model_id', withField({ name: 'model_id', type: 'long' })],
    ['name', '(root)', { ...GOOD, name: 'SentOrder' }],
    ['name', '(root)', { ...GOOD, namespace: 'desk' }],
    ['name', 'limitPrice', withField({ name: 'limitPrice', type: 'double' })],
    ['name', 'constructor', withField({ name: 'constructor', type: 'string' })],
    ['name', 'side', withField({ ...FIELDS.side, type: { ...SIDE, name: 'order_side' } })],
    ['name', 'side', withField({ ...FIELDS.side, type: { ...SIDE, symbols: [...SIDE.symbols, 'Both'] } })],
    [
      'once',
      'side',
      {
        ...GOOD,
        fields: [...GOOD.fields, FIELDS.side]
          .filter((field) => field.name === 'order_id' || field.name === 'side')
          .map((field, index) => (index === 2 ? { ...field, type: 'string' } : field)),
      },
    ],
    ['once', 'other_side', withField({ name: 'other_side', type: SIDE })],
    ['once', 'side', withField({ ...FIELDS.side, type: { ...SIDE, symbols: [...SIDE.symbols, 'BUY'] } })],
    ['bounds', 'count', withField({ name: 'count', type: { type: 'int', minimum: 0 } })],
    ['bounds', 'count', bounded('int', {})],
    ['bounds', 'count', bounded('int', { minLength: 1 })],
    ['bounds', 'count', bounded('int', { minimum: 0.5 })],
    ['bounds', 'count', bounded('double', { minimum: '0' })],
    ['bounds', 'count', bounded('double', { minimum: 2, maximum: 1 })],
    ['bounds', 'count', bounded('double', { minimum: 1, exclusiveMaximum: 1 })],
    ['bounds', 'count', bounded('double', { minimum: 0, exclusiveMinimum: 0 })],
    ['bounds', 'count', bounded('string', { minLength: 2, maxLength: 1 })],
    ['bounds', 'count', bounded('string', { minLength: -1 })],
    ['market-bound', 'price', withField({ ...FIELDS.price, type: ['null', 'double'] })],
    [
      'market-bound',
      'price',
      withField({
        ...FIELDS.price,
        type: ['null', { type: 'double', logicalType: 'bounded', minimum: 0, maximum: 1e13 }],
      }),
    ],
    [
      'market-bound',
      'sent_at',
      withField({ ...FIELDS.sent_at, type: { type: 'long', logicalType: 'timestamp-millis' } }),
    ],
    ['logical-type', 'day', withField({ name: 'day', type: { type: 'int', logicalType: 'date' } })],
    ['logical-type', 'sent_at', withField({ ...FIELDS.sent_at, type: { ...FIELDS.sent_at.type, type: 'int' } })],
    ['structure', '(root)', { ...GOOD, type: 'error' }],
    ['structure', '(root)', { ...GOOD, fields: undefined }],
    ['structure', 'other_side', withField({ name: 'other_side', type: 'OrderSide' })],
    ['structure', 'raw', withField({ name: 'raw', type: 'bytes' })],
    ['structure', 'raw', withField({ name: 'raw', type: { type: 'map', values: 'string' } })],
    ['structure', 'note', withField({ name: 'note', type: ['null', 'string'], default: null, order: 'ignore' })],
    ['structure', 'note', withField({ name: 'note', type: { type: 'string', logicaltype: 'bounded' } })],
  ])('%s is broken at %s', (rule, path, schema) => {
    expect(lint(schema)).toEqual([`${rule} ${path}`]);
  });

  test('and the schema that these are made from keeps all', () => {
    expect(lint(GOOD)).toEqual([]);
    expect(lint(bounded('int', { minimum: 1, maximum: 1 }))).toEqual([]);
  });

  test('all problems are named at once', () => {
    const fields = [
      { name: 'Count', type: 'int' },
      { name: 'sent_at', type: 'string', doc: '' },
    ];
    expect(lint({ ...GOOD, doc: '', fields })).toEqual([
      'doc (root)',
      'name Count',
      'doc Count',
      'unit Count',
      'doc sent_at',
      'timestamp sent_at',
    ]);
  });
});

test('whatever JSON it is given, it answers', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      expect(lintSchema('order.sent', one).length).toBeGreaterThan(0);
      lintSchema('order.sent', { ...GOOD, fields: [{ name: 'field', type: one }, other] });
      lintSchema('order.sent', withField({ name: 'field', type: { type: 'enum', symbols: one, default: other } }));
    }),
  );
});

test('a schema without problems is one that records can be checked and encoded with', () => {
  const fields = fc.array(fc.constantFrom<unknown>(...Object.values(FIELDS), ...ODD_FIELDS), { maxLength: 4 });
  const hit = countedBranches({ good: 20 });
  fc.assert(
    fc.property(fields, (chosen) => {
      const schema = { ...GOOD, fields: chosen };
      if (lint(schema).length > 0) return;
      hit('good');
      compileCheck(schema as unknown as AvroRecord);
      avroTypeOf(schema);
    }),
    { numRuns: 500 },
  );
});

const ODD_FIELDS: readonly unknown[] = [
  { name: 'a', type: { type: 'array', items: ['null', 'string'] }, doc: 'A list with holes.' },
  { name: 'b', type: { type: 'array', items: { type: 'array', items: 'boolean' } }, doc: 'A list of lists.' },
  { name: 'c', type: ['null', { type: 'array', items: 'string' }], default: null, doc: 'A list or none.' },
  { name: 'd', type: { type: 'boolean' }, doc: 'A scalar as an object.' },
  { name: 'e', type: 'null', doc: 'Nothing.' },
  { name: 'f', type: { type: { type: 'string' } }, doc: 'A type within a type.' },
  { name: 'g', type: 'Fill', doc: 'A reference.' },
];
