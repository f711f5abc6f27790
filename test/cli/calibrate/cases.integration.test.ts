import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';

const CASES = new URL('../../pipelines/calibration/cases/', import.meta.url);

/** A data folder with the trades of a case. */
async function deskOf(name: string): Promise<string> {
  const data = join(folderForTest(), 'data');
  const trades = readFileSync(new URL(`${name}/trades.jsonl`, CASES), 'utf8');
  expect((await runProgram(['clm', 'import', '-', '--data', data], trades)).code).toBe(0);
  return data;
}

async function calibrate(data: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runProgram(['calibrate', ...args, '--data', data]);
  return { code, stderr, json: stdout === '' ? null : JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') };
}

interface Tried {
  readonly method: string;
  readonly brier: number | null;
  readonly why_not: string | null;
}

function brierOf(methods: readonly Tried[], name: string): number | null | undefined {
  return methods.find(({ method }) => method === name)?.brier;
}

describe('case falling-map-proposed', () => {
  test.each([[], ['--method', 'sigmoid'], ['--method', 'beta'], ['--method', 'sigmoid_log_odds']])(
    'refused by name, with what was tried: %s %s',
    async (...method) => {
      const data = await deskOf('falling-map-proposed');
      const { code, json } = await calibrate(data, 'propose', '--dry-run', '--json', ...method);
      expect(code).toBe(1);
      expect(json).toMatchObject({
        refused: true,
        unmet: [{ condition: 'usable_relation', have: expect.closeTo(0.3867, 4), need: 0.5 }],
        headline: expect.stringContaining('no rising map beats the constant') as string,
      });
      expect(json.auc.low).toBeGreaterThan(0.27);
      expect(json.auc.high).toBeLessThan(0.5);
      expect(brierOf(json.methods, 'identity')).toBeCloseTo(0.3273, 4);
      expect(brierOf(json.methods, 'constant')).toBeCloseTo(0.2552, 4);
      for (const name of ['sigmoid', 'beta'])
        expect((json.methods as readonly Tried[]).find(({ method: one }) => one === name)?.why_not).toContain(
          'no usable relation',
        );
    },
  );

  test('isotonic, which rises by construction, is told that it does worse than the constant', async () => {
    const data = await deskOf('falling-map-proposed');
    const { json } = await calibrate(data, 'propose', '--dry-run', '--json', '--method', 'isotonic');
    expect([json.map.y[0], json.map.y.at(-1)]).toEqual([expect.closeTo(0.4545, 4), expect.closeTo(0.6667, 4)]);
    expect(json.metrics.brier.out_of_fold.after).toBeCloseTo(0.2575, 4);
    expect(json.headline).toContain('No rising map beats the constant base rate');
    expect(json.bounds).toContainEqual(expect.objectContaining({ name: 'beats_constant', holds: false }));
  });
});

describe('case approved-against-an-old-map', () => {
  test('a version that was compared with what is no longer in force is refused, both named', async () => {
    const data = await deskOf('approved-against-an-old-map');
    const propose = async (method: string) => (await calibrate(data, 'propose', '--json', '--method', method)).json;
    const who = ['--by', 'Ada', '--reason', 'test'];
    const sigmoid = await propose('sigmoid');
    expect(sigmoid).toMatchObject({ parent: null, against: null });
    const { version: beta } = await propose('beta');
    expect((await calibrate(data, 'approve', sigmoid.version, ...who, '--override')).code).toBe(0);

    const refused = await calibrate(data, 'approve', beta, ...who);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `${beta} was compared with raw confidence, and ${sigmoid.version} is in force now`,
    );
    const taken = await calibrate(data, 'approve', beta, ...who, '--override');
    expect(taken.json.overridden).toContain('parent_in_force');

    const again = await propose('beta');
    expect(again).toMatchObject({ version: beta, known: true, in_force: true, against: beta, gain: 0 });
    for (const { before, after } of [again.metrics.brier.out_of_fold, again.metrics.log_loss.in_sample])
      expect(before).toBe(after);

    // Another version is measured against the map in force, not against raw confidence.
    const next = await propose('isotonic');
    expect(next).toMatchObject({ parent: beta, against: beta });
    const { before } = next.metrics.brier.in_sample;
    expect(before).toBeCloseTo(again.metrics.brier.in_sample.after, 9);
    expect((await calibrate(data, 'verify', next.version)).json.verified).toBe(true);
  });
});

describe('the gate', () => {
  test.each([
    ['gate-passes-one-loss', 'losses', 1],
    ['gate-passes-one-odd-confidence', 'confidence_spread', 0],
  ])('case %s: refused by %s, the same in status and propose', async (name, condition, have) => {
    const data = await deskOf(name);
    const { code, json } = await calibrate(data, 'propose', '--dry-run', '--json', '--method', 'sigmoid');
    expect(code).toBe(1);
    expect(json.unmet).toMatchObject([{ condition, have, need: 10 }]);
    const { gate } = JSON.parse((await runProgram(['status', '--json', '--data', data])).stdout);
    expect(gate).toMatchObject({
      open: false,
      models: [{ model_id: 'ranker-2', unmet: [{ condition, have, need: 10 }] }],
    });
  });
});

describe('the label rule', () => {
  test('is kept in the version and its id, and refuses outcomes that it cannot label', async () => {
    const data = await deskOf('approved-against-an-old-map');
    const { code, json } = await calibrate(data, 'propose', '--dry-run', '--json', '--label', 'r:0.5');
    expect(code).toBe(1);
    expect(json.unmet).toContainEqual(expect.objectContaining({ condition: 'usable_outcomes', have: 0 }));
    const recorded = await calibrate(data, 'propose', '--dry-run', '--json');
    expect(recorded.json).toMatchObject({
      label: 'pnl',
      label_rates: [
        { rule: 'pnl', n: 200 },
        { rule: 'r:0.5', n: 0 },
        { rule: 'net', n: 0 },
      ],
    });
    expect((await calibrate(data, 'propose', '--label', 'q')).code).toBe(2);
  });
});
