import type { Factor, PositionSnapshot } from '../../schemas/generated/records.ts';
import { type ConditionName, type FactorName, type Policy, PROFIT_RUNG } from './policy.ts';
import { ageHours, momentumOf, offPeak } from './risk.ts';

/** Inputs that can be unknown: null in the snapshot, or null at entry where the two are compared. */
export type UnknownInput = 'regime' | 'volatility' | 'confidence';

/** What one snapshot says under one policy, before any rule. */
export interface Scores {
  readonly hold: number;
  readonly exit: number;
  readonly factors: readonly Factor[];
  readonly unknown: readonly UnknownInput[];
  /** Conditions that hold, whether or not the policy gives them points. */
  readonly conditions: readonly ConditionName[];
}

/**
 * Weighs every consideration once. Invariants:
 * F1  hold and exit are the sums of the factors' points on their side.
 * F2  An unknown input scores on neither side and is named. A short R history is not unknown: momentum is not strong.
 * F3  At most one profit rung scores: the highest that R is above.
 */
export function scoreFactors(snapshot: PositionSnapshot, r: number, policy: Policy): Scores {
  const { thresholds } = policy;
  const sheet = new ScoreSheet(policy);
  const regime = snapshot.regime ?? null;
  const regimeAtEntry = snapshot.regime_at_entry ?? null;
  const gradient = snapshot.volatility_gradient ?? null;
  const confidence = snapshot.confidence ?? null;
  const confidenceAtEntry = snapshot.confidence_at_entry ?? null;

  if (regime === null || regimeAtEntry === null) sheet.unknown.push('regime');
  else if (regime === regimeAtEntry) sheet.speaksForHolding('regime_intact', null, null);
  else sheet.speaksForExit('regime_changed', null, null);

  if (gradient === null) sheet.unknown.push('volatility');
  else if (gradient > thresholds.expanding_above_gradient)
    sheet.speaksForHolding('volatility_expanding', gradient, thresholds.expanding_above_gradient);
  else sheet.speaksForExit('volatility_contracting', gradient, thresholds.expanding_above_gradient);

  const momentum = momentumOf(snapshot.r_history);
  if (momentum !== null && momentum > thresholds.momentum_above_r)
    sheet.speaksForHolding('momentum_strong', momentum, thresholds.momentum_above_r);

  if (confidence === null || confidenceAtEntry === null) sheet.unknown.push('confidence');
  else if (confidence < confidenceAtEntry - thresholds.degraded_by)
    sheet.speaksForExit('confidence_degraded', confidence, confidenceAtEntry - thresholds.degraded_by);
  else sheet.speaksForHolding('confidence_intact', confidence, confidenceAtEntry - thresholds.degraded_by);

  const age = ageHours(snapshot);
  if (age < thresholds.fresh_below_hours && r > thresholds.fresh_above_r)
    sheet.speaksForHolding('fresh', age, thresholds.fresh_below_hours);
  if (age > thresholds.old_above_hours && r < thresholds.old_below_r)
    sheet.speaksForExit('old', age, thresholds.old_above_hours);

  const off = offPeak(snapshot);
  if (off < thresholds.near_peak_within) sheet.speaksForHolding('near_peak', off, thresholds.near_peak_within);
  else sheet.speaksForExit('off_peak', off, thresholds.near_peak_within);

  const rung = policy.profit_rungs.find((candidate) => r > candidate.above_r);
  if (rung !== undefined) sheet.speaksForProfit(rung.points, r, rung.above_r);
  return sheet;
}

/** Collects the factors and keeps F1. A factor with no points is a condition, but not listed. */
class ScoreSheet implements Scores {
  hold = 0;
  exit = 0;
  readonly factors: Factor[] = [];
  readonly unknown: UnknownInput[] = [];
  readonly conditions: ConditionName[] = [];
  readonly #points: Policy['points'];

  constructor(policy: Policy) {
    this.#points = policy.points;
  }

  speaksForHolding(name: ConditionName, value: number | null, threshold: number | null): void {
    this.conditions.push(name);
    const points = this.#points[name];
    if (points === 0) return;
    this.hold += points;
    this.factors.push({ name, side: 'HOLD', points, value, threshold });
  }

  speaksForExit(name: ConditionName, value: number | null, threshold: number | null): void {
    this.conditions.push(name);
    this.#leave(name, this.#points[name], value, threshold);
  }

  speaksForProfit(points: number, r: number, aboveR: number): void {
    this.#leave(PROFIT_RUNG, points, r, aboveR);
  }

  #leave(name: FactorName, points: number, value: number | null, threshold: number | null): void {
    if (points === 0) return;
    this.exit += points;
    this.factors.push({ name, side: 'EXIT', points, value, threshold });
  }
}
