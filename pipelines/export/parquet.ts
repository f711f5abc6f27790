import { Transform, type TransformCallback } from 'node:stream';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { compressSync } from 'snappy';
import {
  type AvroRecord,
  type AvroSchema,
  TIMESTAMP_LOGICAL_TYPE,
  isUnion,
  nullableOf,
} from '../../schemas/avro-schema.ts';
import { converterOf } from './convert.ts';

/** Held in memory until they are written: enough that a column packs well, some ten megabytes of snapshots. Unit: records. */
const ROW_GROUP = 20_000;

/**
 * A stream that takes records and gives a Parquet file, row group by row group. Columns are the fields of the schema: timestamps are
 * TIMESTAMP in UTC, enums are strings, lists and nested records are Parquet's own.
 */
export function parquetStream(schema: AvroRecord): Transform {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: parquetSchemaOf(schema),
    compressors: { SNAPPY: (input) => compressSync(Buffer.from(input.buffer, input.byteOffset, input.length)) },
    createdBy: 'harvestline',
  });
  const columns = schema.fields.map(({ name, type }) => ({
    name,
    // Parquet's 64-bit integers are bigint.
    convert: converterOf(type, { timestamp: bigIntOf, long: bigIntOf }) ?? ((value: unknown) => value),
  }));
  let rows: Readonly<Record<string, unknown>>[] = [];
  const writeRows = (): void => {
    if (rows.length === 0) return;
    const columnData = columns.map(({ name, convert }) => ({ name, data: rows.map((row) => convert(row[name])) }));
    rows = [];
    // What the writer returns to wait for is a flush that ByteWriter does not have.
    void writer.write({ columnData, rowGroupSize: ROW_GROUP });
  };
  /** What was written since the last time. `offset` of the writer, which the file's index counts in, goes on. */
  const taken = (): Buffer => {
    const chunk = Buffer.from(bytes.getBytes());
    bytes.index = 0;
    return chunk;
  };
  return new Transform({
    writableObjectMode: true,
    transform(row: Readonly<Record<string, unknown>>, _encoding, done: TransformCallback) {
      rows.push(row);
      if (rows.length < ROW_GROUP) return done();
      writeRows();
      done(null, taken());
    },
    flush(done) {
      writeRows();
      void writer.finish();
      done(null, taken());
    },
  });
}

function bigIntOf(value: unknown): bigint {
  return BigInt(value as number);
}

function parquetSchemaOf({ name, fields }: AvroRecord): SchemaElement[] {
  return [
    { name, num_children: fields.length },
    ...fields.flatMap((field) => elementsOf(field.name, field.type, false)),
  ];
}

/** The elements of one field, depth first, as Parquet lists them. */
function elementsOf(name: string, schema: AvroSchema, nullable: boolean): SchemaElement[] {
  const inner = nullableOf(schema);
  if (inner !== undefined) return elementsOf(name, inner, true);
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (isUnion(schema)) throw new TypeError(`${name} is a union of several types, which no column can be`);
  const type = typeof schema === 'string' ? schema : schema.type;
  if (typeof schema !== 'string' && schema.type === 'record') {
    const group = { name, num_children: schema.fields.length, repetition_type } as const;
    return [group, ...schema.fields.flatMap((field) => elementsOf(field.name, field.type, false))];
  }
  if (typeof schema !== 'string' && schema.type === 'array') {
    return [
      { name, num_children: 1, repetition_type, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      ...elementsOf('element', schema.items, false),
    ];
  }
  if (type === 'string' || type === 'enum')
    return [{ name, repetition_type, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }];
  if (
    type === 'long' &&
    typeof schema !== 'string' &&
    'logicalType' in schema &&
    schema.logicalType === TIMESTAMP_LOGICAL_TYPE
  )
    return [
      {
        name,
        repetition_type,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      },
    ];
  const physical = PHYSICAL[type];
  if (physical === undefined) throw new TypeError(`${name} has type ${type}, which no column has`);
  return [{ name, repetition_type, type: physical }];
}

const PHYSICAL: Readonly<Record<string, SchemaElement['type']>> = {
  boolean: 'BOOLEAN',
  int: 'INT32',
  long: 'INT64',
  float: 'FLOAT',
  double: 'DOUBLE',
  bytes: 'BYTE_ARRAY',
};
