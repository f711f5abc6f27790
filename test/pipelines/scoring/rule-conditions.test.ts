import { expect, it } from 'vitest';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import type { Policy, PolicyRule } from '../../../pipelines/scoring/policy.ts';
import { measuredConditions } from '../../../pipelines/scoring/rule-conditions.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { CURRENT_POLICY } from '../../fixtures/policies.ts';

function measured(when: PolicyRule['when'], snapshot: PositionSnapshot): unknown {
  const policy: Policy = { ...CURRENT_POLICY, rules: [{ name: 'asked', when, action: 'CLOSE' }] };
  return measuredConditions(snapshot, policy, evaluate(snapshot, policy));
}

it('every condition of the rule that decided, with what was measured', () => {
  const snapshot = aSnapshot({ age: 0.5 }, { mark_price: 106, peak_price: 110, stop_price: 107 });
  expect(
    measured(
      {
        r_above: 1,
        exit_above_hold_plus: -9,
        any_factor: ['old', 'off_peak'],
        symbol: ['ETHUSDT', 'BTCUSDT'],
        age_minutes_below: 45,
        gave_back_above: 0.25,
        stop_hit: true,
      },
      snapshot,
    ),
  ).toEqual([
    { name: 'r_above', value: 3, threshold: 1 },
    { name: 'exit_above_hold_plus', value: 3, threshold: -9 },
    { name: 'any_factor', value: 'off_peak', threshold: 'old, off_peak' },
    { name: 'symbol', value: 'BTCUSDT', threshold: 'ETHUSDT, BTCUSDT' },
    { name: 'age_minutes_below', value: 30, threshold: 45 },
    { name: 'gave_back_above', value: 0.4, threshold: 0.25 },
    { name: 'stop_hit', value: 106, threshold: 107 },
  ]);
});

it('none where no rule decided', () => {
  expect(measured({ r_above: 9 }, aSnapshot())).toEqual([]);
});
