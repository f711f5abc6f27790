/** The snapshot of an open position: from what the venue shows, what is remembered of it, and what else is observed. Pure. */
import type { EpochMillis } from '../../ports/clock.ts';
import { Exact, toText } from '../../ports/exact-decimal.ts';
import type { DecimalText, RestingOrder } from '../../ports/exchange.ts';
import type { VenueHolding, VenueStops } from '../../ports/venue.ts';
import type {
  ModelSignal,
  PositionId,
  PositionSnapshot,
  RestingOrder as RestingRecord,
  Side,
} from '../../schemas/generated/records.ts';
import { isObservedRegime } from './indicators.ts';

/** The risk assumed where the initial stop is not known, as scoring assumes it. Unit: share of entry_price. */
const DEFAULT_RISK = 0.02;

/** What identifies a position in all of its snapshots. */
export interface Identity {
  readonly position_id: PositionId;
  readonly account: string;
  readonly opened_at: EpochMillis;
  /** Unit: contracts. */
  readonly initial_quantity: number;
}

/** The fields that only snapshots hold. After a restart they are restored from the latest snapshot. */
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

/** What is remembered of a position: from its latest snapshot, or, at the first, from the models' signal at its opening. */
export type Memory = Omit<Remembered, 'observed_at'> & { readonly model_id: PositionSnapshot['model_id'] };

/** What is observed beside the holding. Null: not known. */
interface Surroundings {
  readonly now: EpochMillis;
  readonly venue: string;
  readonly signal: ModelSignal | null;
  readonly stops: VenueStops | null;
  /** From candles. */
  readonly regime: string | null;
  readonly volatilityGradient: number | null;
}

/** The memory of a position that is observed for the first time. */
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
 * The snapshot of a holding.
 *
 * SNA-12  A signal for the other side says nothing about this one: its confidence is not inverted.
 * SNA-13  Both regimes of a snapshot come from one vocabulary. Where the models named the regime at entry in words of their own, the current
 *         regime is theirs as well, and unknown while they publish none; otherwise it is the one that the candles show.
 * SNA-14  R is profit over the risk that the position was opened with; over 2 % of entry, as in scoring, where that risk is not known.
 */
export function snapshotOf(
  holding: VenueHolding,
  identity: Identity,
  before: Memory,
  seen: Surroundings,
): PositionSnapshot {
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
    r_history: extendHistory(before.r_history, rOf(side, entry, mark, risked)),
    source: 'ccxt',
  };
}

/** The current regime, in the vocabulary of the regime at entry (SNA-13). */
function regimeNow(atEntry: string | null, { signal, regime }: Surroundings): string | null {
  return atEntry === null || isObservedRegime(atEntry) ? regime : (signal?.regime ?? null);
}

/** The stop, where it is on the losing side; else null. Growth may move the entry price beyond the stop that the position was opened with. */
function onLosingSide({ side, entryPrice }: VenueHolding, stop: number | null): number | null {
  if (stop === null) return null;
  const losing = side === 'LONG' ? stop < Number(entryPrice) : stop > Number(entryPrice);
  return losing ? stop : null;
}

/** Profit over initial risk, both per contract. Unit: multiples of the initial risk (R), signed. */
export function rOf(side: Side, entryPrice: number, markPrice: number, initialStopPrice: number): number {
  const profit = side === 'LONG' ? markPrice - entryPrice : entryPrice - markPrice;
  return profit / Math.abs(entryPrice - initialStopPrice);
}

/** The better of two prices for a position of that side. */
export function better(side: Side, one: number, other: number): number {
  return side === 'LONG' ? Math.max(one, other) : Math.min(one, other);
}

/** The worst price of a position including this mark; null where it was not known before. */
export function worstPrice(side: Side, before: number | null, markPrice: number): number | null {
  if (before === null) return null;
  return side === 'LONG' ? Math.min(before, markPrice) : Math.max(before, markPrice);
}

/** Two hours of five-minute candles: more than momentum needs, and small enough for every snapshot to carry. Unit: observations. */
const R_HISTORY_LENGTH = 24;

/** The history with the current R at its end; the oldest values beyond the bound are dropped. */
export function extendHistory(history: readonly number[], r: number): readonly number[] {
  return [...history.slice(Math.max(0, history.length - R_HISTORY_LENGTH + 1)), r];
}

/** A stop that was placed this soon after the opening counts as the initial one. Unit: milliseconds. */
const OPENED_WITH_MS = 5 * 60 * 1000;

/** The schema's bound. Unit: orders. */
const MOST_RESTING = 500;

/** The position's resting orders as its snapshot records them: the newest, where there are too many. */
function restingRecords(resting: readonly RestingOrder[]): readonly RestingRecord[] {
  return resting.slice(-MOST_RESTING).map(({ orderId, kind, quantity, price, placedAt, wholePosition }) => ({
    order_id: orderId,
    kind,
    quantity: numberOrNull(quantity),
    price: numberOrNull(price),
    placed_at: placedAt,
    whole_position: wholePosition,
  }));
}

/**
 * The price of the stop that the position was opened with; of several, the one that would be hit first. A stop from before the opening was left
 * over by another position, and one of an unknown time may have been.
 */
function openingStop(resting: readonly RestingOrder[], side: Side, openedAt: EpochMillis): DecimalText | null {
  const prices = resting.flatMap(({ kind, price, placedAt }) =>
    kind === 'STOP' && price !== null && isOfOpening(placedAt, openedAt) ? [price] : [],
  );
  if (prices.length === 0) return null;
  return toText(side === 'LONG' ? Exact.max(...prices) : Exact.min(...prices));
}

function isOfOpening(placedAt: EpochMillis | null, openedAt: EpochMillis): boolean {
  return placedAt !== null && placedAt >= openedAt && placedAt <= openedAt + OPENED_WITH_MS;
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
