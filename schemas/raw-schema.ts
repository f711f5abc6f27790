/** Looking into JSON that should be an Avro schema and may not be. */

export type Attributes = Readonly<Record<string, unknown>>;

export const NUMBERS: ReadonlySet<unknown> = new Set(['int', 'long', 'float', 'double']);

export function isObject(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** T of ["null", T], any other schema as it is. */
export function withoutNull(schema: unknown): unknown {
  return Array.isArray(schema) && schema.length === 2 && schema[0] === 'null' ? schema[1] : schema;
}

/** What an array, an array of arrays … holds in the end; any other schema as it is. */
export function itemsOf(schema: unknown): unknown {
  const inner = withoutNull(schema);
  return isObject(inner) && inner['type'] === 'array' ? itemsOf(inner['items']) : inner;
}

export function typeNameOf(schema: unknown): unknown {
  return isObject(schema) ? schema['type'] : schema;
}

export function logicalTypeOf(schema: unknown): unknown {
  return isObject(schema) ? schema['logicalType'] : undefined;
}

export function holdsNumbers(schema: unknown): boolean {
  return NUMBERS.has(typeNameOf(itemsOf(schema)));
}
