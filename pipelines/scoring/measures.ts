/** The measures of a snapshot that factors and rules compare: age, R, distance from the peak, what was given back of the best profit, momentum. Pure. */
import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Policy } from './policy.ts';

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;

/** The venues settle funding every eight hours. Unit: hours. */
const FUNDING_HOURS = 8;

/** Time since opening. Unit: hours. */
export function ageHours(snapshot: PositionSnapshot): number {
  return (snapshot.observed_at - snapshot.opened_at) / HOUR_MS;
}

/** Time since opening. Unit: minutes. */
export function ageMinutes({ observed_at, opened_at }: PositionSnapshot): number {
  return (observed_at - opened_at) / MINUTE_MS;
}

/**
 * R = profit / risk, both per contract: profit = mark - entry (LONG) or entry - mark (SHORT); risk = |entry -
 * initial_stop_price|, or `default_risk` of entry where there is none. With `costs`, profit is after the taker fee of
 * both sides and funding for the time held. Not rounded.
 */
export function rOf(snapshot: PositionSnapshot, policy: Policy): number {
  const { side, entry_price: entry, mark_price: mark } = snapshot;
  const stop = snapshot.initial_stop_price ?? null;
  const risk = stop === null ? entry * policy.thresholds.default_risk : Math.abs(entry - stop);
  const profit = side === 'LONG' ? mark - entry : entry - mark;
  if (policy.costs === null) return profit / risk;
  const { taker_fee, funding_per_8h } = policy.costs;
  const costs = (entry + mark) * taker_fee + mark * funding_per_8h * (ageHours(snapshot) / FUNDING_HOURS);
  return (profit - costs) / risk;
}

/** How far the mark is from the best price since opening. Unit: ratio of peak_price, 0 at the peak. */
export function offPeak({ side, peak_price: peak, mark_price: mark }: PositionSnapshot): number {
  return side === 'LONG' ? (peak - mark) / peak : (mark - peak) / peak;
}

/**
 * The share of the best profit since opening that was given back: 0 at the peak, 1 back at the entry, above 1 in loss. Before costs. Null where the
 * best price was no better than the entry: nothing was there to give back. Unit: ratio of the best profit.
 */
export function gaveBack({
  side,
  entry_price: entry,
  peak_price: peak,
  mark_price: mark,
}: PositionSnapshot): number | null {
  const best = side === 'LONG' ? peak - entry : entry - peak;
  if (!(best > 0)) return null;
  return (side === 'LONG' ? peak - mark : mark - peak) / best;
}

/**
 * Mean step of R over the last two observations, (R[-1] - R[-3]) / 2; null with fewer than three. Unit: R an observation.
 */
export function momentumOf(history: readonly number[]): number | null {
  const last = history[history.length - 1];
  const third = history[history.length - 3];
  return last === undefined || third === undefined ? null : (last - third) / 2;
}
