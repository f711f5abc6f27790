import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../errors/harvestline-error.ts';
import { HOLD_REASONS } from './evaluate.ts';
import { BUILT_IN_POLICIES, type FractionFormula, type Policy } from './policy.ts';
import { whyUnreachable } from './rule-reach.ts';
import { ROUNDS_TO_NOTHING_BELOW } from './zero-fraction.ts';

/**
 * What is legal in a policy but hardly meant, by path. Warnings only: none of it keeps a policy from scoring. Invariants:
 * V2  No CLOSE that can be reached is said once, at `rules`: such a policy never empties a position.
 * V3  Thresholds and rungs that contradict each other are named at the one that is to be changed.
 * V4  The id of a built-in policy with other content is named: records would blame the wrong policy.
 * V5  A reason that two outcomes share is named: exit_reason would not tell which it was.
 */
export function lintPolicy(policy: Policy): readonly Problem[] {
  return [...idWarnings(policy), ...rungWarnings(policy), ...thresholdWarnings(policy), ...ruleWarnings(policy)];
}

function idWarnings(policy: Policy): readonly Problem[] {
  const builtIn = BUILT_IN_POLICIES.get(policy.id);
  if (builtIn === undefined || isDeepStrictEqual(builtIn, policy)) return [];
  return [
    { path: 'id', why: `is that of a built-in policy, ${policy.id}, with other content: give it an id of its own` },
  ];
}

function rungWarnings({ profit_rungs: rungs }: Policy): readonly Problem[] {
  return rungs.flatMap(({ above_r, points }, index) => {
    const lower = rungs[index + 1];
    if (lower === undefined || points >= lower.points) return [];
    const why = `${points} above R ${above_r} is less than ${lower.points} above R ${lower.above_r}: more profit, less reason to leave`;
    return [{ path: `profit_rungs[${index}].points`, why }];
  });
}

function thresholdWarnings({ thresholds: t }: Policy): readonly Problem[] {
  const warnings: Problem[] = [];
  const warn = (name: keyof typeof t, why: string): void => void warnings.push({ path: `thresholds.${name}`, why });
  if (t.fresh_below_hours > t.old_above_hours && t.fresh_above_r < t.old_below_r)
    warn(
      'old_above_hours',
      `is below fresh_below_hours ${t.fresh_below_hours}: a position can be fresh and old at once`,
    );
  if (t.momentum_above_r < 0) warn('momentum_above_r', 'is below 0: a falling R counts as strong momentum');
  if (t.expanding_above_gradient < 0)
    warn('expanding_above_gradient', 'is below 0: a shrinking volatility counts as expanding');
  return warnings;
}

function ruleWarnings(policy: Policy): readonly Problem[] {
  const { rules } = policy;
  const unreachable = rules.map((_, index) => whyUnreachable(policy, index));
  const warnings = rules.flatMap((rule, index): readonly Problem[] => {
    const path = `rules[${index}]`;
    const why = unreachable[index] ?? null;
    const ambiguous = whyAmbiguous(policy, index);
    const limits = rule.action === 'PARTIAL_CLOSE' ? whyConstant(rule.fraction) : null;
    return [
      ...(why === null ? [] : [{ path, why: `${rule.name} ${why}` }]),
      ...(ambiguous === null ? [] : [{ path: `${path}.name`, why: ambiguous }]),
      ...(limits === null ? [] : [{ path: `${path}.fraction`, why: limits }]),
    ];
  });
  const closes = rules.some(({ action }, index) => action === 'CLOSE' && unreachable[index] === null);
  return closes
    ? warnings
    : [{ path: 'rules', why: 'can never CLOSE: no rule that can be reached closes a position' }, ...warnings];
}

/** What `reason` says where no rule did it must not be a rule's name, too. */
const RESERVED: ReadonlySet<string> = new Set(Object.values(HOLD_REASONS));

function whyAmbiguous({ rules }: Policy, index: number): string | null {
  const name = rules[index]?.name ?? '';
  if (RESERVED.has(name)) return `${name} is the reason of a HOLD`;
  const first = rules.findIndex((rule) => rule.name === name);
  return first === index ? null : `${name} is the name of rules[${first}], too`;
}

function whyConstant(formula: FractionFormula): string | null {
  if (formula.max < ROUNDS_TO_NOTHING_BELOW) return `max ${formula.max} rounds to 0: the rule always holds`;
  if (formula.kind === 'graded' && formula.base > formula.max)
    return `base ${formula.base} is above max ${formula.max}: only a loss brings it below max`;
  return null;
}
