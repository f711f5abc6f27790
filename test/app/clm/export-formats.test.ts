import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { formatStream } from '../../../app/clm/export-formats.ts';
import type { TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

async function cellsOf(patch: Partial<Record<keyof TradeClosed, unknown>>): Promise<Record<string, string>> {
  const record = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...patch };
  const csv = await text(Readable.from([record]).pipe(formatStream('csv', TOPICS.tradeClosed.name)));
  const [row] = parse<Record<string, string>>(csv, { columns: true });
  return row ?? {};
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
