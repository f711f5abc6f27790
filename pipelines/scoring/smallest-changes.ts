import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Decision, evaluate, type Verdict, decide } from './evaluate.ts';
import { type NumericInput, inputAxes, candidatesOf, ROUNDS_TO_NOTHING_BELOW } from './input-axes.ts';
import type { Policy } from './policy.ts';
import { type Scores, scoresOf } from './factors.ts';
import { rOf } from './risk.ts';

export type ChangedInput = NumericInput | 'regime';

/** A change of one input, all others as they were, after which the policy does something else. */
export interface DecisionChange {
  readonly input: ChangedInput;
  readonly from: number | string | null;
  readonly to: number | string;
  readonly action: Decision['action'];
  readonly reason: string;
}

/** What a regime is called that is not the one at entry. */
const OTHER_REGIME = 'another';

/**
 * For each input the smallest change that gives another action, where one does; the smallest in relation to its value first, then those
 * that no number measures. It is the smallest to within what is said to be past an edge (SCO-14 of input-axes.ts). Another fraction is no
 * other action. R moves with its distance from the peak kept. A snapshot whose confidence is to be mapped comes mapped.
 */
export function smallestChanges(snapshot: PositionSnapshot, policy: Policy): readonly DecisionChange[] {
  const { action: now } = evaluate(snapshot, policy);
  const numbers = inputAxes(snapshot, policy).flatMap(([input, axis]): readonly DecisionChange[] => {
    const from = axis.measure(snapshot) ?? null;
    const distance = (to: number): number => (from === null ? 0 : Math.abs(to - from));
    const nearestFirst = candidatesOf(axis).toSorted((one, other) => distance(one.to) - distance(other.to));
    for (const { to, snapshot: changed } of nearestFirst) {
      const { action, reason } = evaluate(changed, policy);
      if (action !== now) return [{ input, from, to, action, reason }];
    }
    return [];
  });
  return [...numbers.toSorted((one, other) => relative(one) - relative(other)), ...regimeChange(snapshot, policy, now)];
}

/** What is unknown now may become either. */
function regimeChange(snapshot: PositionSnapshot, policy: Policy, now: Decision['action']): readonly DecisionChange[] {
  const from = snapshot.regime ?? null;
  const atEntry = snapshot.regime_at_entry ?? null;
  const other = atEntry === OTHER_REGIME ? `${OTHER_REGIME} one` : OTHER_REGIME;
  const changes = (atEntry === null ? [] : [atEntry, other])
    .filter((to) => from === null || (to === atEntry) !== (from === atEntry))
    .map((to) => ({ to, decision: evaluate({ ...snapshot, regime: to }, policy) }))
    .filter(({ decision }) => decision.action !== now)
    .map(({ to, decision: { action, reason } }) => ({ input: 'regime', from, to, action, reason }) as const);
  return changes.slice(0, 1);
}

/** In relation to the larger of the two, so that a value at 0 is no special case; from unknown there is no distance. */
function relative({ from, to }: DecisionChange): number {
  if (typeof from !== 'number' || typeof to !== 'number') return Infinity;
  return Math.abs(to - from) / Math.max(Math.abs(from), Math.abs(to));
}

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
