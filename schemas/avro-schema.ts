/** The part of Avro's schema language that this project uses, as JSON. */

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

export interface AvroScalar extends Bounds {
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
