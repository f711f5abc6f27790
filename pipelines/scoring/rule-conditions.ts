/** The conditions of the rule that decided, each with what was measured and what it was measured against: for explanations. Pure. */
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Verdict, judge } from './evaluate.ts';
import { contains } from './factors.ts';
import { ageMinutes, gaveBack } from './measures.ts';
import type { Policy, PolicyRule } from './policy.ts';

type ConditionKey = keyof PolicyRule['when'];

/** Lists are joined by commas. */
export interface MeasuredCondition {
  readonly name: ConditionKey;
  readonly value: number | string | null;
  readonly threshold: number | string | null;
}

/** The conditions of the rule that the verdict names, in the order of the schema; none where no rule decided. */
export function measuredConditions(
  snapshot: PositionSnapshot,
  policy: Policy,
  { action, reason, r, hold_score: hold, exit_score: exit }: Verdict,
): readonly MeasuredCondition[] {
  const rule = policy.rules.find(({ name, action: does }) => name === reason && does === action);
  if (rule === undefined) return [];
  const { when } = rule;
  const values: Readonly<Record<ConditionKey, () => Omit<MeasuredCondition, 'name'>>> = {
    r_above: () => ({ value: r, threshold: when.r_above ?? null }),
    r_below: () => ({ value: r, threshold: when.r_below ?? null }),
    exit_above_hold_plus: () => ({ value: exit - hold, threshold: when.exit_above_hold_plus ?? null }),
    exit_at_least_hold_plus: () => ({ value: exit - hold, threshold: when.exit_at_least_hold_plus ?? null }),
    any_factor: () => ({
      value: factorsThatHold(snapshot, policy, when.any_factor ?? []),
      threshold: (when.any_factor ?? []).join(', '),
    }),
    symbol: () => ({ value: snapshot.symbol, threshold: (when.symbol ?? []).join(', ') }),
    age_minutes_above: () => ({ value: ageMinutes(snapshot), threshold: when.age_minutes_above ?? null }),
    age_minutes_below: () => ({ value: ageMinutes(snapshot), threshold: when.age_minutes_below ?? null }),
    gave_back_above: () => ({ value: gaveBack(snapshot), threshold: when.gave_back_above ?? null }),
    stop_hit: () => ({ value: snapshot.mark_price, threshold: snapshot.stop_price }),
    take_profit_hit: () => ({ value: snapshot.mark_price, threshold: snapshot.take_profit_price }),
  };
  const names = Object.keys(values) as readonly ConditionKey[];
  return names.flatMap((name) => (when[name] === undefined ? [] : [{ name, ...values[name]() }]));
}

function factorsThatHold(
  snapshot: PositionSnapshot,
  policy: Policy,
  asked: NonNullable<PolicyRule['when']['any_factor']>,
): string {
  const { conditions } = judge(snapshot, policy);
  return asked.filter((name) => contains(conditions, name)).join(', ');
}
