import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { policyDigestOf } from '../../../schemas/ids.ts';
import { parsePolicyFile } from '../../../pipelines/scoring/extend-policy.ts';
import {
  BUILT_IN_POLICIES,
  EXIT_FACTORS,
  HOLD_FACTORS,
  type Policy,
  parsePolicy,
  policyText,
} from '../../../pipelines/scoring/policy.ts';
import { CURRENT_POLICY, LEGACY_POLICY } from '../../fixtures/policies.ts';

function builtIn(id: string): Policy {
  const policy = BUILT_IN_POLICIES.get(id);
  if (policy === undefined) throw new HarvestlineError('USAGE', `no policy ${id}`);
  return policy;
}

const MINE = { id: 'mine', extends: '2026-02-07', description: 'of my own' };
const GUARD = { name: 'guard', when: { gave_back_above: 0.4 }, action: 'PARTIAL_CLOSE', fraction: 0.5 } as const;

const extended = (settings: object): Policy => parsePolicyFile({ ...MINE, ...settings }, 'mine.json', builtIn);

function problemsOf(value: unknown): readonly (readonly [string, string])[] {
  try {
    parsePolicyFile(value, 'mine.json', builtIn);
  } catch (thrown) {
    if (thrown instanceof HarvestlineError) return thrown.problems.map(({ path, why }) => [path, why]);
    throw thrown;
  }
  return [];
}

const pathsOf = (value: unknown): readonly string[] => problemsOf(value).map(([path]) => path);

describe('a policy that extends another', () => {
  it('is the other one but for what it gives', () => {
    const policy = extended({ points: { near_peak: 2 }, thresholds: { degraded_by: 0.2 }, profit_rungs: [] });
    expect(policy).toEqual({
      ...CURRENT_POLICY,
      id: 'mine',
      description: 'of my own',
      points: { ...CURRENT_POLICY.points, near_peak: 2 },
      thresholds: { ...CURRENT_POLICY.thresholds, degraded_by: 0.2 },
      profit_rungs: [],
    });
  });

  it('has its rules in the order given, those of the other by name', () => {
    const names = (rules: readonly unknown[]): readonly string[] => extended({ rules }).rules.map(({ name }) => name);
    expect(names([GUARD, '...'])).toEqual([
      'guard',
      'emergency_profit',
      'thesis_broken',
      'strong_exit',
      'moderate_exit',
    ]);
    expect(names(['thesis_broken', GUARD, 'emergency_profit'])).toEqual(['thesis_broken', 'guard', 'emergency_profit']);
    expect(names(['...', 'thesis_broken'])).toEqual([
      'emergency_profit',
      'strong_exit',
      'moderate_exit',
      'thesis_broken',
    ]);
    const instead = { ...GUARD, name: 'strong_exit' };
    expect(extended({ rules: ['emergency_profit', instead, '...'] }).rules).toEqual([
      CURRENT_POLICY.rules[0],
      instead,
      CURRENT_POLICY.rules[1],
      CURRENT_POLICY.rules[3],
    ]);
  });

  it('SCO-31: gives the digest of the whole file with the same settings', () => {
    const points = fc.integer({ min: 0, max: 9 });
    const overlay = fc.record(
      {
        points: fc.record(Object.fromEntries([...HOLD_FACTORS, ...EXIT_FACTORS].map((name) => [name, points])), {
          requiredKeys: [],
        }),
        thresholds: fc.record({ old_above_hours: points, fresh_above_r: points }, { requiredKeys: [] }),
        profit_rungs: fc.constantFrom([], [{ above_r: 2, points: 1 }]),
        costs: fc.constantFrom(null, { taker_fee: 0.0005, funding_per_8h: 0 }),
        rules: fc.constantFrom([], [GUARD]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.constantFrom(CURRENT_POLICY, LEGACY_POLICY), overlay, (base, settings) => {
        const short = parsePolicyFile({ ...MINE, extends: base.id, ...settings }, 'mine.json', builtIn);
        const whole = parsePolicy(
          {
            ...base,
            id: MINE.id,
            description: MINE.description,
            ...settings,
            points: { ...base.points, ...settings.points },
            thresholds: { ...base.thresholds, ...settings.thresholds },
          },
          'whole.json',
        );
        expect(policyDigestOf(policyText(short))).toBe(policyDigestOf(policyText(whole)));
        // What is recorded is read back as the same policy.
        expect(parsePolicy(JSON.parse(policyText(short)), 'recorded')).toEqual(short);
      }),
      { numRuns: 200 },
    );
  });
});

describe('SCO-32: what is wrong with it', () => {
  it('names every failing path of the file at once', () => {
    expect(
      pathsOf({
        extends: '2026-02-07',
        id: 'has spaces',
        points: { near_peek: 2, old: -1 },
        thresholds: { degraded_by: 2 },
        rules: ['...', 'strong_exitt', { ...GUARD, fraction: 1.5 }, { ...GUARD, fraction: { kind: 'graded' } }, '...'],
      }).toSorted(),
    ).toEqual([
      'description',
      'id',
      'points.near_peek',
      'points.old',
      'rules[1]',
      'rules[2].fraction',
      'rules[3].fraction.base',
      'rules[3].fraction.margin_weight',
      'rules[3].fraction.max',
      'rules[3].fraction.r_divisor',
      'rules[3].fraction.r_max',
      'rules[4]',
      'thresholds.degraded_by',
    ]);
  });

  it('a rule that the other one does not have, with the name that may be meant', () => {
    expect(problemsOf({ ...MINE, rules: ['strong_exitt'] })).toEqual([
      ['rules[0]', 'the extended policy has no rule strong_exitt (did you mean strong_exit?)'],
    ]);
  });

  it('another policy that is none, beside what is wrong in the file itself', () => {
    expect(problemsOf({ ...MINE, extends: '2026-02-08', points: { old: -1 }, rules: ['of_the_other'] })).toEqual([
      ['extends', 'no policy 2026-02-08'],
      ['points.old', expect.stringContaining('Too small')],
    ]);
    expect(pathsOf({ ...MINE, extends: 7 })).toEqual(['extends']);
  });

  it.each([
    ['0.5', 'expected number or object'],
    [null, 'expected number or object'],
    [0, 'Too small'],
  ])('a fraction of %j', (fraction, why) => {
    expect(problemsOf({ ...MINE, rules: [{ ...GUARD, fraction }] })).toEqual([
      ['rules[0].fraction', expect.stringContaining(why)],
    ]);
  });
});
