import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { type Decision, evaluate } from './evaluate.ts';
import type { Policy } from './policy.ts';
import { ageHours, offPeak, rOf } from './risk.ts';

export type ChangedInput = 'r' | 'confidence' | 'regime' | 'volatility' | 'age_hours' | 'off_peak';

/** A change of one input, all others as they were, after which the policy does something else. */
export interface DecisionChange {
  readonly input: ChangedInput;
  readonly from: number | string | null;
  readonly to: number | string;
  readonly action: Decision['action'];
  readonly reason: string;
}

/** How far beyond a threshold is surely beyond it. */
const BEYOND = { r: 0.01, confidence: 0.001, volatility: 0.001, age_hours: 0.01, off_peak: 0.0001 } as const;

/** What a regime is called that is not the one at entry. */
const OTHER_REGIME = 'another';

interface Candidate {
  readonly to: number | string;
  readonly snapshot: PositionSnapshot;
}

interface Input {
  readonly input: ChangedInput;
  readonly from: number | string | null;
  readonly candidates: readonly Candidate[];
}

/**
 * For each input the smallest change that gives another action, where one does; the smallest change in relation to its value first, then
 * those that no number measures. Tried are both sides of every threshold of the policy, since nothing else changes in between but
 * fractions. R moves with its distance from the peak kept. A snapshot whose confidence is to be mapped comes mapped.
 */
export function smallestChanges(snapshot: PositionSnapshot, policy: Policy): readonly DecisionChange[] {
  const { action: now } = evaluate(snapshot, policy);
  return inputsOf(snapshot, policy)
    .flatMap(({ input, from, candidates }): readonly DecisionChange[] => {
      const nearestFirst = candidates.toSorted((one, other) => distance(from, one.to) - distance(from, other.to));
      for (const { to, snapshot: changed } of nearestFirst) {
        const { action, reason } = evaluate(changed, policy);
        if (action !== now) return [{ input, from, to, action, reason }];
      }
      return [];
    })
    .toSorted((one, other) => relative(one) - relative(other));
}

function inputsOf(snapshot: PositionSnapshot, policy: Policy): readonly Input[] {
  const { thresholds: limits, profit_rungs: rungs, rules } = policy;
  const { regime, regime_at_entry: regimeAtEntry, confidence_at_entry: confidenceAtEntry } = snapshot;
  const rLimits = [
    ...rungs.map(({ above_r }) => above_r),
    ...rules.flatMap(({ when }) => [when.r_above, when.r_below].filter((limit) => limit !== undefined)),
    limits.fresh_above_r,
    limits.old_below_r,
  ];
  const confidences =
    confidenceAtEntry === null ? [] : around(confidenceAtEntry - limits.degraded_by, BEYOND.confidence);
  const ages = [limits.fresh_below_hours, limits.old_above_hours].flatMap((limit) => around(limit, BEYOND.age_hours));
  return [
    numbers(
      'r',
      rOf(snapshot, policy),
      rLimits.flatMap((limit) => around(limit, BEYOND.r)),
      (r) => withR(snapshot, policy, r),
    ),
    numbers(
      'confidence',
      snapshot.confidence,
      confidences.filter((confidence) => confidence >= 0 && confidence <= 1),
      (confidence) => ({ ...snapshot, confidence }),
    ),
    {
      input: 'regime',
      from: regime,
      candidates: (regimeAtEntry === null ? [] : [regimeAtEntry, OTHER_REGIME])
        .filter((to) => (to === regimeAtEntry) !== (regime === regimeAtEntry))
        .map((to) => ({ to, snapshot: { ...snapshot, regime: to } })),
    },
    numbers(
      'volatility',
      snapshot.volatility_gradient,
      around(limits.expanding_above_gradient, BEYOND.volatility),
      (volatility_gradient) => ({ ...snapshot, volatility_gradient }),
    ),
    numbers(
      'age_hours',
      ageHours(snapshot),
      ages.filter((hours) => hours >= 0),
      (hours) => ({ ...snapshot, observed_at: snapshot.opened_at + hours * 60 * 60 * 1000 }),
    ),
    numbers(
      'off_peak',
      offPeak(snapshot),
      around(limits.near_peak_within, BEYOND.off_peak).filter((off) => off >= 0 && off < 1),
      (off) => withOffPeak(snapshot, off),
    ),
  ];
}

function numbers(
  input: ChangedInput,
  from: number | null,
  values: readonly number[],
  change: (to: number) => PositionSnapshot | null,
): Input {
  const candidates = values.flatMap((to) => {
    const snapshot = change(to);
    return snapshot === null ? [] : [{ to, snapshot }];
  });
  return { input, from, candidates };
}

function around(limit: number, beyond: number): readonly number[] {
  return [limit - beyond, limit + beyond];
}

/** R is linear in the mark, costs and all. Null where no positive mark gives it. */
function withR(snapshot: PositionSnapshot, policy: Policy, r: number): PositionSnapshot | null {
  const { entry_price: entry, mark_price: mark, peak_price: peak } = snapshot;
  const at = (mark_price: number): number => rOf({ ...snapshot, mark_price }, policy);
  const perPrice = (at(2 * entry) - at(entry)) / entry;
  const mark_price = entry + (r - at(entry)) / perPrice;
  return mark_price > 0 && Number.isFinite(mark_price)
    ? { ...snapshot, mark_price, peak_price: peak * (mark_price / mark) }
    : null;
}

function withOffPeak(snapshot: PositionSnapshot, off: number): PositionSnapshot {
  const { side, mark_price: mark } = snapshot;
  return { ...snapshot, peak_price: side === 'LONG' ? mark / (1 - off) : mark / (1 + off) };
}

function distance(from: number | string | null, to: number | string): number {
  return typeof from === 'number' && typeof to === 'number' ? Math.abs(to - from) : 0;
}

function relative({ from, to }: DecisionChange): number {
  return typeof from === 'number' && typeof to === 'number'
    ? Math.abs(to - from) / Math.max(Math.abs(from), 1e-9)
    : Infinity;
}
