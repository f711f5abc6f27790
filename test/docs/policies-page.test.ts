import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { readPolicyFile } from '../../cli/options/policy-options.ts';
import { deploymentTable, policiesPage } from '../../docs/policies-page.ts';
import { policyRows } from '../../docs/policy-rows.ts';
import { lintPolicy } from '../../pipelines/scoring/check-policies.ts';
import { evaluate } from '../../pipelines/scoring/evaluate.ts';
import { policyLines } from '../../pipelines/scoring/policy-view.ts';
import { recordChecker } from '../../schemas/record-rules.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { EXIT_FACTORS, HOLD_FACTORS, policyJsonSchema } from '../../pipelines/scoring/policy.ts';

const page = policiesPage();
const rows = new Map(policyRows(policyJsonSchema()).map((row) => [row.path, row]));

test('a setting says its type, its bounds and what it means', () => {
  expect(rows.get('thresholds.default_risk')).toEqual({
    path: 'thresholds.default_risk',
    type: 'number, above 0, at most 1',
    doc: 'Risk a contract where no stop at opening is known. Unit: ratio of entry_price.',
  });
  expect(rows.get('costs')?.type).toBe('object or null');
  expect(rows.get('costs.taker_fee')?.type).toBe('number');
  expect(rows.get('rules[].action')?.type).toBe('"CLOSE" or "PARTIAL_CLOSE"');
  expect(rows.get('rules[].when.stop_hit')?.type).toBe('true');
  expect(rows.get('profit_rungs[].above_r')?.doc).toContain('Unit: R');
});

test('every factor, condition and kind of fraction is in the guide', () => {
  for (const name of [...HOLD_FACTORS, ...EXIT_FACTORS]) expect(page).toContain(`| \`points.${name}\` |`);
  for (const { path } of rows.values()) expect(page).toContain(`| \`${path}\` |`);
  expect(page).toContain('"exit_share"');
  expect(page).toContain('"graded"');
  // Each is there once, whatever shapes share it.
  expect(page.split('| `rules[].when.r_above` |')).toHaveLength(2);
});

test("the worked example is the deployment report's table", () => {
  expect(
    deploymentTable().map(({ symbol, before, after }) =>
      [symbol, before.action, after.action, after.fraction, `${after.hold_score}/${after.exit_score}`].join(' '),
    ),
  ).toEqual([
    'COLLECT HOLD CLOSE 1 4/9',
    'AIO HOLD PARTIAL_CLOSE 0.58 4/7',
    'FHE HOLD PARTIAL_CLOSE 0.75 4/9',
    'BERA HOLD PARTIAL_CLOSE 0.45 4/6',
    'STABLE HOLD PARTIAL_CLOSE 0.53 4/6',
    'LA HOLD PARTIAL_CLOSE 0.58 4/7',
  ]);
  expect(page).toMatch(/\| AIO .* PARTIAL_CLOSE 58 % \(4\/7\)/);
});

test('the shortest policy is ten lines, has no warning, and decides and reads as the guide says', () => {
  const examples = join(import.meta.dirname, '..', '..', 'examples');
  const file = join(examples, 'policies', 'keep-gains.json');
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(10);
  const policy = readPolicyFile(file);
  expect(lintPolicy(policy)).toEqual([]);
  const check = recordChecker(TOPICS.positionSnapshot);
  const lines = readFileSync(join(examples, 'data', 'snapshots.ndjson'), 'utf8')
    .trim()
    .split('\n');
  const snapshots = lines.map((line) => JSON.parse(line) as PositionSnapshot).filter((one) => check(one).length === 0);
  expect(snapshots).toHaveLength(3);
  for (const snapshot of snapshots) {
    const { action, fraction, reason } = evaluate(snapshot, policy);
    expect(page).toContain(JSON.stringify([snapshot.symbol, action, fraction, reason]));
  }
  const shown = policyLines(policy).map((line) => stripVTControlCharacters(line).trimEnd());
  const rules = shown.slice(
    shown.findIndex((line) => line.startsWith('#')),
    -2,
  );
  expect(page).toContain(rules.join('\n'));
});
