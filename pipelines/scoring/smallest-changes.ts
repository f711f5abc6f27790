import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Decision, evaluate } from './evaluate.ts';
import { type NumericInput, inputAxes, candidatesOf } from './input-axes.ts';
import type { Policy } from './policy.ts';

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
