import { describe, expect, it } from 'vitest';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram } from './program.ts';

const DEV = ['dev', '--cycles', '60', '--seed', '5'];

interface Line {
  readonly topic: string;
  readonly value: Readonly<Record<string, unknown>> & { readonly input?: { readonly topic: string } };
}

async function said(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(args);
  expect([args, code, stderr]).toEqual([args, 0, '']);
  return stdout;
}

async function tailed(args: readonly string[]): Promise<readonly Line[]> {
  const text = await said(['tail', ...args, '--from', 'beginning', '--json']);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('a desk with a name of its own', () => {
  it('shares a log with the one without: each command sees its own, and all that leads from record to record leads on', async () => {
    const data = ['--data', folderForTest()];
    const alpha = [...data, '--desk', 'alpha'];
    await said([...DEV, ...data]);
    await said([...DEV, '--seed', '6', ...alpha]);
    const statuses = await Promise.all(
      [data, alpha].map(async (own) => JSON.parse(await said(['status', '--json', ...own])) as { topics: object }),
    );
    // Programs keep their keys: the table's names.
    expect(Object.keys(statuses[1]?.topics ?? {})).toEqual(Object.keys(statuses[0]?.topics ?? {}));
    expect(statuses[1]?.topics).not.toEqual(statuses[0]?.topics);
    const intents = await tailed(['alpha.harvest.intent', ...alpha]);
    expect(intents).toEqual(await tailed(['harvest.intent', ...alpha]));
    expect(intents.length).toBeGreaterThan(20);
    // Coordinates are those of the broker: they hold for whoever reads it.
    expect(new Set(intents.map(({ topic, value }) => `${topic} ${value.input?.topic}`))).toEqual(
      new Set(['alpha.harvest.intent alpha.position.snapshot']),
    );
    const plain = await tailed(['harvest.intent', ...data]);
    expect(new Set(plain.map(({ topic, value }) => `${topic} ${value.input?.topic}`))).toEqual(
      new Set(['harvest.intent position.snapshot']),
    );
    const audit = JSON.parse(await said(['replay', '--audit', '--json', ...alpha])) as {
      audited: number;
      verdict: string;
    };
    expect(audit).toMatchObject({ audited: intents.length });
    const id = String(intents.at(-1)?.value['position_id']);
    const explained = JSON.parse(await said(['explain', id, '--json', ...alpha])) as {
      runs: { assumed: boolean }[];
      steps: { topic: string }[];
    };
    expect(explained.runs.filter(({ assumed }) => assumed)).toEqual([]);
    expect(new Set(explained.steps.map(({ topic }) => topic.split('.')[0]))).toEqual(new Set(['alpha']));
    expect(await said(['explain', id, ...alpha])).toMatch(/slice/);
  });

  it('is named in messages as the log has it, and refused where its name could not stand in a topic', async () => {
    const data = ['--data', folderForTest()];
    await said([...DEV, ...data]);
    const missing = await runProgram(['tail', 'trade.closed', '--desk', 'beta', ...data]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('beta.');
    const foreign = await runProgram(['tail', 'alpha.trade.closed', '--desk', 'beta', ...data]);
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringContaining('no topic alpha.trade.closed')]);
    const wrong = await runProgram(['status', '--desk', 'a.b', ...data]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--desk "a.b"')]);
  });
});
