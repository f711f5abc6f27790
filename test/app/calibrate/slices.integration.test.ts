import { expect, test } from 'vitest';
import { folderForTest } from '../../temporary-folder.ts';
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
