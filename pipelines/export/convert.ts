import { type AvroSchema, TIMESTAMP_LOGICAL_TYPE, isUnion, nullableOf } from '../../schemas/avro-schema.ts';

/** Turns one value of a record into what a format has for it. */
export type Convert = (value: unknown) => unknown;

export interface Conversions {
  /** A number of milliseconds since 1970. */
  readonly timestamp: Convert;
  /** Any other whole number of 64 bits. */
  readonly long: Convert;
}

/** The conversion of a schema's values, fields and items included; null where there is nothing to convert. */
export function converterOf(schema: AvroSchema, conversions: Conversions): Convert | null {
  const inner = nullableOf(schema);
  if (inner !== undefined) {
    const convert = converterOf(inner, conversions);
    return convert && ((value) => (value === null || value === undefined ? null : convert(value)));
  }
  if (typeof schema === 'string' || isUnion(schema)) return schema === 'long' ? conversions.long : null;
  if (schema.type === 'array') {
    const convert = converterOf(schema.items, conversions);
    return convert && ((value) => (value as readonly unknown[]).map(convert));
  }
  if (schema.type === 'record') {
    const converted = schema.fields.flatMap(({ name, type }) => {
      const convert = converterOf(type, conversions);
      return convert === null ? [] : [{ name, convert }];
    });
    if (converted.length === 0) return null;
    return (value) => {
      const record = { ...(value as Readonly<Record<string, unknown>>) };
      for (const { name, convert } of converted) record[name] = convert(record[name]);
      return record;
    };
  }
  if (schema.type !== 'long') return null;
  const isTimestamp = 'logicalType' in schema && schema.logicalType === TIMESTAMP_LOGICAL_TYPE;
  return isTimestamp ? conversions.timestamp : conversions.long;
}
