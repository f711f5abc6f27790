import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram, startProgram } from './program.ts';

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

/** What a command says as JSON, with the code it ends with. */
async function json(...args: readonly string[]): Promise<Record<string, unknown> & { code: unknown; said: string }> {
  const { code, stdout, stderr } = await runProgram(args);
  return { ...(JSON.parse(stdout) as Record<string, unknown>), code, said: stderr };
}

describe('halt and resume', () => {
  it('write who, why and for what; status shows what stands', async () => {
    const data = await prepared();
    const halt = await json('halt', '--reason', 'maintenance', '--by', 'alice', '--data', data);
    expect(halt).toMatchObject({ scope: 'desk', command: 'HALT', issued_by: 'alice', reason: 'maintenance' });
    expect(await json('status', '--data', data)).toMatchObject({
      code: 0,
      halted: [{ scope: 'desk', by: 'alice', reason: 'maintenance', since: halt['issued_at'] }],
      kill_switch_unknown: [],
      alerts: [{ name: 'halted', since: halt['issued_at'] }],
    });
    const resumed = await json('resume', '--name', 'bob', '--data', data);
    expect(resumed).toMatchObject({
      code: 0,
      said: '',
      resumed: true,
      scope: 'desk',
      command: 'RESUME',
      issued_by: 'bob',
      reason: 'none given',
    });
    expect(await json('status', '--data', data)).toMatchObject({ halted: [], alerts: [] });
    const { stdout } = await runProgram(['tail', TOPICS.deskControl.name, '--from', 'beginning', '--data', data]);
    const keys = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { key: string }).key);
    expect(keys).toEqual(['desk', 'kept:desk', 'desk', 'kept:desk']);
  });

  it('halt says that nothing executes on the log it wrote to, and names it: halt-on-another-log', async () => {
    const data = await prepared();
    const halt = await json('halt', '--reason', 'flashcrash', '--data', data);
    expect(halt).toMatchObject({ code: 1, halted: false, log: data, scope: 'desk', obeyed: [], silent: [] });
    expect(halt.said.trim().split('\n').at(-1)).toContain(`nothing executes for the desk on the log in ${data} now`);
  });

  it('halt asks for a log where several can be meant, and writes nothing', async () => {
    const data = await prepared();
    const folder = folderForTest();
    for (const name of ['.harvestline', 'other']) cpSync(data, join(folder, name), { recursive: true });
    const { code, stdout, stderr } = await runProgram(['halt'], '', folder);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`the folder ${join(folder, 'other')}: --data other`);
    const chosen = await runProgram(['halt', '--data', 'other'], '', folder);
    expect(JSON.parse(chosen.stdout)).toMatchObject({ log: join(folder, 'other') });
    const left = await json('status', '--data', join(folder, '.harvestline'));
    expect(left).toMatchObject({ halted: [] });
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
    expect(await json('halt', '--data', data)).toMatchObject({ code: 1, halted: false });
    const halted = await dev();
    expect(halted).toMatchObject({ fills: 0, suppressed: { KILL_SWITCH: halted.intents } });
    await json('resume', '--data', data);
    expect((await dev()).fills).toBeGreaterThan(0);
  });

  it('a dev that runs acknowledges: 1 of 1', async () => {
    const data = folderForTest();
    const dev = startProgram(['dev', '--cycles', '1000000', '--data', data]);
    await dev.lines(3);
    const answers = [
      await json('halt', '--wait', '60', '--data', data),
      await json('resume', '--wait', '60', '--data', data),
    ];
    dev.process.kill('SIGTERM');
    await dev.ended;
    const process = { account: '*', venue: 'paper', mode: 'paper', process: 'dev' };
    expect(answers).toMatchObject([
      { code: 0, said: '', halted: true, obeyed: [process], silent: [] },
      { code: 0, said: '', resumed: true, obeyed: [process], silent: [] },
    ]);
  });

  it('refuse a scope that nobody knows, with what is known, the nearest first', async () => {
    const data = folderForTest();
    await runProgram(['dev', '--cycles', '3', '--data', data]);
    const { code, stdout, stderr } = await runProgram(['halt', '--scope', 'Simulated1', '--data', data]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Known: simulated-1, desk');
    expect(await json('status', '--data', data)).toMatchObject({ halted: [] });
    expect(await json('halt', '--scope', 'simulated-1', '--data', data)).toMatchObject({ scope: 'simulated-1' });
    expect(await json('status', '--data', data)).toMatchObject({ halted: [{ scope: 'simulated-1' }] });
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
    expect((await ended('--data', data, '--wait', '0'))[0]).toBe(2);
  });
});
