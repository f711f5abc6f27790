/** The decision on one snapshot under one policy: scores, then rules, then the fraction to close. Pure. */
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
import type { ClosedFraction, Policy, PolicyRule } from './policy.ts';
import { ageMinutes, gaveBack, rOf } from './measures.ts';

/** Why a decision is HOLD: no rule applies, the rule's fraction rounds to 0, or the position is dust, which no order can close. */
export const HOLD_REASONS = {
  noRule: 'no_rule_applies',
  zeroFraction: 'fraction_rounds_to_zero',
  dust: 'dust',
} as const;

/** A policy's decision on one snapshot. `fraction` is 0 for HOLD and 1 for CLOSE; `reason` is the rule's name, or one of HOLD_REASONS. */
export interface Verdict {
  readonly action: Action | 'HOLD';
  readonly fraction: number;
  readonly reason: string;
  readonly hold_score: number;
  readonly exit_score: number;
  readonly r: number;
  readonly policy: string;
  /** The order style that the rule asks for; left out where it asks for none. */
  readonly order?: OrderStyle;
}

/** A verdict with the factors that led to it. */
export interface Decision extends Verdict {
  readonly factors: readonly Factor[];
  readonly unknown: readonly UnknownInput[];
}

/**
 * The one function that decides: a snapshot that passed the strict check and a policy always give the same decision. Throws RECORD_INVALID where
 * R is beyond GREATEST_R: the stop cannot be meant then, and no intent with such an R could be recorded.
 */
export function evaluate(snapshot: PositionSnapshot, policy: Policy): Decision {
  const r = possibleR(snapshot, policy);
  const scores = scoreFactors(snapshot, r, policy);
  return decisionOf(decide(snapshot, policy, r, scores), scores);
}

/** The verdict of `evaluate` without its factors. They are most of the work, and most snapshots are held. */
export function verdictOf(snapshot: PositionSnapshot, policy: Policy): Verdict {
  const r = possibleR(snapshot, policy);
  return decide(snapshot, policy, r, scoresOf(snapshot, r, policy));
}

/** The verdict, and the set of all conditions that hold: for counts of factors over many snapshots. */
export function judge(
  snapshot: PositionSnapshot,
  policy: Policy,
): { readonly verdict: Verdict; readonly conditions: Scores['conditions'] } {
  const r = possibleR(snapshot, policy);
  const scores = scoresOf(snapshot, r, policy);
  return { verdict: decide(snapshot, policy, r, scores), conditions: scores.conditions };
}

/** Completes a verdict that the policy gave on the snapshot with the factors that led to it. */
export function explainVerdict(snapshot: PositionSnapshot, policy: Policy, verdict: Verdict): Decision {
  return decisionOf({ ...verdict, policy: policy.id }, scoreFactors(snapshot, verdict.r, policy));
}

function decisionOf(verdict: Verdict, { factors, unknown }: ExplainedScores): Decision {
  const { action, fraction, reason, hold_score, exit_score, r, policy, order } = verdict;
  const decision = { action, fraction, reason, hold_score, exit_score, r, factors, unknown, policy };
  return order === undefined ? decision : { ...decision, order };
}

/** R, unless it is impossible. */
function possibleR(snapshot: PositionSnapshot, policy: Policy): number {
  const r = rOf(snapshot, policy);
  if (Math.abs(r) <= GREATEST_R) return r;
  const problems = [{ path: 'mark_price', why: `gives R ${r}: profit over risk must be within ${GREATEST_R}` }];
  throw new HarvestlineError('RECORD_INVALID', `mark_price: ${problems[0]?.why}`, { problems });
}

/** The verdict of the rules on these scores: the first rule that applies decides. */
function decide(snapshot: PositionSnapshot, policy: Policy, r: number, scores: Scores): Verdict {
  // No order can close any of it.
  if (snapshot.dust === true) return verdictBy(policy, r, scores, 'HOLD', 0, HOLD_REASONS.dust);
  for (const { rule, when } of compiledRules(policy)) {
    if (!applies(when, snapshot, r, scores)) continue;
    if (rule.action === 'CLOSE') return withOrder(verdictBy(policy, r, scores, 'CLOSE', 1, rule.name), rule);
    const fraction = roundToHundredths(fractionOf(rule.fraction, r, scores));
    return fraction <= 0
      ? verdictBy(policy, r, scores, 'HOLD', 0, HOLD_REASONS.zeroFraction)
      : withOrder(verdictBy(policy, r, scores, 'PARTIAL_CLOSE', fraction, rule.name), rule);
  }
  return verdictBy(policy, r, scores, 'HOLD', 0, HOLD_REASONS.noRule);
}

