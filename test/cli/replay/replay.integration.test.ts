import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';

const data = temporaryFolder();
const folder = temporaryFolder();
afterAll(() => {
  data.remove();
  folder.remove();
});

beforeAll(async () => {
  const dev = await runProgram(['dev', '--cycles', '30', '--data', data.path]);
  if (dev.code !== 0) throw new Error(dev.stderr);
}, 60_000);

function replay(...args: readonly string[]) {
  return runProgram(['replay', '--data', data.path, ...args]);
}

describe('harvestline replay', () => {
  it('prints one JSON object, writes the page, and exits 0', async () => {
    const file = join(folder.path, 'replay.html');
    const { code, stdout, stderr } = await replay('--policy', 'legacy', '--html', file, '--fail-if', 'flips<0');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ policy: 'legacy', against: '2026-02-07', failed: [] });
    expect(Object.keys(result)).toEqual(expect.arrayContaining(['snapshots', 'flips', 'matrix']));
    expect(readFileSync(file, 'utf8')).toContain('<svg class="matrix"');
  });

  it('compares with the policy that was in force, unless told otherwise', async () => {
    const legacy = join(folder.path, 'legacy-desk');
    await runProgram(['dev', '--cycles', '3', '--policy', 'legacy', '--data', legacy]);
    const against = async (...args: readonly string[]) => {
      const { stdout } = await runProgram(['replay', '--policy', '2026-02-07', '--data', legacy, ...args]);
      return (JSON.parse(stdout) as { against: string }).against;
    };
    expect(await against()).toBe('legacy');
    expect(await against('--against', '2026-02-07')).toBe('2026-02-07');
  });

  it('exits 1 and says which condition held', async () => {
    const { code, stdout, stderr } = await replay(
      '--policy',
      'legacy',
      '--fail-if',
      'flips>5%',
      '--fail-if',
      'flips<0',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fails: flips>5%, found [\d.]+ %\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ failed: [{ condition: 'flips>5%' }] });
  });

  it.each([
    [[], 'needs one --policy'],
    [['--policy', 'legacy', '--policy', 'legacy'], 'needs one --policy'],
    [['--policy', 'legacy', '--fail-if', 'flops>5'], 'longest_hold_hours'],
    [['--policy', 'legacy', '--from', 'yesterday'], '--from yesterday'],
    [['--audit', '--fail-if', 'flips>5%'], "'--audit' cannot be used with"],
    [['--audit', '--against', 'legacy'], "'--audit' cannot be used with"],
    [['--policy', 'legacy', '--html', '/nowhere/page.html'], '--html /nowhere/page.html'],
  ])('refuses %j with exit code 2', async (args, why) => {
    const { code, stderr } = await replay(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });

  it('--audit proves what dev recorded, with a policy file too', async () => {
    const proved = await replay('--audit');
    expect(proved.code).toBe(0);
    expect(JSON.parse(proved.stdout)).toMatchObject({ differences: [], unverifiable: { total: 0 } });
    const current = new URL('../../../pipelines/scoring/policies/2026-02-07.json', import.meta.url);
    const policy = JSON.parse(readFileSync(current, 'utf8')) as { points: Record<string, number> };
    const file = join(folder.path, 'policy.json');
    writeFileSync(file, JSON.stringify({ ...policy, points: { ...policy.points, regime_intact: 2.5 } }));
    const other = await replay('--audit', '--policy', file);
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout)).not.toMatchObject({ differences: [] });
  });
});
