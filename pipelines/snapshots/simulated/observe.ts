import type { EpochMillis } from '../../../ports/clock.ts';
import type { BookedPosition } from '../../../ports/position-book.ts';
import type { PositionSnapshot } from '../../../schemas/generated/records.ts';
import { type Remembered, better, extend, rOf, worstPrice } from '../snapshot.ts';
import { ENSEMBLE_ID } from './ensemble.ts';

/** The venue of the simulated desk. */
const VENUE = 'paper';

/** A position's market as observed at `now`. Null: not known. */
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

/**
 * The snapshot of a simulated position. `before` is its memory; null where there is none: then its stop, confidence and regime at opening stay
 * unknown. Observing the same moment again gives the same snapshot, even from a `before` that is that snapshot.
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

/** The history without the observation of `now`, which it has where a cycle runs again whose records were partly written. */
function earlierThan(now: EpochMillis, before: Remembered | null): readonly number[] {
  if (before === null) return [];
  return before.observed_at === now ? before.r_history.slice(0, -1) : before.r_history;
}
