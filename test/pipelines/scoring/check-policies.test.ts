import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPolicies } from '../../../pipelines/scoring/check-policies.ts';
import { loadPolicy, readPolicyFile } from '../../../cli/options/policy-options.ts';
import { BUILT_IN_POLICIES } from '../../../pipelines/scoring/policy.ts';
import { modelNamed } from '../../fixtures/calibration-record.ts';
import { onCalibrated } from '../../fixtures/policies.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';

const NO_MAPS = (): Promise<readonly never[]> => Promise.resolve([]);

const FILES = new URL('../../../pipelines/scoring/policies/', import.meta.url);
const own = (name: string): string => new URL(name, FILES).pathname;

function file(content: unknown): string {
  const path = join(folderForTest(), 'mine.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('policy check', () => {
  it('finds nothing in the built-in files, whose $schema is for editors and no part of the policy', async () => {
    expect(await checkPolicies([own('2026-02-07.json'), own('legacy.json')], readPolicyFile, NO_MAPS)).toEqual([]);
    expect(loadPolicy(own('legacy.json'))).toEqual(BUILT_IN_POLICIES.get('legacy'));
    expect(loadPolicy(own('legacy.json'))).not.toHaveProperty('$schema');
  });

  it('reports every file: one that is no policy hides no finding of the others', async () => {
    const broken = file({ ...loadPolicy('legacy'), description: 1, costs: 2 });
    const noJson = file('{');
    const warned = file({ ...loadPolicy('legacy'), rules: [] });
    const found = await checkPolicies([broken, noJson, '/nowhere/x.json', warned], readPolicyFile, NO_MAPS);
    expect(found.map(({ level, file: name, path }) => [level, name, path])).toEqual([
      ['problem', broken, 'description'],
      ['problem', broken, 'costs'],
      ['problem', noJson, '(root)'],
      ['problem', '/nowhere/x.json', '(root)'],
      ['warning', warned, 'id'],
      ['warning', warned, 'rules'],
    ]);
  });
});

describe('policy check beside a map in force', () => {
  const narrow = { version: 'cal-1', model_id: modelNamed('m'), map: { x: [0.64, 0.94], y: [0.547, 0.694] } };

  it('warns of a threshold that the map cannot reach', async () => {
    const mapped = file(onCalibrated({ ...loadPolicy('2026-02-07'), id: 'mine' }));
    expect(await checkPolicies([mapped], readPolicyFile, () => Promise.resolve([narrow]))).toEqual([
      {
        level: 'warning',
        file: mapped,
        path: 'thresholds.degraded_by',
        why: expect.stringContaining('0.547 to 0.694') as string,
      },
    ]);
    const wide = { ...narrow, map: { x: [0, 1], y: [0.2, 0.8] } };
    expect(await checkPolicies([mapped], readPolicyFile, () => Promise.resolve([wide]))).toEqual([]);
  });

  it('reads no log where every policy judges raw confidence', async () => {
    const never = (): never => {
      throw new Error('read');
    };
    expect(await checkPolicies([own('2026-02-07.json')], readPolicyFile, never)).toEqual([]);
  });
});

describe('policy files', () => {
  it('two different policies of one id get a warning, copies do not', async () => {
    const mine = { ...loadPolicy('2026-02-07'), id: 'mine' };
    const [one, copy, other] = [file(mine), file(mine), file({ ...mine, description: 'another' })];
    const found = await checkPolicies([one, copy, other], readPolicyFile, NO_MAPS);
    expect(found.map(({ level, file: name, path }) => [level, name, path])).toEqual([['warning', other, 'id']]);
  });

  it('may begin with a byte order mark', () => {
    expect(loadPolicy(file(`\uFEFF${JSON.stringify(loadPolicy('legacy'))}`))).toEqual(loadPolicy('legacy'));
  });
});
