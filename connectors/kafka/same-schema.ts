import type { Problem } from '../../errors/harvestline-error.ts';

/**
 * Registries give a schema back in words of their own: attributes in another order, `{"type": "string"}` as `"string"`, a
 * namespace left out that follows from the enclosing type. Everything else must be equal, docs and bounds included, for
 * they are what a reader of the registry goes by.
 */
export function differences(ours: string, theirs: string): readonly Problem[] {
  const problems: Problem[] = [];
  compare(normalised(JSON.parse(ours), ''), normalised(JSON.parse(theirs), ''), '', problems);
  return problems;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
const COMPLEX: ReadonlySet<unknown> = new Set(['record', 'error', 'enum', 'array', 'map', 'fixed']);

/** The schema with full names, and with nothing said that follows from the rest. */
function normalised(schema: Json, enclosing: string): Json {
  if (typeof schema === 'string') return PRIMITIVES.has(schema) ? schema : fullName(schema, enclosing);
  if (isList(schema)) return schema.map((branch) => normalised(branch, enclosing));
  if (schema === null || typeof schema !== 'object') return schema;
  const { namespace: declared, ...attributes } = schema;
  const { type, name } = attributes;
  // A wrapper such as {"type": {"type": "array", …}} says nothing that its content does not.
  const isWrapper = Object.keys(attributes).length === 1 && type !== undefined && !COMPLEX.has(type);
  if (isWrapper) return normalised(type, enclosing);
  const namespace = typeof declared === 'string' ? declared : enclosing;
  const own = typeof name === 'string' ? fullName(name, namespace) : '';
  const inner = own.includes('.') ? own.slice(0, own.lastIndexOf('.')) : enclosing;
  return Object.fromEntries(
    Object.entries(attributes).map(([attribute, value]): [string, Json] => {
      if (attribute === 'name' && own !== '') return [attribute, own];
      if (attribute === 'fields' && isList(value))
        return [attribute, value.map((field) => normalisedField(field, inner))];
      if (attribute === 'items' || attribute === 'values') return [attribute, normalised(value, inner)];
      if (attribute === 'type' && !COMPLEX.has(value)) return [attribute, normalised(value, inner)];
      return [attribute, value];
    }),
  );
}

/** A field's name is in no namespace. */
function normalisedField(field: Json, enclosing: string): Json {
  if (field === null || typeof field !== 'object' || isList(field)) return field;
  return { ...field, type: normalised(field['type'] ?? null, enclosing) };
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function compare(ours: Json, theirs: Json, path: string, problems: Problem[]): void {
  if (ours === theirs) return;
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null) {
    problems.push({
      path: path === '' ? '(root)' : path,
      why: `${shown(ours)} here, ${shown(theirs)} in the registry`,
    });
    return;
  }
  const [left, right] = [entries(ours), entries(theirs)];
  // Avro writes fields in the schema's order, so it is part of the meaning; that of attributes is not.
  if (isList(ours) && left.size === right.size && [...left.keys()].join() !== [...right.keys()].join()) {
    problems.push({
      path: path === '' ? '(root)' : path,
      why: `in another order in the registry: ${[...right.keys()].join(', ')}`,
    });
  }
  for (const [name, value] of left) compareAt(value, right.get(name), name, path, problems);
  for (const [name, value] of right) if (!left.has(name)) compareAt(undefined, value, name, path, problems);
}

function compareAt(
  ours: Json | undefined,
  theirs: Json | undefined,
  name: string,
  path: string,
  problems: Problem[],
): void {
  const inner = path === '' ? name : `${path}.${name}`;
  if (ours === undefined) problems.push({ path: inner, why: 'only in the registry' });
  else if (theirs === undefined) problems.push({ path: inner, why: 'not in the registry' });
  else compare(ours, theirs, inner, problems);
}

/** Fields and other named members under their names, so that one that is inserted does not make the others differ. */
function entries(value: readonly Json[] | { readonly [name: string]: Json }): ReadonlyMap<string, Json> {
  if (!isList(value)) return new Map(Object.entries(value));
  return new Map(value.map((one, index) => [nameOf(one) ?? String(index), one]));
}

function nameOf(value: Json): string | undefined {
  if (value === null || typeof value !== 'object' || isList(value)) return undefined;
  return typeof value['name'] === 'string' ? value['name'] : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function shown(value: Json): string {
  return JSON.stringify(value);
}