function verdictBy(
  policy: Policy,
  r: number,
  { hold, exit }: Scores,
  action: Verdict['action'],
  fraction: number,
  reason: string,
): Verdict {
  return { action, fraction, reason, hold_score: hold, exit_score: exit, r, policy: policy.id };
}

function withOrder(verdict: Verdict, { order }: PolicyRule): Verdict {
  return order === undefined ? verdict : { ...verdict, order };
}

/** A rule that asks for no factor. */
const ANY_OR_NONE: ConditionSet = -1;

/**
 * A rule's conditions, compiled: every field is there, and one that the rule leaves out always holds. All of these objects have one shape, which is
 * much faster to read for the hot path than the policy's own.
 */
interface CompiledConditions {
  readonly rAbove: number;
  readonly rBelow: number;
  readonly exitAbove: number;
  readonly exitAtLeast: number;
  readonly anyOf: ConditionSet;
  /** Null: any. */
  readonly symbols: ReadonlySet<string> | null;
  readonly ageAbove: number;
  readonly ageBelow: number;
  /** Null: not asked for. */
  readonly gaveBackAbove: number | null;
  readonly stopHit: boolean;
  readonly takeProfitHit: boolean;
}

type CompiledRules = readonly { readonly rule: PolicyRule; readonly when: CompiledConditions }[];

const compiledByPolicy = new WeakMap<Policy, CompiledRules>();

function compiledRules(policy: Policy): CompiledRules {
  let rules = compiledByPolicy.get(policy);
  if (rules === undefined) {
    rules = policy.rules.map((rule) => ({ rule, when: compiled(rule.when) }));
    compiledByPolicy.set(policy, rules);
  }
  return rules;
}

function compiled(when: PolicyRule['when']): CompiledConditions {
  return {
    rAbove: when.r_above ?? -Infinity,
    rBelow: when.r_below ?? Infinity,
    exitAbove: when.exit_above_hold_plus ?? -Infinity,
    exitAtLeast: when.exit_at_least_hold_plus ?? -Infinity,
    anyOf: when.any_factor === undefined ? ANY_OR_NONE : setOf(when.any_factor),
    symbols: when.symbol === undefined ? null : new Set(when.symbol),
    ageAbove: when.age_minutes_above ?? -Infinity,
    ageBelow: when.age_minutes_below ?? Infinity,
    gaveBackAbove: when.gave_back_above ?? null,
    stopHit: when.stop_hit ?? false,
    takeProfitHit: when.take_profit_hit ?? false,
  };
}

function applies(
  when: CompiledConditions,
  snapshot: PositionSnapshot,
  r: number,
  { hold, exit, conditions }: Scores,
): boolean {
  return (
    r > when.rAbove &&
    r < when.rBelow &&
    exit > hold + when.exitAbove &&
    exit >= hold + when.exitAtLeast &&
    (when.anyOf === ANY_OR_NONE || (conditions & when.anyOf) !== 0) &&
    (when.symbols === null || when.symbols.has(snapshot.symbol)) &&
    isOfAge(when, snapshot) &&
    (when.gaveBackAbove === null || gaveBackMoreThan(when.gaveBackAbove, snapshot)) &&
    (!when.stopHit || stopHit(snapshot)) &&
    (!when.takeProfitHit || takeProfitHit(snapshot))
  );
}

function isOfAge({ ageAbove, ageBelow }: CompiledConditions, snapshot: PositionSnapshot): boolean {
  if (ageAbove === -Infinity && ageBelow === Infinity) return true;
  const age = ageMinutes(snapshot);
  return age > ageAbove && age < ageBelow;
}

function gaveBackMoreThan(share: number, snapshot: PositionSnapshot): boolean {
  const gone = gaveBack(snapshot);
  return gone !== null && gone > share;
}

function stopHit({ side, mark_price, stop_price }: PositionSnapshot): boolean {
  if (stop_price === null || stop_price === undefined) return false;
  return side === 'LONG' ? mark_price <= stop_price : mark_price >= stop_price;
}

function takeProfitHit({ side, mark_price, take_profit_price }: PositionSnapshot): boolean {
  if (take_profit_price === null || take_profit_price === undefined) return false;
  return side === 'LONG' ? mark_price >= take_profit_price : mark_price <= take_profit_price;
}

function fractionOf(formula: ClosedFraction, r: number, { hold, exit }: Scores): number {
  if (typeof formula === 'number') return formula;
  if (formula.kind === 'exit_share') return Math.min(formula.max, exit / formula.divisor);
  const { base, r_divisor, r_max, margin_weight, max } = formula;
  return Math.min(max, base + Math.min(r_max, r / r_divisor) + Math.max(0, (exit - hold) * margin_weight));
}

/** Fractions below this round to 0: to hundredths, halves upwards. Unit: fraction of the position. */
export const ROUNDS_TO_NOTHING_BELOW = 0.005;

function roundToHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
