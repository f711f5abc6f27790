import { expect, test } from 'vitest';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';
import { overConfidentTrades } from './over-confident-trades.ts';

test('calibrate slices tells what confidence is worth by part of the outcomes', async () => {
  const data = folderForTest();
  await runProgram(['clm', 'import', '-', '--data', data], overConfidentTrades(400));
  const { code, stdout } = await runProgram(['calibrate', 'slices', '--by', 'symbol,age', '--json', '--data', data]);
  expect(code).toBe(0);
  const model = JSON.parse(stdout);
  expect(model.model_id).toBe('m-1');
  expect(model.all).toMatchObject({ n: 400, gap: expect.closeTo(0.2, 1) });
  const symbols = model.slices.filter(({ by }: { by: string }) => by === 'symbol');
  expect(symbols.map(({ name, n }: { name: string; n: number }) => [name, n])).toEqual([
    ['BTCUSDT', 134],
    ['ETHUSDT', 133],
    ['XRPUSDT', 133],
  ]);
  expect(model.slices.find(({ by }: { by: string }) => by === 'age')).toMatchObject({ name: 'unknown', n: 400 });
  expect((await runProgram(['calibrate', 'slices', '--by', 'colour', '--data', data])).code).toBe(2);
});

test('calibrate propose shows the parts asked for, weeks and drift, and weighs by recency on request', async () => {
  const data = folderForTest();
  await runProgram(['clm', 'import', '-', '--data', data], overConfidentTrades(400));
  const propose = async (...options: string[]) => {
    const { stdout } = await runProgram([
      'calibrate',
      'propose',
      '--json',
      '--method',
      'sigmoid',
      '--data',
      data,
      ...options,
    ]);
    return JSON.parse(stdout);
  };
  const alike = await propose('--by', 'symbol,regime', '--dry-run');
  expect(new Set(alike.slices.map(({ by }: { by: string }) => by))).toEqual(new Set(['symbol', 'regime']));
  expect(alike.slices[0]).toMatchObject({ n: 134, hit_rate: expect.any(Number), brier: expect.any(Number) });
  expect(alike.weeks.length).toBeGreaterThan(0);
  expect(alike).toHaveProperty('cusum');
  expect(alike.half_life_days).toBeNull();
  const weighted = await propose('--half-life', '30', '--name', 'A. Quant');
  expect(weighted.half_life_days).toBe(30);
  expect(weighted.version).not.toBe(alike.version);
  const verified = await runProgram(['calibrate', 'verify', weighted.version, '--json', '--data', data]);
  expect(JSON.parse(verified.stdout)).toMatchObject({ verified: true });
  // A value that names no part is the name of the proposer.
  expect(await propose('--by', 'A. Quant', '--dry-run')).toMatchObject({ slices: { length: 4 } });
  expect((await runProgram(['calibrate', 'propose', '--by', 'symbl', '--data', data])).code).toBe(2);
});
