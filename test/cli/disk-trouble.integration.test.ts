import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram } from './program.ts';

/** What the command said, of which the first line is the error. */
async function refused(...args: readonly string[]): Promise<unknown> {
  const { code, stderr } = await runProgram(args);
  // Where CI is set they are coloured.
  const [error = '', remedy, ...more] = stripVTControlCharacters(stderr).trimEnd().split('\n');
  return { code, error, remedy: typeof remedy, more };
}

test('a damaged log ends every command with its file, what to do, and exit code 1', async () => {
  const data = folderForTest();
  expect((await runProgram(['dev', '--cycles', '20', '--data', data])).code).toBe(0);
  const file = join(data, 'log.sqlite');
  const whole = readFileSync(file);
  const commands = [['status'], ['dev', '--cycles', '1'], ['halt', '--by', 'a', '--reason', 'b', '--wait', '1']];
  for (const at of [40_960, 81_920, 204_800, 409_600]) {
    for (const command of commands) {
      writeFileSync(file, Buffer.from(whole).fill(0xff, at, at + 4096));
      expect(await refused(...command, '--data', data)).toEqual({
        code: 1,
        error: expect.stringMatching(new RegExp(`^error DATA_DAMAGED: ${file}: `)),
        remedy: 'string',
        more: [],
      });
    }
  }
  writeFileSync(file, whole);
  const output = join(data, 'none', 'trades.csv');
  expect(await refused('clm', 'export', '--format', 'csv', '--output', output, '--data', data)).toMatchObject({
    code: 1,
    error: expect.stringContaining(`error DATA_UNWRITABLE: ${output}: `),
  });
});
