import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { startProgram } from '../cli/program.ts';
import { planOf } from './plan.ts';

const SIMULATE = { command: process.execPath, args: [join(import.meta.dirname, 'simulate.ts')] };

async function simulate(...args: readonly string[]) {
  const program = startProgram(args, SIMULATE);
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

const folder = temporaryFolder();
afterAll(() => folder.remove());

function planFile(name: string, content: unknown): string {
  const file = join(folder.path, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const GOOD = planFile('good.json', planOf(5, { hours: 1, symbols: 2, grainMs: 2500 }));
const STRANGE = planFile('strange.json', {
  ...planOf(5),
  faults: [{ kind: 'killed_before', at: 0, forMs: 0, on: 'nobody:append', much: 0 }],
});
const WRONG = planFile('wrong.json', { ...planOf(5), hours: 0, order: 'iceberg' });

it('several seeds are the same, however many processes run them', async () => {
  const run = async (jobs: string) => {
    const { code, stdout } = await simulate(
      '--seeds',
      '1..2',
      '--jobs',
      jobs,
      '--hours',
      '0.5',
      '--symbols',
      '2',
      '--grain',
      '2500',
      '--json',
    );
    expect(code).toBe(0);
    const { seconds, hours_a_second_and_core, position_days_a_second_and_core, ...found } = JSON.parse(
      stdout,
    ) as Record<string, number>;
    expect([seconds, hours_a_second_and_core, position_days_a_second_and_core].every(Number.isFinite)).toBe(true);
    return found;
  };
  const alone = await run('1');
  expect(alone).toMatchObject({ seeds: 2, simulated_hours: 5, violations: 0 });
  expect(await run('2')).toEqual(alone);
});

it('a seed and its plan are the same story', async () => {
  const seed = await simulate('--seed', '5', '--hours', '1', '--symbols', '2', '--grain', '2500', '--trace');
  const plan = await simulate('--plan', GOOD, '--trace');
  expect([seed.code, plan.code]).toEqual([0, 0]);
  const storyOf = (stdout: string): string => stdout.slice(0, stdout.indexOf('{"seeds"'));
  expect(storyOf(plan.stdout)).toBe(storyOf(seed.stdout));
  expect(storyOf(seed.stdout)).toMatch(/, trace [0-9a-f]{8}\.\nEvery invariant held\.\n$/);
});

it.each([
  ['a range backwards', ['--seeds', '3..1'], 'not a range of seeds, such as 1..100'],
  ['a story of many', ['--seeds', '1..2', '--trace'], 'add --seed N or --plan FILE'],
  ['a story of none', ['--trace'], 'add --seed N or --plan FILE'],
  ['a plan that is not there', ['--plan', 'absent.json'], 'absent.json cannot be read: ENOENT'],
  ['a plan with two faults of its own', ['--plan', WRONG], /is no plan: hours: .*; order: /],
  ['a smaller plan to no place', ['--plan', GOOD, '--shrink', '/no/place.json'], '/no/place.json cannot be written'],
  ['a fault of nobody', ['--plan', STRANGE], 'faults.0.on: killed_before strikes no nobody:append in this world'],
  ['a size beside that of the plan', ['--plan', GOOD, '--hours', '3'], "cannot be used with option '--hours <n>'"],
])('%s is wrong usage', async (_name, args, said) => {
  const { code, stdout, stderr } = await simulate(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(said);
});
