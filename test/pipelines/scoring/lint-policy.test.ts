import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { lintPolicy, whyUnreachable } from '../../../pipelines/scoring/check-policies.ts';
import {
  BUILT_IN_POLICIES,
  EXIT_FACTORS,
  HOLD_FACTORS,
  type Policy,
  type PolicyRule,
} from '../../../pipelines/scoring/policy.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';

const found = BUILT_IN_POLICIES.get('2026-02-07');
if (found === undefined) throw new Error('no default policy');
const MINE: Policy = { ...found, id: 'mine' };
const SHARE = { kind: 'exit_share', divisor: 12, max: 0.75 } as const;

type Rules = readonly { readonly when: PolicyRule['when'] }[];
type Case = readonly [title: string, rules: Rules, index: number];

/** A policy of these rules alone, named r0, r1, … */
function ofRules(rules: Rules): Policy {
  return { ...MINE, rules: rules.map((rule, index) => ({ ...rule, name: `r${index}`, action: 'CLOSE' })) };
}

const pathsOf = (policy: Policy): readonly string[] => lintPolicy(policy).map(({ path }) => path);

it('has no warning about the built-in policies', () => {
  for (const policy of BUILT_IN_POLICIES.values()) expect(lintPolicy(policy)).toEqual([]);
});

