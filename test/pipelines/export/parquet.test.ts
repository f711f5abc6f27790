import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { formatStream } from '../../../pipelines/export/formats.ts';
import { type TopicName, TOPICS } from '../../../schemas/topics.ts';
import { loadSchema } from '../../../schemas/load-schema.ts';
import { type AvroSchema, TIMESTAMP_LOGICAL_TYPE, isUnion, nullableOf } from '../../../schemas/avro-schema.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

async function parquetOf(topic: TopicName, records: readonly object[]): Promise<ArrayBuffer> {
  const bytes = await buffer(Readable.from(records).pipe(formatStream('parquet', topic, 'utc')));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

/** The record as a reader of Parquet gives it: whole numbers of 64 bits are bigint, times are Date. */
function expected(schema: AvroSchema, value: unknown): unknown {
  const inner = nullableOf(schema);
  if (inner !== undefined) return value === null || value === undefined ? null : expected(inner, value);
  if (schema === 'long') return BigInt(value as number);
  if (typeof schema === 'string' || isUnion(schema)) return value;
  if (schema.type === 'array') return (value as unknown[]).map((item) => expected(schema.items, item));
  if (schema.type === 'record')
    return Object.fromEntries(
      schema.fields.map(({ name, type }) => [name, expected(type, (value as Record<string, unknown>)[name])]),
    );
  if (schema.type !== 'long') return value;
  const isTime = 'logicalType' in schema && schema.logicalType === TIMESTAMP_LOGICAL_TYPE;
  return isTime ? new Date(value as number) : BigInt(value as number);
}

function isArray(schema: AvroSchema): boolean {
  return typeof schema === 'object' && 'type' in schema && schema.type === 'array';
}

/** The reader has undefined for a list that is null. */
function nullsFor(rows: readonly Record<string, unknown>[]): unknown {
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null])));
}

describe('Parquet', () => {
  test.each(Object.values(TOPICS))('of $name comes back as it was, nested and unknown values too', async (topic) => {
    const record = GOOD_RECORDS[topic.name];
    const schema = loadSchema(topic);
    const nulls = Object.fromEntries(
      schema.fields.filter(({ type }) => nullableOf(type) !== undefined).map(({ name }) => [name, null]),
    );
    const empty = Object.fromEntries(
      schema.fields.filter(({ type }) => isArray(nullableOf(type) ?? type)).map(({ name }) => [name, []]),
    );
    const records = [record, { ...record, ...nulls }, { ...record, ...empty }, record];
    const file = await parquetOf(topic.name, records);
    expect(nullsFor(await parquetReadObjects({ file }))).toEqual(records.map((one) => expected(schema, one)));
  });

  test('of more records than a row group holds is one file in order', async () => {
    const record = GOOD_RECORDS[TOPICS.tradeClosed.name];
    const records = Array.from({ length: 45_000 }, (_, index) => ({ ...record, quantity: index + 1 }));
    const file = await parquetOf(TOPICS.tradeClosed.name, records);
    expect(parquetMetadata(file).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([20_000, 20_000, 5000]);
    const read = await parquetReadObjects({ file, columns: ['quantity', 'closed_at'] });
    expect(read.map(({ quantity }) => quantity)).toEqual(records.map(({ quantity }) => quantity));
  });

  test('of no records has all columns', async () => {
    const file = await parquetOf(TOPICS.clmOutcome.name, []);
    const { schema, num_rows } = parquetMetadata(file);
    expect(Number(num_rows)).toBe(0);
    expect(schema.find(({ name }) => name === 'closed_at')).toMatchObject({
      repetition_type: 'OPTIONAL',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    });
  });
});
