import { mostExitOverHold } from './margin-reach.ts';
import type { Policy, PolicyRule } from './policy.ts';

type When = PolicyRule['when'];

/**
 * Why the rule at `index` can never decide; null where none of these shows it. Invariants:
 * V1  What is said here never decides, whatever the snapshot. The reverse is not promised: a rule may be out of reach for
 *     reasons that are not looked for.
 */
export function whyUnreachable(policy: Policy, index: number): string | null {
  const rule = policy.rules[index];
  if (rule === undefined) return null;
  const { when } = rule;
  if (when.r_above !== undefined && when.r_below !== undefined && when.r_above >= when.r_below)
    return `can never hold: no R is above ${when.r_above} and below ${when.r_below}`;
  const most = mostExitOverHold(policy, when);
  if (when.exit_above_hold_plus !== undefined && most <= when.exit_above_hold_plus)
    return `can never hold: exit is at most ${most} over hold, not above ${when.exit_above_hold_plus}`;
  if (when.exit_at_least_hold_plus !== undefined && most < when.exit_at_least_hold_plus)
    return `can never hold: exit is at most ${most} over hold, not ${when.exit_at_least_hold_plus}`;
  const earlier = policy.rules.slice(0, index).find((candidate) => impliesAll(when, candidate.when));
  return earlier === undefined ? null : `is never reached: whenever it holds, ${earlier.name} has decided already`;
}

/** True where a snapshot that `when` holds for always meets every condition of `of`. */
function impliesAll(when: When, of: When): boolean {
  return (
    (of.r_above === undefined || (when.r_above !== undefined && when.r_above >= of.r_above)) &&
    (of.r_below === undefined || (when.r_below !== undefined && when.r_below <= of.r_below)) &&
    (of.exit_above_hold_plus === undefined || marginAbove(when, of.exit_above_hold_plus)) &&
    (of.exit_at_least_hold_plus === undefined || marginAtLeast(when, of.exit_at_least_hold_plus)) &&
    (of.any_factor === undefined || when.any_factor?.every((name) => of.any_factor?.includes(name)) === true) &&
    (of.stop_hit === undefined || when.stop_hit === true) &&
    (of.take_profit_hit === undefined || when.take_profit_hit === true)
  );
}

function marginAbove({ exit_above_hold_plus: above, exit_at_least_hold_plus: atLeast }: When, margin: number): boolean {
  return (above !== undefined && above >= margin) || (atLeast !== undefined && atLeast > margin);
}

function marginAtLeast(
  { exit_above_hold_plus: above, exit_at_least_hold_plus: atLeast }: When,
  margin: number,
): boolean {
  return (above !== undefined && above >= margin) || (atLeast !== undefined && atLeast >= margin);
}
