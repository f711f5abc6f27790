import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import avsc from 'avsc';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';

const START = 1_770_000_000_000;

function row(index: number, patch: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    timestamp: START + index * 60_000,
    symbol: 'BTCUSDT',
    side: 'BUY',
    entry_price: 100,
    exit_price: 98,
    pnl_percent: -2,
    confidence: 0.7,
    model_id: 'm-1',
    ...patch,
  });
}

async function importLines(data: string, lines: readonly string[], ...args: readonly string[]) {
  const file = join(data, 'trades.jsonl');
  writeFileSync(file, lines.join('\n'));
  const { code, stdout, stderr } = await runProgram(['clm', 'import', file, '--data', data, ...args]);
  return { code, stderr: stderr.replaceAll(file, 'FILE'), summary: JSON.parse(stdout) };
}

async function status(data: string) {
  return JSON.parse((await runProgram(['status', '--json', '--data', data])).stdout);
}

describe('clm import', () => {
  test("a real recorder's file: doubles are dropped and counted, one FINAL outcome a trade", async () => {
    const data = folderForTest();
    const lines = Array.from({ length: 30 }, (_, index) => [
      row(index),
      row(index, { timestamp: START + index * 60_000 + 3 }),
    ]);
    const { code, summary, stderr } = await importLines(data, lines.flat());
    expect([code, stderr]).toEqual([0, '']);
    expect(summary).toMatchObject({ rows: 60, imported: 30, doubled: 30, already_recorded: 0, bad: 0, outcomes: 30 });
    expect((await status(data)).gate).toMatchObject({ final: 30, usable: 30, labels: { LOSS: 30 } });
    const { code: refused, stdout } = await runProgram(['calibrate', 'propose', '--json', '--data', data]);
    expect(refused).toBe(1);
    expect(JSON.parse(stdout).unmet.map(({ condition }: { condition: string }) => condition)).toEqual([
      'usable_outcomes',
      'symbols',
      'wins',
      'distinct_confidences',
    ]);
  });

  test('bad lines are named by file, line and every path; the others are imported; exit 1', async () => {
    const data = folderForTest();
    const lines = [row(0), row(1, { entry_price: 0, side: 'UP' }), '{broken', '', row(2).replace('-2', 'NaN'), row(3)];
    const { code, summary, stderr } = await importLines(data, lines);
    expect(code).toBe(1);
    expect(summary).toMatchObject({ rows: 5, imported: 2, bad: 3, outcomes: 2 });
    const places = stderr
      .trim()
      .split('\n')
      .map((line) => line.split(': ').slice(0, 2).join(': '));
    expect(places).toEqual([
      'FILE:2: side',
      'FILE:2: entry_price',
      'FILE:3: (root)',
      'FILE:5: (root)',
      'FILE:5: pnl_percent',
    ]);
  });

  test('the same file again, or a double of what is there, adds nothing', async () => {
    const data = folderForTest();
    const lines = [row(0), row(1), row(2)];
    await importLines(data, lines);
    const again = await importLines(data, [...lines, row(1, { timestamp: START + 60_040 })]);
    expect(again.summary).toMatchObject({ rows: 4, imported: 0, already_recorded: 4, outcomes: 0 });
    expect((await status(data)).topics['trade.closed'].records).toBe(3);
  });

  test('CLM-18: an import that was killed half-way is made whole by the next one', async () => {
    const data = folderForTest();
    const lines = Array.from({ length: 20 }, (_, index) => row(index));
    await importLines(data, lines.slice(0, 11));
    const { summary } = await importLines(data, lines);
    expect(summary).toMatchObject({ imported: 9, already_recorded: 11, outcomes: 9 });
    expect((await status(data)).gate.final).toBe(20);
  });

  test('a dry run says the same and makes nothing', async () => {
    const data = join(folderForTest(), 'none');
    const { stdout } = await runProgram(
      ['clm', 'import', '-', '--dry-run', '--data', data],
      [row(0), row(0)].join('\n'),
    );
    expect(JSON.parse(stdout)).toMatchObject({ imported: 1, doubled: 1, outcomes: 0, dry_run: true });
    expect(existsSync(data)).toBe(false);
  });

  test('a result that contradicts the prices is kept, with a warning', async () => {
    const data = folderForTest();
    const lines = Array.from({ length: 7 }, (_, index) => row(index, { pnl_percent: 2 }));
    const { code, summary, stderr } = await importLines(data, lines);
    expect(code).toBe(0);
    expect(summary.pnl_sign_warnings).toBe(7);
    expect(stderr.trim().split('\n')).toHaveLength(5);
    expect(stderr).toContain('FILE:1: pnl_percent 2 disagrees with LONG from 100 to 98');
    expect((await status(data)).gate.labels.WIN).toBe(7);
  });

  test("a recorder's zeros, doubles and one confidence are imported, and refused by the gate with every condition", async () => {
    const data = folderForTest();
    const recorded = readFileSync(join(import.meta.dirname, 'cases', 'unknown-as-zero.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const { code, summary } = await importLines(data, [...recorded, ...recorded]);
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      rows: 24,
      imported: 12,
      doubled: 12,
      outcomes: 12,
      unknown: { position_size: 12, duration_seconds: 7 },
    });
    expect(summary.doubled_lines[0]).toMatchObject({ line: 13, repeats: 1 });
    const { code: refused, stdout } = await runProgram(['calibrate', 'propose', '--dry-run', '--json', '--data', data]);
    expect(refused).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      refused: true,
      unmet: expect.arrayContaining([
        expect.objectContaining({ condition: 'usable_outcomes', have: 7, need: 50 }),
        expect.objectContaining({ condition: 'distinct_confidences', have: 1, need: 2 }),
      ]),
    });
  });

  test('results in another unit are refused as a whole, with the factor and the way on', async () => {
    const data = folderForTest();
    const lines = Array.from({ length: 4 }, (_, index) => row(index, { pnl_percent: -10 }));
    const { code, summary, stderr } = await importLines(data, [...lines, row(4, { entry_price: 0 })]);
    expect(code).toBe(1);
    expect(summary).toMatchObject({
      refused: true,
      imported: 0,
      pnl_unit: [{ found: { kind: 'factor', factor: 5, rows: 4, measured: 4 } }],
    });
    expect(stderr).toContain('FILE:5: entry_price: ');
    expect(stderr).toContain('pnl_percent is 5 times the price move in per cent in 4 of 4 rows');
    expect(stderr).toContain('--pnl leveraged:5');
    expect((await status(data)).topics['trade.closed'].records).toBe(0);
    const { summary: accepted } = await importLines(data, lines, '--pnl', 'leveraged:5');
    expect(accepted).toMatchObject({ imported: 4, outcomes: 4 });
  });

  test('symbols are joined by a map and by the record, times are of the zone that is named', async () => {
    const data = folderForTest();
    const map = join(data, 'symbols.json');
    writeFileSync(map, JSON.stringify({ XBT: 'BTCUSDT' }));
    const spelled = ['BTC/USDT:USDT', 'btcusdt', 'XBT', 'BTCUSDT'].map((symbol, index) => row(index, { symbol }));
    const naive = row(9, { timestamp: '2026-02-02T12:00:00' });
    const { code, summary } = await importLines(
      data,
      [...spelled, naive],
      '--symbols-map',
      map,
      '--time-zone',
      'Asia/Tokyo',
    );
    expect(code).toBe(0);
    expect(summary.symbols).toEqual({
      'BTC/USDT:USDT': { symbol: 'BTCUSDT', rows: 1 },
      btcusdt: { symbol: 'BTCUSDT', rows: 1 },
      XBT: { symbol: 'BTCUSDT', rows: 1 },
    });
    expect(summary.times).toEqual({ milliseconds: 4, iso_without_zone: 1 });
    const { stdout } = await runProgram(['clm', 'export', '--data', data]);
    const outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(outcomes.map(({ symbol }) => symbol))).toEqual(new Set(['BTCUSDT']));
    expect(outcomes.map(({ closed_at }) => closed_at)).toContain(Date.parse('2026-02-02T03:00Z'));
  });

  test.each([
    [['--pnl', 'margin']],
    [['--pnl', 'leveraged:0']],
    [['--time-zone', 'Mars/Base']],
    [['--symbols-map', 'no-such.json']],
  ])('%j is wrong usage', async (args) => {
    const { code } = await runProgram(['clm', 'import', '-', '--dry-run', '--data', folderForTest(), ...args], row(0));
    expect(code).toBe(2);
  });

  test('a file that is not there is wrong usage', async () => {
    const { code, stderr } = await runProgram(['clm', 'import', 'no-such.jsonl', '--data', folderForTest()]);
    expect(code).toBe(2);
    expect(stderr).toContain('no-such.jsonl does not exist');
  });
});

