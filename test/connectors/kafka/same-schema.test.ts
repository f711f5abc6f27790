import { describe, expect, it } from 'vitest';
import { differences } from '../../../connectors/kafka/confluent-registry.ts';
import { loadSchema, schemaText, TOPICS } from '../../../schemas/topics.ts';

const OURS = {
  type: 'record',
  name: 'Position',
  namespace: 'desk',
  doc: 'One position.',
  fields: [
    {
      name: 'side',
      type: { type: 'enum', name: 'Side', symbols: ['LONG', 'SHORT'], default: 'LONG' },
      doc: 'Which way.',
    },
    { name: 'fraction', type: { type: 'double', logicalType: 'bounded', minimum: 0, maximum: 1 }, doc: 'Unit: 1.' },
    { name: 'before', type: ['null', 'Side'], default: null },
    { name: 'ids', type: { type: 'array', items: { type: 'string' } } },
  ],
};

/** `OURS` with one part replaced, as JSON text. */
function changed(change: (schema: typeof OURS) => unknown): string {
  return JSON.stringify(change(structuredClone(OURS)));
}

function paths(theirs: string): string[] {
  return differences(JSON.stringify(OURS), theirs).map(({ path }) => path);
}

describe('a schema as a registry words it', () => {
  it('is the same with attributes in another order, wrappers left out and namespaces said otherwise', () => {
    const theirs = {
      fields: [
        { doc: 'Which way.', type: { ...(OURS.fields[0]?.type as object), name: 'desk.Side' }, name: 'side' },
        OURS.fields[1],
        { default: null, name: 'before', type: [{ type: 'null' }, 'desk.Side'] },
        { name: 'ids', type: { type: { type: 'array', items: 'string' } } },
      ],
      doc: 'One position.',
      name: 'desk.Position',
      type: 'record',
    };
    expect(differences(JSON.stringify(OURS), JSON.stringify(theirs, null, 2))).toEqual([]);
  });

  it.each(Object.values(TOPICS).map((topic) => [topic.name, topic] as const))('%s equals itself', (_, topic) => {
    expect(differences(schemaText(topic), JSON.stringify(loadSchema(topic), null, 2))).toEqual([]);
  });

  it.each([
    ['a doc', 'doc', changed((schema) => ({ ...schema, doc: 'Another.' }))],
    ['a bound', 'fields.fraction.type.maximum', changed((schema) => replaceType(schema, 1, { maximum: 2 }))],
    [
      'a bound more',
      'fields.fraction.type.exclusiveMinimum',
      changed((schema) => replaceType(schema, 1, { exclusiveMinimum: 0 })),
    ],
    [
      'a symbol',
      'fields.side.type.symbols.1',
      changed((schema) => replaceType(schema, 0, { symbols: ['LONG', 'FLAT'] })),
    ],
    ['a default', 'fields.side.type.default', changed((schema) => replaceType(schema, 0, { default: 'SHORT' }))],
    ['a field less', 'fields.ids', changed((schema) => ({ ...schema, fields: schema.fields.slice(0, 3) }))],
    ['a namespace', 'name', changed((schema) => ({ ...schema, namespace: 'other' }))],
  ])('differs by %s', (_, path, theirs) => {
    expect(paths(theirs)).toContain(path);
  });

  it('differs by the order of its fields, which is the order of the bytes', () => {
    expect(paths(changed((schema) => ({ ...schema, fields: schema.fields.toReversed() })))).toEqual(['fields']);
  });
});

function replaceType(schema: typeof OURS, index: number, attributes: object) {
  const fields = schema.fields.map((field, at) =>
    at === index ? { ...field, type: { ...(field.type as object), ...attributes } } : field,
  );
  return { ...schema, fields };
}
