import * as fc from 'fast-check';
import type { AvroField, AvroSchema } from '../../schemas/avro-schema.ts';

/** A schema, and a default that is valid for it; undefined where none is made. */
interface WithDefault {
  readonly schema: AvroSchema;
  readonly value?: unknown;
}

const SCALARS: readonly WithDefault[] = [
  { schema: 'int', value: 1 },
  { schema: 'long', value: 1 },
  { schema: { type: 'long', logicalType: 'bounded', minimum: 0 }, value: 1 },
  { schema: 'float', value: 0.5 },
  { schema: 'double', value: 0.5 },
  { schema: 'boolean', value: true },
  { schema: 'string', value: 'x' },
  { schema: 'bytes', value: '' },
];

/** How deep records and lists nest. Two schemas that are generated apart share little below that. */
const DEPTH = 2;

/**
 * Small schemas out of few names, so that two of them often have something in common. Names carry the path, as a type's
 * name is unique in a schema; namespaces, aliases, defaults and unions of every order occur.
 */
export function arbitrarySchema(): fc.Arbitrary<AvroSchema> {
  return schemaAt('', DEPTH).map(({ schema }) => schema);
}

function schemaAt(path: string, depth: number): fc.Arbitrary<WithDefault> {
  const flat =
    depth === 0 ? [scalar(), enumAt(path)] : [scalar(), enumAt(path), arrayAt(path, depth), recordAt(path, depth)];
  const weights = [3, 2, 1, 3];
  const single = fc.oneof(...flat.map((arbitrary, index) => ({ arbitrary, weight: weights[index] ?? 1 })));
  return fc.oneof({ arbitrary: single, weight: 3 }, { arbitrary: unionAt(path, depth), weight: 1 });
}

function scalar(): fc.Arbitrary<WithDefault> {
  return fc.constantFrom(...SCALARS);
}

function enumAt(path: string): fc.Arbitrary<WithDefault> {
  return fc
    .record({
      name: fc.constantFrom('E', 'F'),
      symbols: fc.uniqueArray(fc.constantFrom('A', 'B', 'C'), { minLength: 1 }),
      hasDefault: fc.boolean(),
    })
    .map(({ name, symbols, hasDefault }) => {
      const [first = 'A'] = symbols;
      const schema = { type: 'enum', name: `${name}${path}`, symbols } as const;
      return { schema: hasDefault ? { ...schema, default: first } : schema, value: first };
    });
}

function arrayAt(path: string, depth: number): fc.Arbitrary<WithDefault> {
  return schemaAt(`${path}_items`, depth - 1).map(({ schema }) => ({
    schema: { type: 'array', items: schema },
    value: [],
  }));
}

function recordAt(path: string, depth: number): fc.Arbitrary<WithDefault> {
  return fc
    .record({
      name: fc.constantFrom('R', 'R', 'R', 'S'),
      namespace: fc.constantFrom('here', 'here', 'there', undefined),
      aliases: fc.subarray([`S${path}`, `there.R${path}`]),
      fields: fc.uniqueArray(fieldAt(path, depth), { maxLength: 3, selector: (field) => field.name }),
    })
    .map(({ name, namespace, aliases, fields }) => {
      const named = { type: 'record', name: `${name}${path}`, aliases, fields } as const;
      return { schema: namespace === undefined ? named : { ...named, namespace } };
    });
}

function fieldAt(path: string, depth: number): fc.Arbitrary<AvroField> {
  return fc.constantFrom('a', 'b', 'c').chain((name) =>
    fc
      .record({
        type: schemaAt(`${path}_${name}`, depth - 1),
        hasDefault: fc.boolean(),
        alias: fc.constantFrom<readonly string[]>([], [], ['a'], ['b', 'c']),
      })
      .map(({ type, hasDefault, alias }) => {
        const field = { name, type: type.schema, aliases: alias.filter((other) => other !== name) };
        return hasDefault && type.value !== undefined ? { ...field, default: type.value } : field;
      }),
  );
}

/** Null and one or two other types, in any order. The default is of the first branch, as Avro has it. */
function unionAt(path: string, depth: number): fc.Arbitrary<WithDefault> {
  const nothing: WithDefault = { schema: 'null', value: null };
  const others = fc.uniqueArray(fc.oneof(scalar(), enumAt(path), ...(depth === 0 ? [] : [recordAt(path, depth)])), {
    minLength: 1,
    maxLength: 2,
    selector: ({ schema }) => (typeof schema === 'object' && 'type' in schema ? schema.type : schema),
  });
  return others
    .chain((types) => fc.shuffledSubarray([nothing, ...types], { minLength: 2 }))
    .map((types) => ({ schema: types.map(({ schema }) => schema), value: types[0]?.value }));
}
