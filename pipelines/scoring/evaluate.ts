import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Action, Factor, OrderStyle, PositionSnapshot } from '../../schemas/generated/records.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';
import {
  type ConditionSet,
  type ExplainedScores,
  type Scores,
  type UnknownInput,
  setOf,
  scoreFactors,
  scoresOf,
} from './factors.ts';
import type { FractionFormula, Policy, PolicyRule } from './policy.ts';
import { rOf } from './risk.ts';

/** Why a decision is HOLD: no rule's conditions held, the fraction of the one that did rounds to nothing, or no order can close any of it. */
export const HOLD_REASONS = {
  noRule: 'no_rule_applies',
  zeroFraction: 'fraction_rounds_to_zero',
  dust: 'dust',
} as const;

/** What a policy says about one snapshot. `fraction` is 0 for HOLD, 1 for CLOSE; `reason` is the rule's name. */
export interface Verdict {
  readonly action: Action | 'HOLD';
  readonly fraction: number;
  readonly reason: string;
  readonly hold_score: number;
  readonly exit_score: number;
  readonly r: number;
  readonly policy: string;
  /** How the rule asks the order to be sent; left out where it does not. */
  readonly order?: OrderStyle;
}

/** A verdict with all that led to it. */
export interface Decision extends Verdict {
  readonly factors: readonly Factor[];
  readonly unknown: readonly UnknownInput[];
}

/**
 * The one function that decides. Pure: a snapshot that passed the strict check and a policy give the decision, always the
 * same. Throws RECORD_INVALID where R is beyond what any position can have (GREATEST_R): the stop is no basis of it then, and an
 * intent with it could not be recorded.
 */
export function evaluate(snapshot: PositionSnapshot, policy: Policy): Decision {
  const r = possibleR(snapshot, policy);
  const scores = scoreFactors(snapshot, r, policy);
  return decisionOf(decide(snapshot, policy, r, scores), scores);
}

/** The verdict of `evaluate` without its factors, which nobody reads where it is HOLD: they are most of the work. */
export function verdictOf(snapshot: PositionSnapshot, policy: Policy): Verdict {
  const r = possibleR(snapshot, policy);
  return decide(snapshot, policy, r, scoresOf(snapshot, r, policy));
}

/** The verdict, and every condition that holds: what a count of factors is made of. */
export function judge(
  snapshot: PositionSnapshot,
  policy: Policy,
): { readonly verdict: Verdict; readonly conditions: Scores['conditions'] } {
  const r = possibleR(snapshot, policy);
  const scores = scoresOf(snapshot, r, policy);
  return { verdict: decide(snapshot, policy, r, scores), conditions: scores.conditions };
}

/** The decision that this verdict of the policy on the snapshot is part of. */
export function explain(snapshot: PositionSnapshot, policy: Policy, said: Verdict): Decision {
  return decisionOf({ ...said, policy: policy.id }, scoreFactors(snapshot, said.r, policy));
}

function decisionOf(said: Verdict, { factors, unknown }: ExplainedScores): Decision {
  const { action, fraction, reason, hold_score, exit_score, r, policy, order } = said;
  const decision = { action, fraction, reason, hold_score, exit_score, r, factors, unknown, policy };
  return order === undefined ? decision : { ...decision, order };
}

function possibleR(snapshot: PositionSnapshot, policy: Policy): number {
  const r = rOf(snapshot, policy);
  if (Math.abs(r) <= GREATEST_R) return r;
  const problems = [{ path: 'mark_price', why: `gives R ${r}: profit over risk must be within ${GREATEST_R}` }];
  throw new HarvestlineError('RECORD_INVALID', `mark_price: ${problems[0]?.why}`, { problems });
}

