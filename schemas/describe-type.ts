import { type AvroSchema, BOUNDS_LOGICAL_TYPE, boundsOf, isUnion, nullableOf } from './avro-schema.ts';

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
