/**
 * The numbers of a snapshot that a policy weighs, each as an axis along which it can be changed, with the edges at which the action may change.
 * For every action the candidates hold the nearest value that leads to it.
 */
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import { degradedBelow } from './confidence-map.ts';
import type { Policy } from './policy.ts';
import { ageHours, momentumOf, offPeak, rOf } from './measures.ts';
import { giveBackAxis, giveBackEdgesOffPeak, giveBackMarks, peakAt } from './give-back-axis.ts';
import { ROUNDS_TO_NOTHING_BELOW, evaluate } from './evaluate.ts';

export type NumericInput =
  | 'r'
  | 'confidence'
  | 'volatility'
  | 'momentum'
  | 'age_hours'
  | 'off_peak'
  | 'gave_back'
  | 'stop_price'
  | 'take_profit_price';

/** How far beyond an edge a candidate lies. Units: R, probability, gradient, R an observation, hours, ratio of the peak, ratio of the mark. */
const BEYOND = {
  r: 0.01,
  confidence: 0.001,
  volatility: 0.001,
  momentum: 0.001,
  age_hours: 0.01,
  off_peak: 0.0001,
  price: 0.0001,
} as const;

const MINUTES_AN_HOUR = 60;
const HOUR_MS = MINUTES_AN_HOUR * 60 * 1000;

/** One number of a snapshot that can be changed by itself. */
export interface InputAxis {
  /** The number in a snapshot; null where it is unknown. */
  readonly measure: (snapshot: PositionSnapshot) => number | null;
  /** The snapshot with the number changed to `to`. */
  readonly at: (to: number) => PositionSnapshot;
  /** The action changes at no other value. Edges where nothing changes do no harm. */
  readonly edges: readonly number[];
  /** How far beyond an edge a candidate lies: certainly beyond it, and near enough to be called the smallest change. */
  readonly beyond: number;
  /** The bounds of the number: from `lowest`, up to but without `highest`. */
  readonly lowest: number;
  readonly highest: number;
}

type NamedAxis = readonly [NumericInput, InputAxis];

/** The axes of all numbers that the policy weighs, by name. What was given back, stop and take-profit prices only where a rule asks for them. */
export function inputAxes(snapshot: PositionSnapshot, policy: Policy): readonly NamedAxis[] {
  const { thresholds: limits } = policy;
  const { confidence_at_entry: atEntry } = snapshot;
  const unbounded = { lowest: -Infinity, highest: Infinity };
  const r = rAxis(snapshot, policy);
  const giveBack = giveBackAxis(snapshot, policy);
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
        ...unbounded,
      },
    ],
    [
      'momentum',
      {
        measure: ({ r_history }) => momentumOf(r_history),
        at: (momentum) => ({ ...snapshot, r_history: withMomentum(snapshot.r_history, momentum) }),
        edges: [limits.momentum_above_r],
        beyond: BEYOND.momentum,
        ...unbounded,
      },
    ],
    ['age_hours', ageAxis(snapshot, policy)],
    [
      'off_peak',
      {
        measure: offPeak,
        at: (off) => ({ ...snapshot, peak_price: peakAt(snapshot, off) }),
        edges: [limits.near_peak_within, ...giveBackEdgesOffPeak(snapshot, policy)],
        beyond: BEYOND.off_peak,
        lowest: 0,
        highest: snapshot.side === 'LONG' ? 1 : Infinity,
      },
    ],
    ...(giveBack === null ? [] : [['gave_back', giveBack] as const]),
    ...priceAxes(snapshot, policy),
  ];
}

/** R, moved by the mark; its distance from the peak is kept, stops and the history of R stay as they are. Null where no mark moves R. */
function rAxis(snapshot: PositionSnapshot, policy: Policy): InputAxis | null {
  const {
    entry_price: entry,
    mark_price: mark,
    peak_price: peak,
    stop_price: stop,
    take_profit_price: target,
  } = snapshot;
  const rAt = (mark_price: number): number => rOf({ ...snapshot, mark_price }, policy);
  // R is linear in the mark, also with costs, and ends at a mark of 0.
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
      // At the peak it stays there, to the last digit.
      return { ...snapshot, mark_price, peak_price: peak === mark ? mark_price : peak * (mark_price / mark) };
    },
    // No mark is 0.
    edges: [...rLimits(policy), ...[...prices, ...giveBackMarks(snapshot, policy)].map(rAt)].filter((r) => r !== end),
    beyond: BEYOND.r,
    lowest: perPrice > 0 ? end : -Infinity,
    highest: perPrice > 0 ? Infinity : end,
  };
  return { ...axis, edges: [...axis.edges, ...zeroFractionEdges(policy, axis, (r) => r)] };
}

