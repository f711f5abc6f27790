/** The part of Avro's schema language that this project uses, as JSON; its types in words; and looking into JSON that may be no schema. */

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes';

/**
 * Bounds travel with the schema as a logicalType that other readers ignore, in JSON Schema's words. The numeric words are
 * for numbers, the lengths for strings, the items for arrays.
 */
export interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export const BOUNDS_LOGICAL_TYPE = 'bounded';

export const BOUND_WORDS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
] as const satisfies readonly (keyof Bounds)[];

interface AvroScalar extends Bounds {
  readonly type: AvroPrimitive;
  readonly logicalType?: string;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
  readonly default?: unknown;
  readonly aliases?: readonly string[];
}

export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: readonly AvroField[];
  readonly aliases?: readonly string[];
}

export interface AvroEnum {
  readonly type: 'enum';
  readonly name: string;
  readonly doc?: string;
  readonly symbols: readonly string[];
  readonly default?: string;
}

export interface AvroArray extends Bounds {
  readonly type: 'array';
  readonly items: AvroSchema;
  readonly logicalType?: string;
}

export type AvroSchema = AvroPrimitive | AvroScalar | AvroRecord | AvroEnum | AvroArray | readonly AvroSchema[];

/** `Array.isArray` does not narrow readonly arrays. */
export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

/** `["null", T]`: the T. Undefined for any other schema. */
export function nullableOf(schema: AvroSchema): AvroSchema | undefined {
  return isUnion(schema) && schema.length === 2 && schema[0] === 'null' ? schema[1] : undefined;
}

/** A number of milliseconds since 1970: the one other logicalType that may say bounds. */
export const TIMESTAMP_LOGICAL_TYPE = 'timestamp-millis';

/** The bounds that a schema states, inside of a nullable too; none where its logicalType is another or missing. */
export function boundsOf(schema: AvroSchema): Bounds {
  const type = nullableOf(schema) ?? schema;
  if (typeof type === 'string' || isUnion(type) || type.type === 'record' || type.type === 'enum') return {};
  return type.logicalType === BOUNDS_LOGICAL_TYPE || type.logicalType === TIMESTAMP_LOGICAL_TYPE ? type : {};
}

/** The whole numbers that avsc gives back unchanged. It refuses 2^53 - 1; below -2^52 the zigzag form is odd and above 2^53, and another number comes back. */
export const LEAST_LONG = -(2 ** 52);
export const GREATEST_LONG = 2 ** 53 - 2;

/** The type in a reader's words, without bounds and without null: `double`, `timestamp-millis (long)`, `array of Factor`, `enum Side`. */
export function typeTextOf(schema: AvroSchema): string {
  const type = nullableOf(schema) ?? schema;
  if (isUnion(type)) return type.map(typeTextOf).join(' or ');
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'record':
      return `record ${type.name}`;
    case 'enum':
      return `enum ${type.name}`;
    case 'array':
      return `array of ${typeTextOf(type.items)}`;
    default:
      return type.logicalType === undefined || type.logicalType === BOUNDS_LOGICAL_TYPE
        ? type.type
        : `${type.logicalType} (${type.type})`;
  }
}

/** `above 0, at most 1`, `1 to 256 characters`, `at least 1 item`; the empty text without bounds. */
export function boundsTextOf(schema: AvroSchema): string {
  const bounds = boundsOf(schema);
  return [
    bounds.exclusiveMinimum === undefined ? '' : `above ${bounds.exclusiveMinimum}`,
    bounds.minimum === undefined ? '' : `at least ${bounds.minimum}`,
    bounds.exclusiveMaximum === undefined ? '' : `below ${bounds.exclusiveMaximum}`,
    bounds.maximum === undefined ? '' : `at most ${bounds.maximum}`,
    countText(bounds.minLength, bounds.maxLength, 'character'),
    countText(bounds.minItems, bounds.maxItems, 'item'),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function countText(least: number | undefined, most: number | undefined, noun: string): string {
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return `at least ${plural(least ?? 0, noun)}`;
  return least === undefined ? `at most ${plural(most, noun)}` : `${least} to ${plural(most, noun)}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The attributes of JSON that should be an Avro schema, and may be anything. */
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
