import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { folderForTest } from '../temporary-folder.ts';
import { runProgram } from './program.ts';

async function prepared(): Promise<string> {
  const data = folderForTest();
  for (const args of [
    ['topics', 'apply'],
    ['schemas', 'register'],
  ]) {
    expect((await runProgram([...args, '--data', data])).code).toBe(0);
  }
  return data;
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runProgram(args);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('halt and resume', () => {
  it('write who, why and for what; status shows what stands', async () => {
    const data = await prepared();
    const halt = await json('halt', '--reason', 'maintenance', '--by', 'alice', '--data', data);
    expect(halt).toMatchObject({ scope: 'desk', command: 'HALT', issued_by: 'alice', reason: 'maintenance' });
    await json('halt', '--scope', 'main', '--name', 'bob', '--data', data);
    expect(await json('status', '--data', data)).toMatchObject({
      halted: expect.arrayContaining([
        { scope: 'desk', by: 'alice', reason: 'maintenance', since: halt['issued_at'] },
        { scope: 'main', by: 'bob', reason: 'none given', since: expect.any(Number) },
      ]),
      alerts: [{ name: 'halted', since: halt['issued_at'] }],
    });
    const resumed = await json('resume', '--data', data);
    expect(resumed).toMatchObject({ scope: 'desk', command: 'RESUME', issued_by: expect.stringMatching(/./) });
    expect(await json('status', '--data', data)).toMatchObject({ halted: [{ scope: 'main' }] });
    const { stdout } = await runProgram(['tail', TOPICS.deskControl.name, '--from', 'beginning', '--data', data]);
    const keys = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { key: string }).key);
    expect(keys.toSorted()).toEqual(['desk', 'desk', 'main']);
  });

  it('stop the dev chain from sending anything, and let it go on', async () => {
    const data = folderForTest();
    const dev = async () => {
      const { stdout } = await runProgram(['dev', '--cycles', '30', '--data', data]);
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
        intents: number;
        suppressed: object;
        fills: number;
      };
    };
    expect((await dev()).fills).toBeGreaterThan(0);
    await json('halt', '--data', data);
    const halted = await dev();
    expect(halted).toMatchObject({ fills: 0, suppressed: { KILL_SWITCH: halted.intents } });
    await json('resume', '--data', data);
    expect((await dev()).fills).toBeGreaterThan(0);
  });

  it('say what is wrong: no log, an empty scope, a text that no record takes', async () => {
    const data = await prepared();
    const ended = async (...args: readonly string[]) => {
      const { code, stderr } = await runProgram(['halt', ...args]);
      return [code, /error:? ([A-Z_]+)/.exec(stripVTControlCharacters(stderr))?.[1]];
    };
    expect(await ended('--data', `${data}/none`)).toEqual([1, 'LOG_UNREADABLE']);
    expect(await ended('--data', folderForTest())).toEqual([1, 'LOG_UNREADABLE']);
    expect(await ended('--data', data, '--scope', ' ')).toEqual([2, 'USAGE']);
    expect(await ended('--data', data, '--reason', 'x'.repeat(3000))).toEqual([1, 'RECORD_INVALID']);
    expect((await ended('--data', data, '--bogus'))[0]).toBe(2);
  });
});
