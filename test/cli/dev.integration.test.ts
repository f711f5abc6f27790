import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProcessLock } from '../../connectors/embedded/process-lock.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import type { Board, PositionStory } from '../../ports/board.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { allTopicSpecs } from '../../schemas/topics.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { auditDataFolder } from './audit-data-folder.ts';
import { runProgram, startProgram } from './program.ts';

const ROUGH = ['--faults', 'lost-reply=0.05,timeout=0.05,reject=0.02,blackout=0.005'];

interface Summary {
  readonly cycles: number;
  readonly stopped_by: string;
  readonly snapshots: number;
  readonly intents: number;
  readonly outcomes: Record<string, number>;
  readonly gate: { readonly final: number };
}

function summaryOf(stdout: string): Summary {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary;
}

describe('harvestline dev', () => {
  it('in a pipe: a line a cycle, the summary as the last line, exit 0; the same seed says the same', async () => {
    const [one, two] = [folderForTest(), folderForTest()];
    const first = await runProgram(['dev', '--cycles', '60', '--seed', '5', '--data', one]);
    const second = await runProgram(['dev', '--cycles', '60', '--seed', '5', '--data', two]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(61);
    expect(summaryOf(first.stdout)).toMatchObject({
      cycles: 60,
      outcomes: {
        WIN: expect.any(Number) as number,
        LOSS: expect.any(Number) as number,
        NEUTRAL: expect.any(Number) as number,
      },
    });
    expect(second.stdout).toBe(first.stdout);
  });

  it('says while it runs that legacy holds a winner, minutes after the limit', async () => {
    const { code, stderr } = await runProgram([
      'dev',
      '--cycles',
      '45',
      '--policy',
      'legacy',
      '--data',
      folderForTest(),
    ]);
    expect(code).toBe(0);
    const logged = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { alert: string; msg: string });
    expect(logged.map(({ alert }) => alert)).toEqual(['winner_held']);
    // Two hours, and at most a quarter of one until the next look.
    expect(logged[0]?.msg).toMatch(/held above R 2 without a trade: \S+ at R [\d.]+ for 2\.[0-3] h/);
  });

  it('killed with -9 at any moment and started again: no order doubled, no slice lost, status agrees with the topics', async () => {
    const folder = folderForTest();
    const moments = new SeededRandom(1).stream('moments of death');
    for (let life = 0; life < 6; life++) {
      const dev = startProgram(['dev', '--cycles', '100000', '--data', folder, ...ROUGH]);
      await dev.lines(moments.integer(0, 25));
      dev.process.kill('SIGKILL');
      await dev.ended;
    }
    const last = await runProgram(['dev', '--cycles', '1', '--data', folder, ...ROUGH]);
    expect(last.code).toBe(0);
    const { violations, contents } = await auditDataFolder(folder);
    expect(violations).toEqual([]);
    expect(contents.intents.length).toBeGreaterThan(50);

    const status = JSON.parse((await runProgram(['status', '--json', '--data', folder])).stdout) as {
      topics: Record<string, { records: number; lag: Record<string, number> }>;
      gate: { final: number };
      unknown_reports: number;
    };
    for (const { name } of allTopicSpecs()) {
      const tail = await runProgram(['tail', name, '--from', 'beginning', '--json', '--data', folder]);
      expect([name, status.topics[name]?.records]).toEqual([name, tail.stdout.split('\n').length - 1]);
      for (const lag of Object.values(status.topics[name]?.lag ?? {})) expect(lag).toBe(0);
    }
    expect(status.gate.final).toBe(contents.outcomes.filter((outcome) => outcome.status === 'FINAL').length);
    expect(status.unknown_reports).toBe(contents.reports.filter((report) => report.status === 'UNKNOWN').length);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it after the cycle in hand, with a summary and exit 0',
    async (signal) => {
      const dev = startProgram(['dev', '--data', folderForTest()]);
      await dev.lines(3);
      dev.process.kill(signal);
      expect(await dev.ended).toBe(0);
      expect(summaryOf(dev.stdout()).cycles).toBeGreaterThan(2);
    },
  );

  it('SIGTERM to npx ends it too, whoever follows its page, and leaves no orphan at work', async () => {
    const folder = folderForTest();
    const words = ['dev', '--pace', '20', '--http-port', '0', '--data', folder];
    const npx = startProgram(words, { command: 'npx', args: ['harvestline'] });
    await npx.lines(8);
    const [first = ''] = npx.stdout().split('\n');
    const { http } = JSON.parse(first) as { readonly http: string };
    const { positions, log } = (await (await fetch(`${http}/api/state`)).json()) as Board;
    expect([positions.length > 0, log]).toEqual([true, folder]);
    const [{ position_id: id } = { position_id: 'none' }] = positions;
    const { path } = (await (await fetch(`${http}/api/positions/${encodeURIComponent(id)}`)).json()) as PositionStory;
    expect(path.length).toBeGreaterThan(0);
    expect((await fetch(`${http}/`)).headers.get('content-type')).toContain('text/html');
    const followed = await fetch(`${http}/api/events`);
    npx.process.kill('SIGTERM');
    await npx.ended;
    await expect(followed.text()).rejects.toThrow();
    // The folder is free again as soon as the drain is over: the wait is for that, and the runner's limit ends it.
    for (let free = false; !free;) {
      const lock = ProcessLock.tryAcquire(folder, 'dev');
      free = lock !== null;
      lock?.release();
      if (!free) await new SystemClock().sleep(20);
    }
    expect((await auditDataFolder(folder)).violations).toEqual([]);
    expect(summaryOf(npx.stdout())).toMatchObject({ stopped_by: 'signal' });
  });

  it('says when recorded candles end before the cycles do', async () => {
    const folder = folderForTest();
    const file = join(folder, 'ABC-USDT-5m.csv');
    const rows = Array.from(
      { length: 60 },
      (_, index) => `${index * 300_000},10,${10.1 + (index % 7) / 100},9.9,${10 + (index % 5) / 100},100`,
    );
    writeFileSync(file, ['timestamp_ms,open,high,low,close,volume', ...rows].join('\n'));
    const { code, stdout } = await runProgram([
      'dev',
      '--cycles',
      '400',
      '--candles',
      file,
      '--data',
      join(folder, 'data'),
    ]);
    expect(code).toBe(0);
    expect(summaryOf(stdout)).toMatchObject({ cycles: 12, stopped_by: 'market' });
  });

  it('a data folder that cannot be is refused by its name', async () => {
    const file = join(folderForTest(), 'a-file');
    writeFileSync(file, '');
    const { code, stderr } = await runProgram(['dev', '--cycles', '1', '--data', file]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`DATA_UNWRITABLE: ${file}`)]);
  });

  it('a second dev on the same folder is refused with what to do', async () => {
    const folder = folderForTest();
    const first = startProgram(['dev', '--data', folder]);
    await first.lines(1);
    const second = await runProgram(['dev', '--cycles', '1', '--data', folder]);
    first.process.kill('SIGTERM');
    await first.ended;
    expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('DATA_IN_USE') as string });
  });

  it.each([
    [['dev', '--cycles', 'many'], 'whole number'],
    [['dev', '--market', 'candles'], '--candles'],
    [['dev', '--market', 'simulated', '--candles', 'some.csv'], '--market candles'],
    [['dev', '--faults', 'gremlins=1'], 'gremlins'],
    [['dev', '--policy', 'no-such-policy'], 'no-such-policy'],
    [['harvest'], 'unknown command'],
    [['score', '--polic', 'x'], '--policy'],
  ])('%j is wrong usage: exit 2 and a word on what is right', async (args, word) => {
    const folder = folderForTest();
    const { code, stderr } = await runProgram([
      ...args,
      ...(args[0] === 'dev' ? ['--data', join(folder, 'data')] : []),
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(word)]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
