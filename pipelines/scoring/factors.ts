/** The factors: each consideration for holding or leaving a position, weighed once, with the scores that they add up to. Pure. */
import type { Factor, PositionSnapshot } from '../../schemas/generated/records.ts';
import { type ConditionName, type Policy, PROFIT_RUNG } from './policy.ts';
import { degradedBelow } from './confidence-map.ts';
import { ageHours, momentumOf, offPeak } from './measures.ts';

/** Inputs that can be unknown: null in the snapshot, or null at entry where they are compared with the entry. */
export type UnknownInput = 'regime' | 'volatility' | 'confidence';

/** What one snapshot scores under one policy: all that rules look at. */
export interface Scores {
  readonly hold: number;
  readonly exit: number;
  /** Conditions that hold, whether or not the policy gives them points. */
  readonly conditions: ConditionSet;
}

/** A set of conditions as bits: a list would be most of what a decision allocates. */
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

/** The scores with the factors that led to them. */
export interface ExplainedScores extends Scores {
  readonly factors: readonly Factor[];
  readonly unknown: readonly UnknownInput[];
}

/** The scores without factors: most snapshots are held, and their factors are never read. */
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
 * Weighs every consideration once.
 *
 * SCO-10  hold and exit are the sums of the factors' points on their side.
 * SCO-11  An unknown input scores on neither side and is named. A short R history is not unknown: momentum is not strong.
 * SCO-12  At most one profit rung scores: the highest that R is above.
 * SCO-13  Without factors the scores and the conditions are the same as with them.
 */
function weigh(snapshot: PositionSnapshot, r: number, policy: Policy, sheet: ScoreSheet): void {
  const { thresholds, points } = policy;
  const regime = snapshot.regime ?? null;
  const regimeAtEntry = snapshot.regime_at_entry ?? null;
  const gradient = snapshot.volatility_gradient ?? null;
  const confidence = snapshot.confidence ?? null;
  const confidenceAtEntry = snapshot.confidence_at_entry ?? null;

  if (regime === null || regimeAtEntry === null) sheet.addUnknown('regime');
  else if (regime === regimeAtEntry) sheet.addHold(BITS.regime_intact, points.regime_intact, null, null);
  else sheet.addExit(BITS.regime_changed, points.regime_changed, null, null);

  if (gradient === null) sheet.addUnknown('volatility');
  else if (gradient > thresholds.expanding_above_gradient)
    sheet.addHold(
      BITS.volatility_expanding,
      points.volatility_expanding,
      gradient,
      thresholds.expanding_above_gradient,
    );
  else
    sheet.addExit(
      BITS.volatility_contracting,
      points.volatility_contracting,
      gradient,
      thresholds.expanding_above_gradient,
    );

  const momentum = momentumOf(snapshot.r_history);
  if (momentum !== null && momentum > thresholds.momentum_above_r)
    sheet.addHold(BITS.momentum_strong, points.momentum_strong, momentum, thresholds.momentum_above_r);

  if (confidence === null || confidenceAtEntry === null) sheet.addUnknown('confidence');
  else {
    const below = degradedBelow(confidenceAtEntry, thresholds);
    if (confidence < below) sheet.addExit(BITS.confidence_degraded, points.confidence_degraded, confidence, below);
    else sheet.addHold(BITS.confidence_intact, points.confidence_intact, confidence, below);
  }

  const age = ageHours(snapshot);
  if (age < thresholds.fresh_below_hours && r > thresholds.fresh_above_r)
    sheet.addHold(BITS.fresh, points.fresh, age, thresholds.fresh_below_hours);
  if (age > thresholds.old_above_hours && r < thresholds.old_below_r)
    sheet.addExit(BITS.old, points.old, age, thresholds.old_above_hours);

  const off = offPeak(snapshot);
  if (off < thresholds.near_peak_within)
    sheet.addHold(BITS.near_peak, points.near_peak, off, thresholds.near_peak_within);
  else sheet.addExit(BITS.off_peak, points.off_peak, off, thresholds.near_peak_within);

  for (const { above_r: above, points: forProfit } of policy.profit_rungs) {
    if (!(r > above)) continue;
    sheet.addProfit(forProfit, r, above);
    break;
  }
}

interface Lists {
  readonly factors: Factor[];
  readonly unknown: UnknownInput[];
}

/** Adds up the factors of one snapshot (SCO-10). A factor without points counts as a condition, but is not listed. */
class ScoreSheet implements Scores {
  hold = 0;
  exit = 0;
  conditions: ConditionSet = 0;
  /** Null: only the sums are wanted. */
  readonly #lists: Lists | null;

  constructor(lists: Lists | null) {
    this.#lists = lists;
  }

  addHold(bit: ConditionBit, points: number, value: number | null, threshold: number | null): void {
    this.conditions |= bit;
    this.hold += points;
    this.#list(bit, 'HOLD', points, value, threshold);
  }

  addExit(bit: ConditionBit, points: number, value: number | null, threshold: number | null): void {
    this.conditions |= bit;
    this.exit += points;
    this.#list(bit, 'EXIT', points, value, threshold);
  }

  addProfit(points: number, r: number, aboveR: number): void {
    this.exit += points;
    this.#list(null, 'EXIT', points, r, aboveR);
  }

  addUnknown(input: UnknownInput): void {
    this.#lists?.unknown.push(input);
  }

  /** `bit` is null for a profit rung, which is no condition. */
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
