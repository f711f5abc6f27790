import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedLog } from '../../connectors/embedded/embedded-log.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { TOPICS, deadLetterTopicOf } from '../../schemas/topics.ts';
import { sharedTestBroker, started } from '../tools/kafka/test-broker.ts';
import { folderForTest, temporaryFolder } from '../fixtures/temporary-folder.ts';
import { rawRecordsOf } from './compose/run-in-process.ts';
import { plural } from '../../render/figures.ts';
import { runProgram } from './program.ts';

const broker = await sharedTestBroker();

async function lines(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { code, stdout } = await runProgram(args);
  expect(code).toBe(0);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

async function parquet(file: string): Promise<readonly Record<string, unknown>[]> {
  const { buffer, byteOffset, length } = readFileSync(file);
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + length) });
}

describe('export', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const data = folder.path;

  beforeAll(async () => {
    await runProgram(['dev', '--cycles', '120', '--data', data]);
  });

  test.each(Object.values(TOPICS))('of $name: as many rows in every format as records', async ({ name, cleanup }) => {
    const records = await lines('export', name, '--all', '--data', data);
    const log = EmbeddedLog.openReadOnly(data, new SystemClock());
    const kept = await rawRecordsOf(log, name);
    await log.close();
    expect(records).toHaveLength(kept.length);
    const latest = await lines('export', name, '--data', data);
    if (cleanup === 'compact') expect(latest).toHaveLength(new Set(kept.map(({ key }) => String(key))).size);
    else expect(latest).toEqual(records);
    const file = join(data, `${name}.parquet`);
    const { code, stderr } = await runProgram(['export', name, '--out', file, '--data', data]);
    expect(code).toBe(0);
    expect(stderr).toContain(`${plural(latest.length, 'record')} of ${name} in ${file}`);
    expect(await parquet(file)).toHaveLength(latest.length);
  });

  test('times are UTC timestamps in Parquet and CSV', async () => {
    const [file, csv] = [join(data, 'trades.parquet'), join(data, 'trades.csv')];
    await runProgram(['export', 'trade.closed', '--format', 'parquet', '--out', file, '--data', data]);
    await runProgram(['export', 'trade.closed', '--out', csv, '--data', data]);
    const [first] = await lines('export', 'trade.closed', '--data', data);
    const at = new Date(Number(first?.['closed_at']));
    expect((await parquet(file))[0]).toMatchObject({ closed_at: at, trade_id: first?.['trade_id'] });
    const rows: Record<string, string>[] = parse(readFileSync(csv), { columns: true });
    expect(rows[0]?.['closed_at']).toBe(at.toISOString());
  });

  test('`clm export` is an older name of it', async () => {
    const { stdout } = await runProgram(['clm', 'export', '--topic', 'execution.report', '--data', data]);
    expect(stdout).toBe((await runProgram(['export', 'execution.report', '--data', data])).stdout);
  });

  test.each([
    [['export', 'trades'], 'no topic trades'],
    [['export', deadLetterTopicOf('trade.closed')], 'holds bytes, not records'],
    [['export', 'trade.closed', '--format', 'xlsx'], 'jsonl, csv, avro, parquet'],
  ])('%j is wrong usage', async (args, said) => {
    const { code, stderr } = await runProgram([...args, '--data', data]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe.skipIf('skipped' in broker)('export on Kafka', () => {
  test('is of the same records', async () => {
    const { brokers, registryUrl } = started(broker);
    const kafka = ['--brokers', String(brokers), '--registry', registryUrl, '--desk', 'exported'];
    const data = folderForTest();
    await runProgram(['topics', 'apply', ...kafka]);
    await runProgram(['schemas', 'register', ...kafka]);
    const row = { symbol: 'BTCUSDT', side: 'BUY', entry_price: 100, exit_price: 98, pnl_percent: -2, confidence: 0.7 };
    const rows = Array.from({ length: 30 }, (_, index) =>
      JSON.stringify({ ...row, timestamp: 1_770_000_000 + 60 * index, model_id: 'm' }),
    );
    await runProgram(['clm', 'import', '-', '--data', data, ...kafka], rows.join('\n'));
    const file = join(data, 'trades.parquet');
    expect((await runProgram(['export', 'trade.closed', '--out', file, ...kafka])).code).toBe(0);
    const times = (await parquet(file)).map(({ closed_at }) => Number(closed_at));
    expect(times.toSorted((a, b) => a - b)).toEqual(rows.map((_, index) => 1_770_000_000_000 + 60_000 * index));
    expect(await lines('export', 'trade.closed', ...kafka)).toHaveLength(30);
  });
});
