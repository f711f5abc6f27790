import type { Factor, PositionSnapshot } from '../../schemas/generated/records.ts';
import { type ConditionName, type Policy, PROFIT_RUNG } from './policy.ts';
import { degradedBelow } from './confidence-map.ts';
import { ageHours, momentumOf, offPeak } from './risk.ts';

/** Inputs that can be unknown: null in the snapshot, or null at entry where the two are compared. */
export type UnknownInput = 'regime' | 'volatility' | 'confidence';

/** What one snapshot says under one policy, before any rule: as much as rules look at. */
export interface Scores {
  readonly hold: number;
  readonly exit: number;
  /** Conditions that hold, whether or not the policy gives them points. */
  readonly conditions: ConditionSet;
}

/** A set of conditions, a bit for each: a list of them would be most of what a decision allocates. */
export type ConditionSet = number;

const BITS = {
  regime_intact: 1,
  volatility_expanding: 2,
  momentum_strong: 4,
  confidence_intact: 8,
  fresh: 16,
  near_peak: 32,
  regime_changed: 64,
  volatility_contracting: 128,
  confidence_degraded: 256,
  old: 512,
  off_peak: 1024,
} as const satisfies Readonly<Record<ConditionName, number>>;

type ConditionBit = (typeof BITS)[ConditionName];

const NAMES = Object.fromEntries(Object.entries(BITS).map(([name, bit]) => [bit, name])) as Record<
  ConditionBit,
  ConditionName
>;

export function setOf(names: readonly ConditionName[]): ConditionSet {
  return names.reduce((set, name) => set | BITS[name], 0);
}

export function contains(conditions: ConditionSet, name: ConditionName): boolean {
  return (conditions & BITS[name]) !== 0;
}

/** The same with what led to it. */
export interface ExplainedScores extends Scores {
  readonly factors: readonly Factor[];
  readonly unknown: readonly UnknownInput[];
}

/** Sums alone: most snapshots are held, and nobody reads the factors of those. */
export function scoresOf(snapshot: PositionSnapshot, r: number, policy: Policy): Scores {
  const sheet = new ScoreSheet(null);
  weigh(snapshot, r, policy, sheet);
  return sheet;
}

export function scoreFactors(snapshot: PositionSnapshot, r: number, policy: Policy): ExplainedScores {
  const lists: Lists = { factors: [], unknown: [] };
  const sheet = new ScoreSheet(lists);
  weigh(snapshot, r, policy, sheet);
  const { hold, exit, conditions } = sheet;
  return { hold, exit, conditions, factors: lists.factors, unknown: lists.unknown };
}

/**
 * Weighs every consideration once. Invariants:
 * SCO-10  hold and exit are the sums of the factors' points on their side.
 * SCO-11  An unknown input scores on neither side and is named. A short R history is not unknown: momentum is not strong.
 * SCO-12  At most one profit rung scores: the highest that R is above.
 * SCO-13  Sums alone are those of the explained scores, and so are the conditions.
 */
function weigh(snapshot: PositionSnapshot, r: number, policy: Policy, sheet: ScoreSheet): void {
  const { thresholds, points } = policy;
  const regime = snapshot.regime ?? null;
  const regimeAtEntry = snapshot.regime_at_entry ?? null;
  const gradient = snapshot.volatility_gradient ?? null;
  const confidence = snapshot.confidence ?? null;
  const confidenceAtEntry = snapshot.confidence_at_entry ?? null;

  if (regime === null || regimeAtEntry === null) sheet.isUnknown('regime');
  else if (regime === regimeAtEntry) sheet.speaksForHolding(BITS.regime_intact, points.regime_intact, null, null);
  else sheet.speaksForExit(BITS.regime_changed, points.regime_changed, null, null);

  if (gradient === null) sheet.isUnknown('volatility');
  else if (gradient > thresholds.expanding_above_gradient)
    sheet.speaksForHolding(
      BITS.volatility_expanding,
      points.volatility_expanding,
      gradient,
      thresholds.expanding_above_gradient,
    );
  else
    sheet.speaksForExit(
      BITS.volatility_contracting,
      points.volatility_contracting,
      gradient,
      thresholds.expanding_above_gradient,
    );

  const momentum = momentumOf(snapshot.r_history);
  if (momentum !== null && momentum > thresholds.momentum_above_r)
    sheet.speaksForHolding(BITS.momentum_strong, points.momentum_strong, momentum, thresholds.momentum_above_r);

  if (confidence === null || confidenceAtEntry === null) sheet.isUnknown('confidence');
  else {
    const below = degradedBelow(confidenceAtEntry, thresholds);
    if (confidence < below)
      sheet.speaksForExit(BITS.confidence_degraded, points.confidence_degraded, confidence, below);
    else sheet.speaksForHolding(BITS.confidence_intact, points.confidence_intact, confidence, below);
  }

  const age = ageHours(snapshot);
  if (age < thresholds.fresh_below_hours && r > thresholds.fresh_above_r)
    sheet.speaksForHolding(BITS.fresh, points.fresh, age, thresholds.fresh_below_hours);
  if (age > thresholds.old_above_hours && r < thresholds.old_below_r)
    sheet.speaksForExit(BITS.old, points.old, age, thresholds.old_above_hours);

  const off = offPeak(snapshot);
  if (off < thresholds.near_peak_within)
    sheet.speaksForHolding(BITS.near_peak, points.near_peak, off, thresholds.near_peak_within);
  else sheet.speaksForExit(BITS.off_peak, points.off_peak, off, thresholds.near_peak_within);

  for (const { above_r: above, points: forProfit } of policy.profit_rungs) {
    if (!(r > above)) continue;
    sheet.speaksForProfit(forProfit, r, above);
    break;
  }
}

interface Lists {
  readonly factors: Factor[];
  readonly unknown: UnknownInput[];
}

/** Takes down what is said of one snapshot, and keeps SCO-10. A factor with no points is a condition, but not listed. */
class ScoreSheet implements Scores {
  hold = 0;
  exit = 0;
  conditions: ConditionSet = 0;
  /** Null where sums are all that is wanted. */
  readonly #lists: Lists | null;

  constructor(lists: Lists | null) {
    this.#lists = lists;
  }

  speaksForHolding(bit: ConditionBit, points: number, value: number | null, threshold: number | null): void {
    this.conditions |= bit;
    this.hold += points;
    this.#list(bit, 'HOLD', points, value, threshold);
  }

  speaksForExit(bit: ConditionBit, points: number, value: number | null, threshold: number | null): void {
    this.conditions |= bit;
    this.exit += points;
    this.#list(bit, 'EXIT', points, value, threshold);
  }

  speaksForProfit(points: number, r: number, aboveR: number): void {
    this.exit += points;
    this.#list(null, 'EXIT', points, r, aboveR);
  }

  isUnknown(input: UnknownInput): void {
    this.#lists?.unknown.push(input);
  }

  /** `bit` is null for profit, which is no condition. */
  #list(
    bit: ConditionBit | null,
    side: Factor['side'],
    points: number,
    value: number | null,
    threshold: number | null,
  ): void {
    if (this.#lists === null || points === 0) return;
    this.#lists.factors.push({ name: bit === null ? PROFIT_RUNG : NAMES[bit], side, points, value, threshold });
  }
}