/** The rules' part of it: what they say about these scores. */
function decide(snapshot: PositionSnapshot, policy: Policy, r: number, scores: Scores): Verdict {
  // Whatever was decided could not be done.
  if (snapshot.dust === true) return verdict(policy, r, scores, 'HOLD', 0, HOLD_REASONS.dust);
  for (const { rule, when } of uniformRules(policy)) {
    if (!applies(when, snapshot, r, scores)) continue;
    if (rule.action === 'CLOSE') return asAsked(verdict(policy, r, scores, 'CLOSE', 1, rule.name), rule);
    const fraction = roundToHundredths(fractionOf(rule.fraction, r, scores));
    return fraction <= 0
      ? verdict(policy, r, scores, 'HOLD', 0, HOLD_REASONS.zeroFraction)
      : asAsked(verdict(policy, r, scores, 'PARTIAL_CLOSE', fraction, rule.name), rule);
  }
  return verdict(policy, r, scores, 'HOLD', 0, HOLD_REASONS.noRule);
}

function verdict(
  policy: Policy,
  r: number,
  { hold, exit }: Scores,
  action: Verdict['action'],
  fraction: number,
  reason: string,
): Verdict {
  return { action, fraction, reason, hold_score: hold, exit_score: exit, r, policy: policy.id };
}

function asAsked(said: Verdict, { order }: PolicyRule): Verdict {
  return order === undefined ? said : { ...said, order };
}

/** Whichever hold, none too. */
const ANY: ConditionSet = -1;

/** What a rule asks, alike for all rules: conditions that it leaves out always hold. Objects that differ in shape are slow to read. */
interface UniformConditions {
  readonly rAbove: number;
  readonly rBelow: number;
  readonly exitAbove: number;
  readonly exitAtLeast: number;
  readonly anyOf: ConditionSet;
  readonly stopHit: boolean;
  readonly takeProfitHit: boolean;
}

type UniformRules = readonly { readonly rule: PolicyRule; readonly when: UniformConditions }[];

const uniformByPolicy = new WeakMap<Policy, UniformRules>();

function uniformRules(policy: Policy): UniformRules {
  let rules = uniformByPolicy.get(policy);
  if (rules === undefined) {
    rules = policy.rules.map((rule) => ({ rule, when: uniform(rule.when) }));
    uniformByPolicy.set(policy, rules);
  }
  return rules;
}

function uniform(when: PolicyRule['when']): UniformConditions {
  return {
    rAbove: when.r_above ?? -Infinity,
    rBelow: when.r_below ?? Infinity,
    exitAbove: when.exit_above_hold_plus ?? -Infinity,
    exitAtLeast: when.exit_at_least_hold_plus ?? -Infinity,
    anyOf: when.any_factor === undefined ? ANY : setOf(when.any_factor),
    stopHit: when.stop_hit ?? false,
    takeProfitHit: when.take_profit_hit ?? false,
  };
}

function applies(
  when: UniformConditions,
  snapshot: PositionSnapshot,
  r: number,
  { hold, exit, conditions }: Scores,
): boolean {
  return (
    r > when.rAbove &&
    r < when.rBelow &&
    exit > hold + when.exitAbove &&
    exit >= hold + when.exitAtLeast &&
    (when.anyOf === ANY || (conditions & when.anyOf) !== 0) &&
    (!when.stopHit || stopHit(snapshot)) &&
    (!when.takeProfitHit || takeProfitHit(snapshot))
  );
}

function stopHit({ side, mark_price, stop_price }: PositionSnapshot): boolean {
  if (stop_price === null || stop_price === undefined) return false;
  return side === 'LONG' ? mark_price <= stop_price : mark_price >= stop_price;
}

function takeProfitHit({ side, mark_price, take_profit_price }: PositionSnapshot): boolean {
  if (take_profit_price === null || take_profit_price === undefined) return false;
  return side === 'LONG' ? mark_price >= take_profit_price : mark_price <= take_profit_price;
}

function fractionOf(formula: FractionFormula, r: number, { hold, exit }: Scores): number {
  if (formula.kind === 'exit_share') return Math.min(formula.max, exit / formula.divisor);
  const { base, r_divisor, r_max, margin_weight, max } = formula;
  return Math.min(max, base + Math.min(r_max, r / r_divisor) + Math.max(0, (exit - hold) * margin_weight));
}

function roundToHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
