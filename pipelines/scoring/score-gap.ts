import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Verdict, decide } from './evaluate.ts';
import { type Scores, scoresOf } from './factors.ts';
import type { Policy } from './policy.ts';
import { rOf } from './risk.ts';
import { ROUNDS_TO_NOTHING_BELOW } from './zero-fraction.ts';

/** So many points more (or fewer, below 0) on one side, and the policy does something else. */
export interface ScoreShift {
  readonly side: 'HOLD' | 'EXIT';
  readonly points: number;
  readonly action: Verdict['action'];
  readonly reason: string;
}

/** Points come in steps; where a policy has broken ones, a step of this is near enough. Unit: points. */
const FINE_STEP = 0.01;

/**
 * How far the scores are from another action: the smallest shift of either side, where one exists, with R, factors and prices as they
 * are. For when no single input changes anything. A score is never below 0.
 */
export function scoreGap(snapshot: PositionSnapshot, policy: Policy): readonly ScoreShift[] {
  const r = rOf(snapshot, policy);
  const scores = scoresOf(snapshot, r, policy);
  const { hold, exit, conditions } = scores;
  const now = decide(snapshot, policy, r, scores).action;
  const shift = (side: ScoreShift['side']): readonly ScoreShift[] => {
    const shifted = (by: number): Scores => ({
      conditions,
      hold: side === 'HOLD' ? hold + by : hold,
      exit: side === 'EXIT' ? exit + by : exit,
    });
    const score = side === 'HOLD' ? hold : exit;
    const nearestFirst = shiftsOf(policy, r, scores, side)
      .filter((by) => by !== 0 && score + by >= 0)
      .toSorted((one, other) => Math.abs(one) - Math.abs(other));
    for (const points of nearestFirst) {
      const { action, reason } = decide(snapshot, policy, r, shifted(points));
      if (action !== now) return [{ side, points, action, reason }];
    }
    return [];
  };
  return [...shift('EXIT'), ...shift('HOLD')];
}

/** The steps on both sides of every margin at which a rule begins or a fraction rounds to nothing. */
function shiftsOf(policy: Policy, r: number, { hold, exit }: Scores, side: ScoreShift['side']): readonly number[] {
  const step = wholePoints(policy) ? 1 : FINE_STEP;
  const sign = side === 'EXIT' ? 1 : -1;
  const margins = policy.rules.flatMap(({ when }) =>
    [when.exit_above_hold_plus, when.exit_at_least_hold_plus].filter((margin) => margin !== undefined),
  );
  const fractions = policy.rules.flatMap((rule): readonly number[] => {
    if (rule.action === 'CLOSE') return [];
    if (rule.fraction.kind === 'exit_share')
      return side === 'EXIT' ? [ROUNDS_TO_NOTHING_BELOW * rule.fraction.divisor - hold] : [];
    const { base, r_divisor, r_max, margin_weight } = rule.fraction;
    const needed = ROUNDS_TO_NOTHING_BELOW - base - Math.min(r_max, r / r_divisor);
    return margin_weight > 0 ? [needed / margin_weight] : [];
  });
  return [...margins, ...fractions].flatMap((margin) => {
    const steps = Math.floor((sign * (margin - (exit - hold))) / step);
    // A step further on either side: the division may be off in its last digit.
    return [-1, 0, 1, 2].map((more) => rounded((steps + more) * step));
  });
}

function wholePoints({ points, profit_rungs: rungs }: Policy): boolean {
  return [...Object.values(points), ...rungs.map((rung) => rung.points)].every(Number.isInteger);
}

/** Sums of steps lose a last digit in a double. */
function rounded(points: number): number {
  return Number(points.toFixed(2));
}
