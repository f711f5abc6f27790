import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Decision, evaluate } from './evaluate.ts';
import { type NumericInput, inputAxes, candidatesOf } from './input-axes.ts';
import type { Policy } from './policy.ts';

type ChangedInput = NumericInput | 'regime';

/** A change of one input, all others as they were, that leads to another action. */
export interface DecisionChange {
  readonly input: ChangedInput;
  readonly from: number | string | null;
  readonly to: number | string;
  readonly action: Decision['action'];
  readonly reason: string;
}

/** The name of a regime other than the one at entry. */
const OTHER_REGIME = 'another';

/**
 * For each input the smallest change that leads to another action, where there is one: relatively smallest first, then the regime. It is the smallest
 * up to the tolerance of SCO-14. Another fraction is not another action. R is moved by the mark, with the distance from the peak kept. Confidences
 * in `snapshot` are mapped already, where the policy judges mapped ones.
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

/** The change of regime that leads to another action. An unknown regime may become the one at entry or another. */
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

/** The change relative to the larger of both values, so that 0 needs no special case; infinite from an unknown value. */
function relative({ from, to }: DecisionChange): number {
  if (typeof from !== 'number' || typeof to !== 'number') return Infinity;
  return Math.abs(to - from) / Math.max(Math.abs(from), Math.abs(to));
}