describe('SCO-5: a rule that can never be reached', () => {
  it.each<Case>([
    ['no R is above and below', [{ when: { r_above: 2, r_below: 2 } }], 0],
    ['more exit than there are points', [{ when: { exit_above_hold_plus: 24 } }], 0],
    ['more exit than there are points at that R', [{ when: { r_below: 1, exit_at_least_hold_plus: 19 } }], 0],
    ['old and a high rung exclude each other', [{ when: { r_above: 8, exit_at_least_hold_plus: 22 } }], 0],
    ['an earlier rule that always holds', [{ when: {} }, { when: { stop_hit: true } }], 1],
    ['an earlier rule with a lower bound', [{ when: { r_above: 2 } }, { when: { r_above: 3, stop_hit: true } }], 1],
    [
      'an earlier rule with more factors',
      [{ when: { any_factor: ['old', 'fresh'] } }, { when: { any_factor: ['old'] } }],
      1,
    ],
    [
      'a symbol that an earlier rule has',
      [{ when: { symbol: ['BTCUSDT', 'ETHUSDT'] } }, { when: { symbol: ['ETHUSDT'] } }],
      1,
    ],
    ['no age is above and below', [{ when: { age_minutes_above: 30, age_minutes_below: 30 } }], 0],
    ['no age is below 0', [{ when: { age_minutes_below: 0 } }], 0],
    [
      'an earlier rule from a lower age on',
      [{ when: { age_minutes_above: 30 } }, { when: { age_minutes_above: 60 } }],
      1,
    ],
    [
      'an earlier rule that lets less be given back',
      [{ when: { gave_back_above: 0.2 } }, { when: { gave_back_above: 0.4, r_above: 1 } }],
      1,
    ],
    [
      'a strict margin after the same one',
      [{ when: { exit_at_least_hold_plus: 2 } }, { when: { exit_above_hold_plus: 2 } }],
      1,
    ],
  ])('%s', (_, rules, index) => {
    const policy = ofRules(rules);
    expect(pathsOf(policy)).toContain(`rules[${index}]`);
  });

  it.each<readonly [title: string, rules: Rules]>([
    [
      'the same margin, not strict any more',
      [{ when: { exit_above_hold_plus: 2 } }, { when: { exit_at_least_hold_plus: 2 } }],
    ],
    ['exactly as much exit as there is', [{ when: { exit_at_least_hold_plus: 21, r_above: 8 } }]],
    ['old with the rung below its R', [{ when: { exit_at_least_hold_plus: 21, r_below: 5 } }]],
    ['another factor', [{ when: { any_factor: ['old'] } }, { when: { any_factor: ['old', 'fresh'] } }]],
    ['another symbol', [{ when: { symbol: ['BTCUSDT'] } }, { when: { symbol: ['BTCUSDT', 'ETHUSDT'] } }]],
    ['younger', [{ when: { age_minutes_below: 30 } }, { when: { age_minutes_below: 60 } }]],
    ['what was given back, or any', [{ when: { gave_back_above: 0 } }, { when: {} }]],
    ['an earlier rule that wants more', [{ when: { r_above: 2, stop_hit: true } }, { when: { r_above: 3 } }]],
  ])('but not: %s', (_, rules) => {
    expect(pathsOf(ofRules(rules))).toEqual([]);
  });

  const half = (min: number, max: number) => fc.integer({ min: min * 2, max: max * 2 }).map((n) => n / 2);
  const ofPosition = fc.record(
    {
      symbol: fc.subarray(['BTCUSDT', 'ETHUSDT'], { minLength: 1 }),
      age_minutes_above: fc.constantFrom(0, 60, 300),
      age_minutes_below: fc.constantFrom(0, 60, 300),
      gave_back_above: fc.constantFrom(0, 0.4, 1),
    },
    { requiredKeys: [] },
  );
  const ofScores = fc.record(
    {
      r_above: half(-2, 9),
      r_below: half(-2, 9),
      exit_above_hold_plus: half(-4, 20),
      exit_at_least_hold_plus: half(-4, 20),
      any_factor: fc.subarray([...HOLD_FACTORS, ...EXIT_FACTORS], { minLength: 1 }),
      stop_hit: fc.constant(true as const),
      take_profit_hit: fc.constant(true as const),
    },
    { requiredKeys: [] },
  );
  // Many conditions at once hardly ever hold.
  const when = fc
    .tuple(ofScores, fc.oneof(fc.constant({}), fc.constant({}), ofPosition))
    .map(([scores, position]) => ({ ...scores, ...position }));
  const snapshot = fc
    .record({
      r: half(-3, 10),
      age: fc.constantFrom(0.5, 3, 7),
      peak: fc.constantFrom(0, 1, 10),
      symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
      regime: fc.constantFrom('TREND_UP', 'RANGE', null),
      volatility_gradient: fc.constantFrom(-0.05, 0.2, null),
      confidence: fc.constantFrom(0.7, 0.3, null),
      stop_price: fc.constantFrom(200, 50, null),
      take_profit_price: fc.constantFrom(200, 50, null),
    })
    .map(({ r, age, peak, ...rest }) => {
      const plain = aSnapshot({ r, age });
      return { ...plain, ...rest, peak_price: plain.peak_price + peak };
    });

  it('never decides, whatever the snapshot', () => {
    const hit = countedBranches({ decided: 100 });
    fc.assert(
      fc.property(
        fc.array(when, { minLength: 1, maxLength: 4 }),
        fc.array(snapshot, { minLength: 20 }),
        (whens, all) => {
          const policy = ofRules(whens.map((each) => ({ when: each as PolicyRule['when'] })));
          const reasons = new Set(all.map((each) => evaluate(each, policy).reason));
          policy.rules.forEach(({ name }, index) => {
            if (!reasons.has(name)) return;
            hit('decided');
            expect(whyUnreachable(policy, index)).toBeNull();
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('warnings', () => {
  it('SCO-1: no rule closes, or none that can be reached', () => {
    const partial = { name: 'some', when: {}, action: 'PARTIAL_CLOSE', fraction: SHARE } as const;
    const late = { name: 'late', when: { r_above: 3 }, action: 'CLOSE' } as const;
    expect(pathsOf({ ...MINE, rules: [] })).toEqual(['rules']);
    expect(pathsOf({ ...MINE, rules: [partial] })).toEqual(['rules']);
    expect(pathsOf({ ...MINE, rules: [partial, late] })).toEqual(['rules', 'rules[1]']);
    expect(pathsOf({ ...MINE, rules: [late, partial] })).toEqual([]);
  });

  it('SCO-2: thresholds and rungs out of order', () => {
    const { thresholds } = MINE;
    expect(pathsOf({ ...MINE, thresholds: { ...thresholds, fresh_below_hours: 7 } })).toEqual([
      'thresholds.old_above_hours',
    ]);
    expect(pathsOf({ ...MINE, thresholds: { ...thresholds, fresh_below_hours: 7, fresh_above_r: 5 } })).toEqual([]);
    expect(
      pathsOf({ ...MINE, thresholds: { ...thresholds, momentum_above_r: -0.1, expanding_above_gradient: -0.1 } }),
    ).toEqual(['thresholds.momentum_above_r', 'thresholds.expanding_above_gradient']);
    const rungs = [
      { above_r: 8, points: 1 },
      { above_r: 2, points: 3 },
    ];
    expect(pathsOf({ ...MINE, profit_rungs: rungs })).toEqual(['profit_rungs[0].points']);
  });

  it("SCO-3: a built-in policy's id with other content", () => {
    const { id } = found;
    expect(pathsOf({ ...MINE, id })).toEqual([]);
    expect(pathsOf({ ...MINE, id, costs: { taker_fee: 0.0005, funding_per_8h: 0 } })).toEqual(['id']);
  });

  it('SCO-4: a reason that two outcomes share', () => {
    const close = { when: { r_above: 8 }, action: 'CLOSE' } as const;
    const other = { when: { r_below: -1 }, action: 'CLOSE' } as const;
    const rules = [
      { ...close, name: 'twice' },
      { ...other, name: 'twice' },
    ];
    expect(pathsOf({ ...MINE, rules })).toEqual(['rules[1].name']);
    expect(pathsOf({ ...MINE, rules: [{ ...close, name: 'no_rule_applies' }] })).toEqual(['rules[0].name']);
  });

  it('a fraction that is always the same', () => {
    const close = { name: 'all', when: { r_above: 8 }, action: 'CLOSE' } as const;
    const graded = { kind: 'graded', base: 0.5, r_divisor: 20, r_max: 0.3, margin_weight: 0.1, max: 0.4 } as const;
    const rule = { name: 'some', when: {}, action: 'PARTIAL_CLOSE' } as const;
    expect(pathsOf({ ...MINE, rules: [close, { ...rule, fraction: graded }] })).toEqual(['rules[1].fraction']);
    expect(pathsOf({ ...MINE, rules: [close, { ...rule, fraction: 0.5 }] })).toEqual([]);
    expect(pathsOf({ ...MINE, rules: [close, { ...rule, fraction: 0.004 }] })).toEqual(['rules[1].fraction']);
    expect(pathsOf({ ...MINE, rules: [close, { ...rule, fraction: { ...SHARE, max: 0.004 } }] })).toEqual([
      'rules[1].fraction',
    ]);
  });
});
