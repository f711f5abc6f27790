/**
 * The share of the best profit that was given back, as an axis along which a snapshot can be changed: the peak moves, mark and entry stay. What is
 * given back depends on entry, peak and mark, so its limits are edges of the axes of the peak and of R as well.
 */
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import type { InputAxis } from './input-axes.ts';
import { gaveBack, offPeak } from './measures.ts';
import type { Policy } from './policy.ts';

/** How far beyond an edge a candidate lies. Unit: ratio of the best profit. */
const BEYOND = 0.001;

/** The limits of what may be given back that the rules name, each once. */
function giveBackLimits({ rules }: Policy): readonly number[] {
  const limits = rules.flatMap(({ when }) => (when.gave_back_above === undefined ? [] : [when.gave_back_above]));
  return [...new Set(limits)];
}

/**
 * Null where no rule asks, and where the mark is at the entry: all of the best profit is gone then, wherever the peak was. In profit the share is
 * below 1 (for SHORT below what a peak price of 0 would give), in loss above 1.
 */
export function giveBackAxis(snapshot: PositionSnapshot, policy: Policy): InputAxis | null {
  const limits = giveBackLimits(policy);
  const { side, entry_price: entry, mark_price: mark } = snapshot;
  if (limits.length === 0 || mark === entry) return null;
  const inProfit = side === 'LONG' ? mark > entry : mark < entry;
  // At a peak price of 0 a SHORT has made all that it can.
  const atTheEnd = side === 'LONG' ? 1 : mark / entry;
  const at = (share: number): PositionSnapshot => ({
    ...snapshot,
    peak_price: (mark - share * entry) / (1 - share),
  });
  const { near_peak_within: near } = policy.thresholds;
  const nearPeak = gaveBack({ ...snapshot, peak_price: peakAt(snapshot, near) });
  return {
    measure: gaveBack,
    at,
    edges: nearPeak === null ? limits : [...limits, nearPeak],
    beyond: BEYOND,
    lowest: inProfit ? 0 : atTheEnd,
    highest: inProfit ? atTheEnd : Infinity,
  };
}

/** The peak that the mark is so far off. Unit of `off`: ratio of the peak. */
export function peakAt({ side, mark_price: mark }: PositionSnapshot, off: number): number {
  return side === 'LONG' ? mark / (1 - off) : mark / (1 + off);
}

/** Where a limit is met on the way of the peak, and where the peak is at the entry. Unit: ratio of the peak. */
export function giveBackEdgesOffPeak(snapshot: PositionSnapshot, policy: Policy): readonly number[] {
  const { entry_price: entry, mark_price: mark } = snapshot;
  const limits = giveBackLimits(policy);
  if (limits.length === 0) return [];
  const peaks = limits.filter((limit) => limit !== 1).map((limit) => (mark - limit * entry) / (1 - limit));
  return [...peaks, entry].filter((peak) => peak > 0).map((peak_price) => offPeak({ ...snapshot, peak_price }));
}

/** The marks at which a limit is met, and at which the peak is at the entry, while the peak keeps its ratio to the mark. */
export function giveBackMarks(snapshot: PositionSnapshot, policy: Policy): readonly number[] {
  const { entry_price: entry, mark_price: mark, peak_price: peak } = snapshot;
  const limits = giveBackLimits(policy);
  if (limits.length === 0) return [];
  const perMark = peak / mark;
  const met = limits.map((limit) => (limit * entry) / (1 - perMark + limit * perMark));
  return [...met, entry / perMark].filter((price) => price > 0 && Number.isFinite(price));
}
