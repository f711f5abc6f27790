import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { type TimeTexts, formatStream } from '../../../pipelines/export/formats.ts';
import type { RecordByTopic, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS, type TopicName } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

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