describe('clm export', () => {
  async function exported(format: string, ...args: readonly string[]): Promise<Buffer> {
    const data = folderForTest();
    const lines = [row(0), row(1, { exit_reason: 'say "when", twice', confidence: null }), row(2)];
    await importLines(data, lines);
    const file = join(data, `out.${format}`);
    const { code } = await runProgram(['clm', 'export', '--format', format, '--output', file, '--data', data, ...args]);
    expect(code).toBe(0);
    return readFileSync(file);
  }

  test('JSON lines have the fields of the record', async () => {
    const lines = (await exported('jsonl'))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(3);
    expect(lines.find(({ confidence }) => confidence === null)).toMatchObject({
      status: 'FINAL',
      label: 'LOSS',
      exit_reasons: ['say "when", twice'],
      excluded_from_calibration: 'NO_CONFIDENCE',
    });
  });

  test('CSV is read back by a CSV reader', async () => {
    const rows: Record<string, string>[] = parse(await exported('csv', '--topic', 'trade.closed'), { columns: true });
    expect(rows).toHaveLength(3);
    expect(rows.find(({ confidence }) => confidence === '')).toMatchObject({
      exit_reason: 'say "when", twice',
      closed_at: String(START + 60_000),
      fee_quote: '',
    });
  });

  test('an Avro container file is read back by its own schema', async () => {
    const data = await exported('avro');
    const records: unknown[] = [];
    const decoder = new avsc.streams.BlockDecoder();
    decoder.on('data', (record: unknown) => records.push(record));
    await new Promise((resolve) => decoder.on('end', resolve).end(data));
    expect(records).toHaveLength(3);
    expect(records[0]).toMatchObject({ status: 'FINAL', symbol: 'BTCUSDT', quantity: 1 });
  });

  test('of a position only its latest record is exported, into a pipe too', async () => {
    const data = folderForTest();
    await runProgram(['dev', '--cycles', '120', '--data', data]);
    const { stdout } = await runProgram(['clm', 'export', '--data', data]);
    const ids = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).position_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await status(data)).topics['clm.outcome'].records).toBeGreaterThan(ids.length);
  });
});
