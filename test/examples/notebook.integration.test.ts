import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { overConfidentTrades } from '../cli/calibrate/over-confident-trades.ts';
import { runProgram } from '../cli/program.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { pythonWith } from './python-environment.ts';

const FOLDER = fileURLToPath(new URL('../../examples/notebook', import.meta.url));
const NOTEBOOK = JSON.parse(readFileSync(join(FOLDER, 'reliability.ipynb'), 'utf8'));

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
  readonly outputs?: readonly unknown[];
}

const CODE = NOTEBOOK.cells.filter((cell: Cell) => cell.cell_type === 'code') as readonly Cell[];

test('the notebook is kept without what it printed', () => {
  expect(CODE.length).toBeGreaterThan(3);
  for (const { outputs } of CODE) expect(outputs).toEqual([]);
});

const environment = await pythonWith(join(FOLDER, 'requirements.txt'));

describe.skipIf('skipped' in environment)('the notebook', () => {
  test('runs from an export to the diagram, and its scores are those of the outcomes', async () => {
    if ('skipped' in environment) return;
    const data = folderForTest();
    await runProgram(['clm', 'import', '-', '--data', data], overConfidentTrades(400));
    const file = join(data, 'outcomes.parquet');
    await runProgram(['export', 'clm.outcome', '--out', file, '--data', data]);
    const script = join(data, 'reliability.py');
    const cells = CODE.map(({ source }) => source.join(''));
    writeFileSync(script, [...cells, 'import json', 'print(json.dumps(summary))', ''].join('\n\n'));
    const { stdout } = await promisify(execFile)(environment.python, [script], {
      cwd: data,
      env: { ...process.env, OUTCOMES: file, MPLBACKEND: 'Agg', MPLCONFIGDIR: data },
    });
    const summary = JSON.parse(stdout);
    const outcomes = (await runProgram(['export', 'clm.outcome', '--data', data])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const brier = outcomes.reduce((sum, { confidence, label }) => sum + (confidence - Number(label === 'WIN')) ** 2, 0);
    expect(summary.decided).toBe(outcomes.length);
    expect(summary.brier).toBeCloseTo(brier / outcomes.length, 9);
    expect(summary.brier_calibrated).toBeLessThan(summary.brier);
    expect(summary.miscalibration - summary.discrimination + summary.uncertainty).toBeCloseTo(summary.brier, 9);
    expect(existsSync(join(data, 'reliability.png'))).toBe(true);
  });
});