/** Age. With costs, funding moves R with age, so the limits of R are edges of age as well. */
function ageAxis(snapshot: PositionSnapshot, policy: Policy): InputAxis {
  const { fresh_below_hours, old_above_hours } = policy.thresholds;
  const axis: InputAxis = {
    measure: ageHours,
    at: (hours) => ({ ...snapshot, observed_at: snapshot.opened_at + hours * HOUR_MS }),
    edges: [fresh_below_hours, old_above_hours, ...ageLimits(policy)],
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

/** Unit: hours. */
function ageLimits({ rules }: Policy): readonly number[] {
  return rules.flatMap(({ when }) =>
    [when.age_minutes_above, when.age_minutes_below]
      .filter((minutes) => minutes !== undefined)
      .map((minutes) => minutes / MINUTES_AN_HOUR),
  );
}

/** Stop and take-profit prices. Each is hit at the mark, and on one side of it. */
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

/** The history with another momentum. The latest R stays; only the values before it change. */
function withMomentum(history: readonly number[], momentum: number): readonly number[] {
  const last = history.at(-1) ?? 0;
  return [last - 2 * momentum, history.at(-2) ?? last - momentum, last];
}

interface Candidate {
  readonly to: number;
  readonly snapshot: PositionSnapshot;
}

/**
 * A value on either side of each edge, and each edge itself where the snapshot can take it exactly: some conditions hold only there.
 *
 * SCO-14  Between two neighbouring edges, and outside them, the action is the same everywhere. So for every action that the axis can lead to there
 *         is a candidate, and one within `beyond` of the nearest value that leads to it.
 */
export function candidatesOf(axis: InputAxis): readonly Candidate[] {
  const edges = insideEdges(axis, axis.edges);
  return edges.flatMap((edge, index) => {
    const below = edge - Math.min(axis.beyond, (edge - (edges[index - 1] ?? axis.lowest)) / 2);
    const above = edge + Math.min(axis.beyond, ((edges[index + 1] ?? axis.highest) - edge) / 2);
    const exact = axis.at(edge);
    return [
      ...(below < edge ? [{ to: below, snapshot: axis.at(below) }] : []),
      ...(axis.measure(exact) === edge ? [{ to: edge, snapshot: exact }] : []),
      ...(above > edge ? [{ to: above, snapshot: axis.at(above) }] : []),
    ];
  });
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Some value between the two. */
  readonly inside: number;
}

/** The stretches into which the edges divide the axis. */
function stretchesOf({ lowest, highest }: InputAxis, edges: readonly number[]): readonly Stretch[] {
  const ends = [lowest, ...insideEdges({ lowest, highest }, edges), highest];
  return ends.slice(1).flatMap((to, index) => {
    const from = ends[index] ?? lowest;
    return from < to ? [{ from, to, inside: between(from, to) }] : [];
  });
}

function insideEdges(
  { lowest, highest }: Pick<InputAxis, 'lowest' | 'highest'>,
  edges: readonly number[],
): readonly number[] {
  // The lowest value is one of the axis, the highest is not: the action may change just above it.
  const inside = edges.filter((edge) => edge >= lowest && edge < highest);
  return [...new Set(inside)].toSorted((one, other) => one - other);
}

/** Some value between two ends, either of which may be infinite. */
function between(from: number, to: number): number {
  if (from === -Infinity) return to === Infinity ? 0 : to - 1;
  return to === Infinity ? from + 1 : (from + to) / 2;
}

/**
 * The values of an axis that moves R at which a graded fraction begins to round to 0, which turns a PARTIAL_CLOSE into a HOLD. Between the edges
 * of the axis the scores are constant, and the fraction is linear in R. `xOfR` gives the value of the axis at an R.
 */
function zeroFractionEdges(policy: Policy, axis: InputAxis, xOfR: (r: number) => number): readonly number[] {
  const graded = policy.rules.flatMap((rule) =>
    rule.action === 'PARTIAL_CLOSE' && typeof rule.fraction !== 'number' && rule.fraction.kind === 'graded'
      ? [rule.fraction]
      : [],
  );
  if (graded.length === 0) return [];
  return stretchesOf(axis, axis.edges).flatMap(({ from, to, inside }) => {
    const { hold_score: hold, exit_score: exit } = evaluate(axis.at(inside), policy);
    return graded
      .map(({ base, r_divisor, margin_weight }) =>
        xOfR(r_divisor * (ROUNDS_TO_NOTHING_BELOW - base - Math.max(0, (exit - hold) * margin_weight))),
      )
      .filter((edge) => edge > from && edge < to);
  });
}
