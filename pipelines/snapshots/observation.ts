import type { EpochMillis } from '../../ports/clock.ts';
import type { BookedPosition } from '../../ports/position-book.ts';
import type { PositionSnapshot, Side } from '../../schemas/generated/records.ts';
import { ENSEMBLE_ID } from './simulated/ensemble.ts';

/** Two hours of five-minute candles: more than momentum looks back, little enough to travel with every snapshot. Unit: observations. */
const R_HISTORY_LENGTH = 24;

/** The simulated desk trades at the paper venue. */
const VENUE = 'paper';

/** What only the snapshots of a position tell: nothing else in the program knows it, so the latest one is the memory. */
export type Remembered = Pick<
  PositionSnapshot,
  | 'peak_price'
  | 'worst_price'
  | 'initial_stop_price'
  | 'confidence_at_entry'
  | 'regime_at_entry'
  | 'r_history'
  | 'observed_at'
>;

/** What is seen of a position's market at `now`. Null: not known. */
export interface Observed {
  readonly now: EpochMillis;
  /** Unit: quote currency per contract. */
  readonly markPrice: number;
  /** The confidence that belongs to the position's side. */
  readonly confidence: number | null;
  readonly regime: string | null;
  readonly volatilityGradient: number | null;
  readonly source: string;
}

/** Profit per contract over the risk it was opened with. Unit: multiples of the initial risk (R), signed. */
export function rOf(side: Side, entryPrice: number, markPrice: number, initialStopPrice: number): number {
  const profit = side === 'LONG' ? markPrice - entryPrice : entryPrice - markPrice;
  return profit / Math.abs(entryPrice - initialStopPrice);
}

/**
 * The snapshot of a position. `before` is what was known of it; null for a position nobody told of, whose stop, confidence and
 * regime at opening then stay unknown. Observing the same moment again gives the same snapshot, even from a `before` that is it.
 */
export function observe(position: BookedPosition, before: Remembered | null, observed: Observed): PositionSnapshot {
  const { side } = position;
  const { markPrice, confidence, now } = observed;
  const entryPrice = Number(position.entryPrice);
  const initialStop = before?.initial_stop_price ?? null;
  const confidenceAtEntry = before?.confidence_at_entry ?? null;
  return {
    position_id: position.position_id,
    account: position.account,
    venue: VENUE,
    symbol: position.symbol,
    side,
    observed_at: now,
    opened_at: position.opened_at,
    quantity: Number(position.quantity),
    initial_quantity: Number(position.initialQuantity),
    entry_price: entryPrice,
    mark_price: markPrice,
    peak_price: better(side, before?.peak_price ?? entryPrice, markPrice),
    worst_price: worstPrice(side, before === null ? entryPrice : before.worst_price, markPrice),
    initial_stop_price: initialStop,
    stop_price: null,
    take_profit_price: null,
    // The paper venue keeps no order that rests.
    resting: [],
    settles_at: null,
    // The paper venue closes what is left whole, however small.
    dust: null,
    confidence_at_entry: confidenceAtEntry,
    confidence,
    model_id: confidence === null && confidenceAtEntry === null ? null : ENSEMBLE_ID,
    regime_at_entry: before?.regime_at_entry ?? null,
    regime: observed.regime,
    volatility_gradient: observed.volatilityGradient,
    // Without the stop there is no R, and none is made up.
    r_history:
      initialStop === null ? [] : extend(earlierThan(now, before), rOf(side, entryPrice, markPrice, initialStop)),
    source: observed.source,
  };
}

/** The better of two prices for a position of that side. */
export function better(side: Side, one: number, other: number): number {
  return side === 'LONG' ? Math.max(one, other) : Math.min(one, other);
}

/** The worst price of a position so far; null where what was before is not known. */
export function worstPrice(side: Side, before: number | null, markPrice: number): number | null {
  if (before === null) return null;
  return side === 'LONG' ? Math.min(before, markPrice) : Math.max(before, markPrice);
}

/** The history without an observation of `now` itself: that is there when a cycle runs again whose records were partly written. */
function earlierThan(now: EpochMillis, before: Remembered | null): readonly number[] {
  if (before === null) return [];
  return before.observed_at === now ? before.r_history.slice(0, -1) : before.r_history;
}

/** The history with the R of now at its end, bounded. */
export function extend(history: readonly number[], r: number): readonly number[] {
  return [...history.slice(Math.max(0, history.length - R_HISTORY_LENGTH + 1)), r];
}
