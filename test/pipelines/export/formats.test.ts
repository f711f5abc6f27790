import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { expect, test, describe } from 'vitest';
import { type TimeTexts, formatStream } from '../../../pipelines/export/formats.ts';
import type { RecordByTopic, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS, type TopicName, loadSchema } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { type AvroSchema, TIMESTAMP_LOGICAL_TYPE, isUnion, nullableOf } from '../../../schemas/avro-schema.ts';

async function csvOf<N extends TopicName>(
  topic: N,
  patch: Partial<Record<keyof RecordByTopic[N], unknown>>,
  times: TimeTexts = 'utc',
): Promise<Record<string, string>> {
  const record = { ...GOOD_RECORDS[topic], ...patch };
  const csv = await text(Readable.from([record]).pipe(formatStream('csv', topic, times)));
  const [row] = parse<Record<string, string>>(csv, { columns: true });
  return row ?? {};
}

function cellsOf(patch: Partial<Record<keyof TradeClosed, unknown>>): Promise<Record<string, string>> {
  return csvOf(TOPICS.tradeClosed.name, patch);
}

test.each(['=cmd()', '+1', '-1', '@SUM(1)', '\t=1', '\r=1', '\n=1'])(
  'text that begins as a formula is text: %j',
  async (symbol) => {
    expect((await cellsOf({ symbol }))['symbol']).toBe(`'${symbol}`);
  },
);

test('numbers stay numbers, and other text is as it is', async () => {
  const cells = await cellsOf({ pnl_percent: -1.5, symbol: 'A=B, "C"', exit_reason: "'quoted" });
  expect([cells['pnl_percent'], cells['symbol'], cells['exit_reason']]).toEqual(['-1.5', 'A=B, "C"', "'quoted"]);
});

test.each([[['trailing stop hit']], [['take profit, second step', 'say "when"']], [['=1', '']], [[]]])(
  'a list is JSON in its cell, and its items come back: %j',
  async (reasons) => {
    const csv = await csvOf(TOPICS.clmOutcome.name, { exit_reasons: reasons });
    expect(JSON.parse(csv['exit_reasons'] ?? '')).toEqual(reasons);
  },
);

test('times are ISO 8601 in UTC, those of nested records too; or milliseconds', async () => {
  const at = Date.parse('2026-03-01T12:00:00.500Z');
  expect((await csvOf(TOPICS.tradeClosed.name, { closed_at: at }))['closed_at']).toBe('2026-03-01T12:00:00.500Z');
  expect((await csvOf(TOPICS.tradeClosed.name, { closed_at: at }, 'epoch'))['closed_at']).toBe(String(at));
  const { reductions } = GOOD_RECORDS[TOPICS.positionReconciled.name];
  const nested = await csvOf(TOPICS.positionReconciled.name, {
    reductions: reductions.map((reduction) => ({ ...reduction, closed_at: at })),
  });
  expect(JSON.parse(nested['reductions'] ?? '')[0].closed_at).toBe('2026-03-01T12:00:00.500Z');
});

test('an Avro container file of no records has its schema', async () => {
  const bytes = await buffer(Readable.from([]).pipe(formatStream('avro', TOPICS.clmOutcome.name, 'utc')));
  expect(bytes.subarray(0, 4)).toEqual(Buffer.from('Obj\u0001'));
  expect(bytes.toString('latin1')).toContain('"name":"ClmOutcome"');
});

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
