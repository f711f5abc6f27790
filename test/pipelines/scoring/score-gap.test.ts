import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { scoresOf } from '../../../pipelines/scoring/factors.ts';
import { BUILT_IN_POLICIES, type Policy } from '../../../pipelines/scoring/policy.ts';
import { scoreGap } from '../../../pipelines/scoring/smallest-changes.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { CASES } from './decision-cases.ts';

describe('the gap of the scores against every shift', () => {
  it('the smallest shift of either side that gives another action, in whole points where the policy has whole ones', () => {
    const whole = [...BUILT_IN_POLICIES.values()];
    let found = 0;
    fc.assert(
      fc.property(CASES, fc.constantFrom(...whole), ({ snapshot }, policy) => {
        const gap = scoreGap(snapshot, policy);
        for (const side of ['HOLD', 'EXIT'] as const) {
          const nearest = nearestShift(snapshot, policy, side);
          const shift = gap.find((one) => one.side === side);
          expect(shift === undefined ? null : Math.abs(shift.points)).toBe(nearest);
          if (shift !== undefined) found += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

/** Further than any margin of the policies. Unit: points. */
const FURTHEST = 40;

function nearestShift(snapshot: PositionSnapshot, policy: Policy, side: 'HOLD' | 'EXIT'): number | null {
  const { action: now, r } = evaluate(snapshot, policy);
  const scores = scoresOf(snapshot, r, policy);
  const { hold, exit, conditions } = scores;
  const distances = Array.from({ length: FURTHEST }, (_, n) => n + 1).filter((distance) =>
    [-distance, distance].some((by) => {
      const shifted = side === 'HOLD' ? { hold: hold + by, exit } : { hold, exit: exit + by };
      if (shifted.hold < 0 || shifted.exit < 0) return false;
      return decide(snapshot, policy, r, { conditions, ...shifted }).action !== now;
    }),
  );
  return distances[0] ?? null;
}
