import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { degradedBelow } from './degradation.ts';
import type { InputAxis } from './input-axis.ts';
import type { Policy } from './policy.ts';
import { ageHours, momentumOf, offPeak, rOf } from './risk.ts';
import { zeroFractionEdges } from './zero-fraction.ts';

export type NumericInput =
  'r' | 'confidence' | 'volatility' | 'momentum' | 'age_hours' | 'off_peak' | 'stop_price' | 'take_profit_price';

/** How far past an edge is said to be past it. Units: R, probability, gradient, R an observation, hours, ratio of the peak, of the mark. */
const BEYOND = {
  r: 0.01,
  confidence: 0.001,
  volatility: 0.001,
  momentum: 0.001,
  age_hours: 0.01,
  off_peak: 0.0001,
  price: 0.0001,
} as const;

const HOUR_MS = 60 * 60 * 1000;

type NamedAxis = readonly [NumericInput, InputAxis];

/** Every number that the policy weighs, by name. A price only where a rule asks for it. */
export function inputAxes(snapshot: PositionSnapshot, policy: Policy): readonly NamedAxis[] {
  const { thresholds: limits } = policy;
  const { confidence_at_entry: atEntry } = snapshot;
  const whenever = { lowest: -Infinity, highest: Infinity };
  const r = rAxis(snapshot, policy);
  return [
    ...(r === null ? [] : [['r', r] as const]),
    [
      'confidence',
      {
        measure: ({ confidence }) => confidence,
        at: (confidence) => ({ ...snapshot, confidence }),
        edges: atEntry === null ? [] : [degradedBelow(atEntry, limits)],
        beyond: BEYOND.confidence,
        lowest: 0,
        highest: 1,
      },
    ],
    [
      'volatility',
      {
        measure: ({ volatility_gradient }) => volatility_gradient,
        at: (volatility_gradient) => ({ ...snapshot, volatility_gradient }),
        edges: [limits.expanding_above_gradient],
        beyond: BEYOND.volatility,
        ...whenever,
      },
    ],
    [
      'momentum',
      {
        measure: ({ r_history }) => momentumOf(r_history),
        at: (momentum) => ({ ...snapshot, r_history: withMomentum(snapshot.r_history, momentum) }),
        edges: [limits.momentum_above_r],
        beyond: BEYOND.momentum,
        ...whenever,
      },
    ],
    ['age_hours', ageAxis(snapshot, policy)],
    [
      'off_peak',
      {
        measure: offPeak,
        at: (off) => withOffPeak(snapshot, off),
        edges: [limits.near_peak_within],
        beyond: BEYOND.off_peak,
        lowest: 0,
        highest: snapshot.side === 'LONG' ? 1 : Infinity,
      },
    ],
    ...priceAxes(snapshot, policy),
  ];
}

/** R by the mark, with its distance from the peak kept, and stops and the recorded history of R as they are. Null where no mark moves R. */
function rAxis(snapshot: PositionSnapshot, policy: Policy): InputAxis | null {
  const {
    entry_price: entry,
    mark_price: mark,
    peak_price: peak,
    stop_price: stop,
    take_profit_price: target,
  } = snapshot;
  const rAt = (mark_price: number): number => rOf({ ...snapshot, mark_price }, policy);
  // R is a straight line of the mark, costs and all, that ends at a mark of 0.
  const end = rAt(0);
  const perPrice = (rAt(entry) - end) / entry;
  if (perPrice === 0 || !Number.isFinite(perPrice)) return null;
  const prices = [usesStop(policy) ? stop : null, usesTakeProfit(policy) ? target : null].filter(
    (price) => price !== null && price !== undefined,
  );
  const axis = {
    measure: (changed: PositionSnapshot) => rOf(changed, policy),
    at: (r: number) => {
      const mark_price = entry + (r - rAt(entry)) / perPrice;
      return { ...snapshot, mark_price, peak_price: peak * (mark_price / mark) };
    },
    edges: [...rLimits(policy), ...prices.map(rAt)],
    beyond: BEYOND.r,
    lowest: perPrice > 0 ? end : -Infinity,
    highest: perPrice > 0 ? Infinity : end,
  };
  return { ...axis, edges: [...axis.edges, ...zeroFractionEdges(policy, axis, (r) => r)] };
}

/** Where there are costs, funding makes R fall with age, through any limit of R. */
function ageAxis(snapshot: PositionSnapshot, policy: Policy): InputAxis {
  const { fresh_below_hours, old_above_hours } = policy.thresholds;
  const axis: InputAxis = {
    measure: ageHours,
    at: (hours) => ({ ...snapshot, observed_at: snapshot.opened_at + hours * HOUR_MS }),
    edges: [fresh_below_hours, old_above_hours],
    beyond: BEYOND.age_hours,
    lowest: 0,
    highest: Infinity,
  };
  const atOpening = rOf(axis.at(0), policy);
  const perHour = rOf(axis.at(1), policy) - atOpening;
  if (policy.costs === null || perHour === 0) return axis;
  const hoursAt = (r: number): number => (r - atOpening) / perHour;
  const costly = { ...axis, edges: [...axis.edges, ...rLimits(policy).map(hoursAt)] };
  return { ...costly, edges: [...costly.edges, ...zeroFractionEdges(policy, costly, hoursAt)] };
}

/** A stop is hit at the mark, and on one side of it. */
function priceAxes(snapshot: PositionSnapshot, policy: Policy): readonly NamedAxis[] {
  const { mark_price: mark } = snapshot;
  const price = { edges: [mark], beyond: mark * BEYOND.price, lowest: 0, highest: Infinity };
  const stop: InputAxis = {
    ...price,
    measure: ({ stop_price }) => stop_price,
    at: (stop_price) => ({ ...snapshot, stop_price }),
  };
  const takeProfit: InputAxis = {
    ...price,
    measure: ({ take_profit_price }) => take_profit_price,
    at: (take_profit_price) => ({ ...snapshot, take_profit_price }),
  };
  return [
    ...(usesStop(policy) ? [['stop_price', stop] as const] : []),
    ...(usesTakeProfit(policy) ? [['take_profit_price', takeProfit] as const] : []),
  ];
}

function usesStop({ rules }: Policy): boolean {
  return rules.some(({ when }) => when.stop_hit);
}

function usesTakeProfit({ rules }: Policy): boolean {
  return rules.some(({ when }) => when.take_profit_hit);
}

function rLimits({ profit_rungs: rungs, rules, thresholds }: Policy): readonly number[] {
  return [
    ...rungs.map(({ above_r }) => above_r),
    ...rules.flatMap(({ when }) => [when.r_above, when.r_below].filter((limit) => limit !== undefined)),
    thresholds.fresh_above_r,
    thresholds.old_below_r,
  ];
}

/** The latest R stays, so that only the way to it is another. */
function withMomentum(history: readonly number[], momentum: number): readonly number[] {
  const last = history.at(-1) ?? 0;
  return [last - 2 * momentum, history.at(-2) ?? last - momentum, last];
}

function withOffPeak(snapshot: PositionSnapshot, off: number): PositionSnapshot {
  const { side, mark_price: mark } = snapshot;
  return { ...snapshot, peak_price: side === 'LONG' ? mark / (1 - off) : mark / (1 + off) };
}
