import { describe, expect, it } from 'vitest';
import type { ImportFigures } from '../../../pipelines/clm/import-summary.ts';
import { importTrades } from '../../../pipelines/clm/import-trades.ts';
import { UTC } from '../../../pipelines/clm/recorded-time.ts';

const ROW = {
  timestamp: '2026-03-02T09:00:00Z',
  symbol: 'ATOMUSDT',
  side: 'BUY',
  entry_price: 4.1,
  exit_price: 4.182,
  pnl_percent: 2,
  confidence: 0.71,
  model_id: 'm-1',
};

/** A row a minute after the one before, so that none is a double, with `extra` as it is written. */
function row(minute: number, extra = ''): string {
  return JSON.stringify({ ...ROW, timestamp: 1_770_000_000_000 + minute * 60_000 }).replace(/\}$/, `${extra}}`);
}

async function dryRun(input: string | Buffer): Promise<{ counts: ImportFigures; bad: readonly string[] }> {
  const bad: string[] = [];
  const result = await importTrades(
    [
      {
        name: 'f',
        lines: (async function* () {
          yield Buffer.from(input as string);
        })(),
      },
    ],
    null,
    {
      account: 'a',
      venue: 'v',
      dryRun: true,
      now: Infinity,
      pnl: null,
      timeZone: UTC,
      symbolsMap: new Map(),
      onBadLine: (line) => bad.push(line),
      onWarning: () => {},
      onRow: () => {},
    },
  );
  if (result.refused !== null) throw new Error('refused');
  return { counts: result.figures, bad };
}

describe('clm import', () => {
  it('counts fields that no record has a place for, whatever they are named', async () => {
    const rows = [
      row(1, ',"constructor":1,"venue_fee":0.1'),
      row(2, ',"toString":1,"venue_fee":0.1'),
      row(3, ',"__proto__":1,"venue_fee":0.1'),
    ];
    const { counts } = await dryRun(rows.join('\n'));
    expect(JSON.stringify(counts.ignored_fields)).toBe('{"__proto__":1,"constructor":1,"toString":1,"venue_fee":3}');
  });

  it('names a key that comes twice together with all else, and bytes that are no UTF-8; the others are imported', async () => {
    const broken = Buffer.concat([
      Buffer.from(row(3).slice(0, 30)),
      Buffer.from([0xff]),
      Buffer.from(row(3).slice(30)),
    ]);
    const { counts, bad } = await dryRun(
      Buffer.concat([
        Buffer.from(`${row(1)}\n${row(2, ',"symbol":"OTHER","side":"UP"')}\n`),
        broken,
        Buffer.from(`\n${row(4)}\n`),
      ]),
    );
    expect(bad).toEqual([
      'f:2: symbol: comes twice in its object',
      'f:2: side: comes twice in its object',
      'f:2: side: must be BUY, SELL, LONG or SHORT, found "UP"',
      'f:3: (root): is not UTF-8: byte 0xff at position 30',
    ]);
    expect(counts).toMatchObject({ rows: 4, imported: 2, bad: 2 });
  });

  it('a megabyte that is no JSON is one bad line', async () => {
    const { counts, bad } = await dryRun(`${String.raw`\"`.repeat(500_000)}\n${row(1)}\n`);
    expect(bad).toEqual([expect.stringMatching(/^f:1: \(root\): is not JSON: .{1,200}$/)]);
    expect(counts).toMatchObject({ rows: 2, imported: 1, bad: 1 });
  });
});

describe('an input that is read twice', () => {
  const options = {
    account: 'a',
    venue: 'v',
    dryRun: true,
    now: Infinity,
    pnl: null,
    timeZone: UTC,
    symbolsMap: new Map<string, string>(),
    onWarning: () => {},
    onRow: () => {},
  };
  const lines = async function* (text: string) {
    yield Buffer.from(text);
  };

  it('CLM-17: names bad lines and counts rows once', async () => {
    const text = `${row(1)}\n{}\n${row(1)}\n${row(2)}\n`;
    const bad: string[] = [];
    const input = { name: 'f', lines: lines(text), again: () => lines(text) };
    const result = await importTrades([input], null, { ...options, onBadLine: (line) => bad.push(line) });
    expect(result).toMatchObject({ refused: null, figures: { rows: 4, imported: 2, doubled: 1, bad: 1 } });
    expect(new Set(bad).size).toBe(bad.length);
    expect(result.refused === null && result.figures.doubled_lines).toEqual([{ file: 'f', line: 3, repeats: 1 }]);
  });

  it('CLM-19: is refused as a whole by its unit, and still says which lines are bad', async () => {
    const times = Array.from({ length: 20 }, (_, minute) => row(minute).replace('"pnl_percent":2', '"pnl_percent":10'));
    const text = `${[...times, '{}'].join('\n')}\n`;
    const bad: string[] = [];
    const result = await importTrades([{ name: 'f', lines: lines(text), again: () => lines(text) }], null, {
      ...options,
      onBadLine: (line) => bad.push(line),
    });
    expect(result).toMatchObject({ refused: [{ file: 'f', found: { kind: 'factor', factor: 5 } }], rows: 21, bad: 1 });
    expect(bad.every((line) => line.startsWith('f:21: '))).toBe(true);
  });
});
