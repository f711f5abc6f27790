import type { PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Both built-in policies see profit worth taking above it at the latest. Unit: R. */
export const PROFITABLE_ABOVE_R = 2;

/** The longest that a position in profit was held without a break. */
export interface LongestHold {
  readonly position_id: PositionId;
  readonly symbol: string;
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  /** The greatest R in that time. */
  readonly peak_r: number;
}

/** Consecutive snapshots of one position with R above PROFITABLE_ABOVE_R and HOLD: H1 either one failing ends the stretch. */
export class HoldStretch {
  longest: LongestHold | null = null;
  #from: number | null = null;
  #peak = -Infinity;

  add({ position_id, symbol, observed_at }: PositionSnapshot, r: number, action: Decision['action']): void {
    if (r <= PROFITABLE_ABOVE_R || action !== 'HOLD') {
      this.#from = null;
      this.#peak = -Infinity;
      return;
    }
    this.#from ??= observed_at;
    this.#peak = Math.max(this.#peak, r);
    const hours = (observed_at - this.#from) / HOUR_MS;
    if (this.longest !== null && hours <= this.longest.hours) return;
    this.longest = { position_id, symbol, from: this.#from, to: observed_at, hours, peak_r: this.#peak };
  }
}

/** The longer of the two; the one found first where they are equal. */
export function longer(one: LongestHold | null, other: LongestHold | null): LongestHold | null {
  if (one === null || other === null) return one ?? other;
  return other.hours > one.hours ? other : one;
}
