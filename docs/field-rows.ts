import { type AvroEnum, type AvroRecord, type AvroSchema, isUnion, nullableOf } from '../schemas/avro-schema.ts';
import { boundsTextOf, typeTextOf } from '../schemas/describe-type.ts';

/** One field of a record, as the documentation shows it. */
export interface FieldRow {
  /** `factors[].points` for a field inside a list. */
  readonly path: string;
  readonly type: string;
  readonly nullable: boolean;
  /** The bounds, or the symbols of an enum; the empty text where there are none. */
  readonly bounds: string;
  /** With the unit of a number. */
  readonly doc: string;
}

/** Every field of a record, in order; those of a record inside it follow the field that holds them. */
export function fieldRowsOf(record: AvroRecord, parent = ''): readonly FieldRow[] {
  return record.fields.flatMap((field) => {
    const path = parent + field.name;
    const inner = itemOf(field.type);
    const row: FieldRow = {
      path,
      type: typeTextOf(field.type),
      nullable: nullableOf(field.type) !== undefined,
      bounds: [boundsTextOf(field.type), inner.text].filter((text) => text !== '').join('; '),
      doc: field.doc ?? '',
    };
    return inner.record === null ? [row] : [row, ...fieldRowsOf(inner.record, `${path}${inner.suffix}.`)];
  });
}

/** What a field holds beneath null and lists: a record's fields and an enum's symbols are documented, too. */
function itemOf(schema: AvroSchema): {
  readonly record: AvroRecord | null;
  readonly suffix: string;
  readonly text: string;
} {
  const type = nullableOf(schema) ?? schema;
  if (typeof type === 'string' || isUnion(type)) return { record: null, suffix: '', text: '' };
  if (type.type === 'array') {
    const { record, suffix, text } = itemOf(type.items);
    const bounds = boundsTextOf(type.items);
    return { record, suffix: `[]${suffix}`, text: bounds === '' ? text : `each ${bounds}` };
  }
  if (type.type === 'record') return { record: type, suffix: '', text: '' };
  return { record: null, suffix: '', text: type.type === 'enum' ? symbolsOf(type) : '' };
}

/** The symbols that are written: the default stands for one that an older reader does not know. */
function symbolsOf({ symbols, default: unknown }: AvroEnum): string {
  return symbols.filter((symbol) => symbol !== unknown).join(', ');
}
