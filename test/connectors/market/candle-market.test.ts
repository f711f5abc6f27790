import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { symbolOf, loadCandleMarket } from '../../../connectors/market/candle-market.ts';
import { WARM_UP_CYCLES } from '../../../ports/market.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { FIVE_MINUTES_MS, HEADER, row, rows } from './candle-rows.ts';

function write(name: string, lines: readonly string[]): string {
  const path = join(folderForTest(), name);
  writeFileSync(path, [HEADER, ...lines, ''].join('\n'));
  return path;
}

async function refusal(...files: readonly string[]): Promise<HarvestlineError> {
  const thrown: unknown = await loadCandleMarket(files).catch((error: unknown) => error);
  if (!(thrown instanceof HarvestlineError)) throw new Error('the files were accepted');
  return thrown;
}

/** `rows` with one column of one row replaced. Columns count from 0. */
function withValue(lines: readonly string[], index: number, column: number, value: string): string[] {
  return lines.with(index, (lines[index] ?? '').split(',').with(column, value).join());
}

describe('candle market', () => {
  test.each([
    ['XRP-USDT-USDT-5m-futures.csv', 'XRPUSDT'],
    ['ETH-BTC-5m.csv', 'ETHBTC'],
    ['/some/where/XRP-USDT-USDT-1h-futures.csv', 'XRPUSDT'],
    ['eth-btc-1d.csv', 'ETHBTC'],
    ['my candles_2.csv', 'MYCANDLES2'],
    ['BTCUSDT.csv', 'BTCUSDT'],
    ['---.csv', ''],
  ])('the symbol of %s is %s', (file, symbol) => {
    expect(symbolOf(file)).toBe(symbol);
  });

  test('a row opens at its timestamp and closes an interval later; the first 48 are history', async () => {
    const market = await loadCandleMarket([write('ETH-BTC-5m.csv', rows(60))]);
    expect(market).toMatchObject({ source: 'candles', symbols: ['ETHBTC'], intervalMs: FIVE_MINUTES_MS });
    const closedAt = (WARM_UP_CYCLES + 1) * FIVE_MINUTES_MS;
    const first = market.cycle(0);
    expect(first?.now).toBe(closedAt);
    const [, open = '', , , close = ''] = row(WARM_UP_CYCLES).split(',');
    expect(first?.ticks).toEqual([
      {
        symbol: 'ETHBTC',
        candle: expect.objectContaining({ closedAt, open: +open, close: +close, volume: 12.5 }),
        drift: null,
      },
    ]);
    expect(market.cycle(-WARM_UP_CYCLES)?.now).toBe(FIVE_MINUTES_MS);
    expect(market.cycle(11)?.now).toBe(60 * FIVE_MINUTES_MS);
    expect(market.cycle(12)).toBeUndefined();
  });

  test('cycleAfter finds the first later cycle, also where candles are missing and past the end', async () => {
    const market = await loadCandleMarket([write('A.csv', [...rows(50), ...rows(10, 70)])]);
    expect(market.cycleAfter(0)).toBe(0);
    expect(market.cycleAfter(49 * FIVE_MINUTES_MS - 1)).toBe(0);
    expect(market.cycleAfter(49 * FIVE_MINUTES_MS)).toBe(1);
    expect(market.cycleAfter(60 * FIVE_MINUTES_MS)).toBe(2);
    expect(market.cycle(2)?.now).toBe(71 * FIVE_MINUTES_MS);
    expect(market.cycle(market.cycleAfter(80 * FIVE_MINUTES_MS))).toBeUndefined();
  });

  test('several files share the union of their times, and nothing is invented where one has no candle', async () => {
    const gap = [...rows(52), ...rows(8, 54)];
    const market = await loadCandleMarket([write('A-USDT-5m.csv', gap), write('B-USDT-5m.csv', rows(55, 3))]);
    const seen = Array.from({ length: 14 }, (_, index) =>
      market
        .cycle(index)
        ?.ticks.map((tick) => tick.symbol)
        .join('+'),
    );
    const both = 'AUSDT+BUSDT';
    // Candle 48 is cycle 0; candles 52 and 53 of A are missing; B ends at candle 57, A at 61.
    expect(seen.slice(0, 10)).toEqual([both, both, both, both, 'BUSDT', 'BUSDT', both, both, both, both]);
    expect(seen.slice(10)).toEqual(['AUSDT', 'AUSDT', 'AUSDT', 'AUSDT']);
    const times = Array.from({ length: 14 }, (_, index) => market.cycle(index)?.now ?? 0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('the interval is the smallest gap, so an hourly file beside it keeps its own closing times', async () => {
    const hourly = Array.from({ length: 60 }, (_, index) => `${index * 12 * FIVE_MINUTES_MS},10,11,9,10,1`);
    const market = await loadCandleMarket([write('A.csv', rows(200)), write('B.csv', hourly)]);
    expect(market.intervalMs).toBe(FIVE_MINUTES_MS);
    const firstOfB = Array.from({ length: 24 }, (_, index) => market.cycle(index)).find(
      (cycle) => cycle?.ticks.length === 2,
    );
    expect(firstOfB?.now).toBe(60 * FIVE_MINUTES_MS);
  });

  test('every bad value of every file is named at once, with file, line and column', async () => {
    let bad = withValue(rows(60), 0, 1, 'NaN');
    bad = withValue(bad, 3, 4, '-1');
    bad = withValue(bad, 5, 2, '1');
    bad = withValue(bad, 7, 3, '1000');
    bad = withValue(bad, 9, 0, String(8 * FIVE_MINUTES_MS));
    bad = withValue(bad, 11, 5, '');
    const one = write('ONE.csv', bad);
    const two = write('TWO.csv', withValue(rows(60), 58, 0, '1.5'));
    const error = await refusal(one, two);
    expect(error.problems.map((problem) => problem.path)).toEqual([
      `${one}:2 open`,
      `${one}:5 close`,
      `${one}:7 high`,
      `${one}:9 low`,
      `${one}:11 timestamp_ms`,
      `${one}:13 volume`,
      `${two}:60 timestamp_ms`,
    ]);
    for (const { path, why } of error.problems) expect(error.message).toContain(`${path}: ${why}`);
  });

  test('twenty bad values are listed, the rest is counted', async () => {
    const file = write(
      'A.csv',
      rows(60).map((line) => line.replace(/[^,]*$/, 'much')),
    );
    const error = await refusal(file);
    expect(error.problems).toHaveLength(20);
    expect(error.message).toMatch(/; and 40 more$/);
  });

  test('missing and surplus columns are named', async () => {
    const file = write(
      'A.csv',
      rows(60)
        .with(4, '1200000,100,101')
        .with(6, `${row(6)},7`),
    );
    expect((await refusal(file)).problems.map((problem) => problem.path)).toEqual([
      `${file}:6 low`,
      `${file}:6 close`,
      `${file}:6 volume`,
      `${file}:8`,
    ]);
  });

  describe('times in another unit than the header says', () => {
    const START = Date.parse('2026-03-01T12:00:00Z');

    /** The same candles from `START` on, in a unit of which `perMs` make a millisecond. */
    const dated = (perMs: number, from = 0) =>
      rows(60).map((line, index) => {
        const at = START + index * FIVE_MINUTES_MS;
        return line.replace(/^\d+/, String(index < from ? at : at * perMs));
      });
    const cyclesOf = async (lines: readonly string[], notes: string[] = []) => {
      const market = await loadCandleMarket([write('LTC-USDT-5m.csv', lines)], (text) => notes.push(text));
      return { intervalMs: market.intervalMs, cycles: Array.from({ length: 12 }, (_, index) => market.cycle(index)) };
    };

    test.each([
      [1e-3, 'seconds'],
      [1e3, 'microseconds'],
      [1e6, 'nanoseconds'],
    ])('SCH-26: %d of them to the millisecond: the same market, and said once', async (perMs, unit) => {
      const notes: string[] = [];
      expect(await cyclesOf(dated(perMs), notes)).toEqual(await cyclesOf(dated(1)));
      expect(notes).toEqual([expect.stringMatching(new RegExp(`csv: timestamp_ms is in ${unit} in 60 of 60 rows`))]);
    });

    test('within a file too, as exporters change it', async () => {
      const notes: string[] = [];
      expect(await cyclesOf(dated(1e3, 30), notes)).toEqual(await cyclesOf(dated(1)));
      expect(notes).toEqual([expect.stringContaining('microseconds in 30 of 60 rows')]);
    });

    test('milliseconds are nothing to speak of', async () => {
      const notes: string[] = [];
      await cyclesOf(dated(1), notes);
      expect(notes).toEqual([]);
    });

    test.each(['5000000000', '1772366400000000000000', '-1772366400000'])('SCH-27: %s is refused', async (time) => {
      const file = write('A.csv', withValue(dated(1), 59, 0, time));
      expect((await refusal(file)).problems).toEqual([
        { path: `${file}:61 timestamp_ms`, why: expect.stringContaining('must be a time between 1973 and 2100') },
      ]);
    });
  });

  test('a file that is too short says so, with what it has and needs', async () => {
    const error = await refusal(write('A.csv', rows(WARM_UP_CYCLES)));
    expect(error.message).toMatch(/too short: it has 48 candles; .* at least 49/);
    await expect(loadCandleMarket([write('B.csv', rows(WARM_UP_CYCLES + 1))])).resolves.toBeDefined();
  });

  test('two files of one symbol, another header, no file and a file that is not there are refused', async () => {
    const hourly = write('XRP-USDT-USDT-1h-futures.csv', rows(60));
    const twin = write('XRP-USDT-5m.csv', rows(60));
    const twins = await refusal(hourly, twin);
    expect([twins.code, twins.problems[0]?.path]).toEqual(['CANDLES_INVALID', twin]);
    const headless = join(folderForTest(), 'A.csv');
    writeFileSync(headless, rows(60).join('\n'));
    expect((await refusal(headless)).message).toContain(`must be ${HEADER}`);
    expect((await refusal()).message).toContain('at least one file');
    const error = await refusal(join(folderForTest(), 'GONE.csv'));
    expect([error.code, error.message]).toEqual(['USAGE', expect.stringContaining('cannot be read')]);
  });
});
