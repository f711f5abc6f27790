import type { EpochMillis } from '../../ports/clock.ts';
import type { VenueHolding, VenueStops } from '../../ports/venue.ts';
import type { ModelSignal, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import { better, extend, type Remembered, rOf, worstPrice } from './observation.ts';
import { isObservedRegime } from './observed-regime.ts';
import { openingStop, restingRecords } from './resting.ts';

/** The risk of a position whose initial stop is not known, as scoring takes it. Unit: share of entry_price. */
const DEFAULT_RISK = 0.02;

/** Which position a holding is. */
export interface Identity {
  readonly position_id: PositionId;
  readonly account: string;
  readonly opened_at: EpochMillis;
  /** Unit: contracts. */
  readonly initial_quantity: number;
}

/** What is known of a position from before: its latest snapshot, or what the models said when it was opened. */
export type Memory = Omit<Remembered, 'observed_at'> & { readonly model_id: PositionSnapshot['model_id'] };

/** What is seen besides the holding itself. Null: not known. */
export interface Seen {
  readonly now: EpochMillis;
  readonly venue: string;
  readonly signal: ModelSignal | null;
  readonly stops: VenueStops | null;
  /** From candles. */
  readonly regime: string | null;
  readonly volatilityGradient: number | null;
}

/** The memory of a position that nobody has observed yet. */
export function firstMemory(holding: Pick<VenueHolding, 'side' | 'entryPrice'>, signal: ModelSignal | null): Memory {
  const own = signal?.side === holding.side ? signal : null;
  return {
    peak_price: Number(holding.entryPrice),
    worst_price: Number(holding.entryPrice),
    initial_stop_price: null,
    confidence_at_entry: own?.confidence ?? null,
    model_id: own?.model_id ?? null,
    regime_at_entry: signal?.regime ?? null,
    r_history: [],
  };
}

/**
 * The snapshot of a holding. Pure.
 *
 * Q1  A signal for the other side says nothing of this one: its confidence is not turned round.
 * Q2  Both regimes of a snapshot speak one language: where the models named the regime at entry in words of their own, the
 *     regime now is theirs too, and unknown while they are silent; otherwise it is read from the candles.
 * Q3  R is profit over the risk the position was opened with, or over 2 % of entry where that is not known: as scoring takes it.
 */
export function snapshotOf(holding: VenueHolding, identity: Identity, before: Memory, seen: Seen): PositionSnapshot {
  const { side, symbol } = holding;
  const { now, signal, stops } = seen;
  const entry = Number(holding.entryPrice);
  const mark = Number(holding.markPrice);
  const own = signal?.side === side ? signal : null;
  const stop = numberOrNull(stops?.stopPrice ?? null);
  const initialStop = onLosingSide(
    holding,
    before.initial_stop_price ?? numberOrNull(openingStop(stops?.resting ?? [], side, identity.opened_at)),
  );
  const risked = initialStop ?? entry * (side === 'LONG' ? 1 - DEFAULT_RISK : 1 + DEFAULT_RISK);
  return {
    ...identity,
    venue: seen.venue,
    symbol,
    side,
    observed_at: now,
    quantity: Number(holding.quantity),
    entry_price: entry,
    mark_price: mark,
    peak_price: better(side, before.peak_price, mark),
    worst_price: worstPrice(side, before.worst_price, mark),
    initial_stop_price: initialStop,
    stop_price: stop,
    take_profit_price: numberOrNull(stops?.takeProfitPrice ?? null),
    resting: stops === null ? null : restingRecords(stops.resting),
    settles_at: holding.settlesAt ?? null,
    dust: holding.isDust,
    confidence_at_entry: before.confidence_at_entry,
    confidence: own?.confidence ?? null,
    model_id: before.model_id ?? own?.model_id ?? null,
    regime_at_entry: before.regime_at_entry,
    regime: regimeNow(before.regime_at_entry, seen),
    volatility_gradient: seen.volatilityGradient,
    r_history: extend(before.r_history, rOf(side, entry, mark, risked)),
    source: 'ccxt',
  };
}

/** Q2. */
function regimeNow(atEntry: string | null, { signal, regime }: Seen): string | null {
  return atEntry === null || isObservedRegime(atEntry) ? regime : (signal?.regime ?? null);
}

/** A position that has grown may have its entry beyond the stop it began with, which then says nothing of its risk. */
function onLosingSide({ side, entryPrice }: VenueHolding, stop: number | null): number | null {
  if (stop === null) return null;
  const losing = side === 'LONG' ? stop < Number(entryPrice) : stop > Number(entryPrice);
  return losing ? stop : null;
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
