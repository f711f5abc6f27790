import { Transform, type TransformCallback } from 'node:stream';
import { deflateRaw } from 'node:zlib';
// oxlint-disable-next-line no-restricted-imports -- a container file is one of the formats: bytes in memory, no world
import avsc from 'avsc';
import { formatEventTime } from '../../render/event-time.ts';
import { loadSchema, type TopicName, findTopic } from '../../schemas/topics.ts';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { compressSync } from 'snappy';
import {
  type AvroRecord,
  type AvroSchema,
  TIMESTAMP_LOGICAL_TYPE,
  isUnion,
  nullableOf,
} from '../../schemas/avro-schema.ts';

export const FORMATS = ['jsonl', 'csv', 'avro', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

/** How JSON lines and CSV write a time: ISO 8601 in UTC, or milliseconds since 1970. Avro and Parquet have a type for it. */
export const TIME_FORMS = ['utc', 'epoch'] as const;
export type TimeTexts = (typeof TIME_FORMS)[number];

/** Avro and Parquet are bytes, not for a terminal. */
export function isBinary(format: Format): boolean {
  return format === 'avro' || format === 'parquet';
}

/** A stream that takes records and gives bytes. */
export function formatStream(format: Format, topic: TopicName, times: TimeTexts): NodeJS.ReadWriteStream {
  const spec = findTopic(topic);
  if (spec === undefined) throw new TypeError(`${topic} is not in the topic table`);
  const schema = loadSchema(spec);
  if (format === 'parquet') return parquetStream(schema);
  if (format === 'avro') {
    // The file contains the schema as it is registered, so that any Avro reader opens it.
    return new avsc.streams.BlockEncoder(schema as avsc.Schema, {
      // Even without records: a container file must contain its schema.
      writeHeader: true,
      codec: 'deflate',
      codecs: {
        deflate: (data: Buffer, done: (error: Error | null, result: Buffer) => void) => deflateRaw(data, done),
      },
    });
  }
  if (format === 'jsonl') {
    const convert = textOf(times, (conversions) => converterOf(schema, conversions));
    return lineStream((record) => JSON.stringify(convert(record)));
  }
  const columns = schema.fields.map(({ name, type }) => ({
    name,
    convert: textOf(times, (conversions) => converterOf(type, conversions)),
  }));
  return lineStream(
    (record) => columns.map(({ name, convert }) => cell(convert(record[name]))).join(','),
    columns.map(({ name }) => name).join(','),
  );
}

function textOf(times: TimeTexts, converter: (conversions: Conversions) => Convert | null): Convert {
  const asIs: Convert = (value) => value;
  if (times === 'epoch') return asIs;
  return converter({ timestamp: (value) => formatEventTime(value as number), long: asIs }) ?? asIs;
}

/** Characters that make a spreadsheet read a cell as a formula, or that it skips before one. */
const FORMULA = /^[=+\-@\t\r\n]/;

type AnyRecord = Readonly<Record<string, unknown>>;

function lineStream(lineOf: (record: AnyRecord) => string, head?: string): Transform {
  let started = false;
  const first = (): string => {
    if (started) return '';
    started = true;
    return head === undefined ? '' : `${head}\n`;
  };
  return new Transform({
    writableObjectMode: true,
    transform(record: AnyRecord, _encoding, done: TransformCallback) {
      done(null, `${first()}${lineOf(record)}\n`);
    },
    flush(done) {
      done(null, first());
    },
  });
}

/**
 * A CSV cell by RFC 4180, quoted where it must be. A list or a nested record is JSON, so that its items come back exactly; null is empty.
 * Text that a spreadsheet would take for a formula gets an apostrophe before it, so that a symbol named `=HYPERLINK(…)` does nothing on
 * the machine of whoever opens the file. Numbers stay numbers.
 */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = typeof value === 'string' && FORMULA.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Held in memory until they are written: enough that a column packs well, some ten megabytes of snapshots. Unit: records. */
const ROW_GROUP = 20_000;

/**
 * A stream that takes records and gives a Parquet file, row group by row group. Columns are the fields of the schema: timestamps are
 * TIMESTAMP in UTC, enums are strings, lists and nested records are Parquet's own.
 */
function parquetStream(schema: AvroRecord): Transform {
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
    // Nothing to wait for: the promise is of a flush, which ByteWriter does not have.
    void writer.write({ columnData, rowGroupSize: ROW_GROUP });
  };
  /** Takes the bytes written since the last call. The writer's `offset`, which the index of the file uses, is not reset. */
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

/** Turns a value of a record into that of a format. */
type Convert = (value: unknown) => unknown;

interface Conversions {
  /** For milliseconds since 1970. */
  readonly timestamp: Convert;
  /** For any other 64-bit integer. */
  readonly long: Convert;
}

/** The conversion of a schema's values, with their fields and items; null where there is nothing to convert. */
function converterOf(schema: AvroSchema, conversions: Conversions): Convert | null {
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
