import { Decimal } from 'decimal.js';
import type { ClmOutcome, OutcomeLabel, Side, TradeClosed } from '../../schemas/generated/records.ts';
import { type Exclusion, exclusionOf } from './exclusions.ts';
import { addTotals } from './totals.ts';

/**
 * The truth about one position, slice by slice. Invariants:
 *
 * A1  A trade_id that is already counted changes nothing.
 * A2  The order of the slices does not matter: quantities are equal, prices and results within 1e-9, label, status,
 *     times, model and exclusion the same. `slices` and `exit_reasons` alone keep the order of arrival.
 * A3  Quantities add in decimal arithmetic; entry and exit price are quantity-weighted, and pnl_percent is the move
 *     between these two in the position's favour.
 * A4  FINAL as soon as one slice left nothing open; a slice that comes later is still added.
 * A5  An unknown stays unknown: a cost or a risk is null once it is unknown for one slice (totals.ts).
 * A6  A position of one BACKFILL slice keeps the pnl_percent that was recorded, whatever its prices say.
 */

/** Below half a per cent either way, fees and spread decide more than the exit did. Unit: per cent of entry_price. */
export const WIN_ABOVE_PERCENT = 0.5;
export const LOSS_BELOW_PERCENT = -0.5;

/**
 * The label looks at pnl_percent rounded to this many decimals, so that the last binary digits of a weighted price
 * never push a move of exactly 0.5 % over the edge in one order of slices and not in another. Unit: decimal places.
 */
const LABEL_DECIMALS = 9;

/** A double has 17 significant digits, a product of two has 34: sums and products here are exact before they are stored. */
const Exact = Decimal.clone({ precision: 50 });

/** `outcome` with `trade` added, or a new outcome; null when the trade is already counted (A1). */
export function accumulate(outcome: ClmOutcome | undefined, trade: TradeClosed): ClmOutcome | null {
  if (outcome?.slices.includes(trade.trade_id) === true) return null;
  return concluded(outcome === undefined ? firstSlice(trade) : nextSlice(outcome, trade));
}

/** +0.5 % and -0.5 % themselves are NEUTRAL. `pnlPercent` in per cent of entry_price. */
export function labelOf(pnlPercent: number): OutcomeLabel {
  const rounded = new Exact(pnlPercent).toDecimalPlaces(LABEL_DECIMALS);
  if (rounded.gt(WIN_ABOVE_PERCENT)) return 'WIN';
  return rounded.lt(LOSS_BELOW_PERCENT) ? 'LOSS' : 'NEUTRAL';
}

function firstSlice(trade: TradeClosed): ClmOutcome {
  return {
    position_id: trade.position_id,
    account: trade.account,
    venue: trade.venue,
    symbol: trade.symbol,
    side: trade.side,
    status: 'ACCUMULATING',
    label: null,
    slices: [trade.trade_id],
    quantity: trade.quantity,
    entry_price: trade.entry_price,
    exit_price: trade.exit_price,
    pnl_percent:
      trade.origin === 'BACKFILL' ? trade.pnl_percent : moveInFavour(trade.side, trade.entry_price, trade.exit_price),
    pnl_quote: trade.pnl_quote,
    fee_quote: trade.fee_quote,
    ...addTotals(null, trade),
    confidence: trade.confidence,
    model_id: trade.model_id,
    opened_at: trade.opened_at,
    last_slice_at: trade.closed_at,
    closed_at: trade.remaining_quantity === 0 ? trade.closed_at : null,
    exit_reasons: [trade.exit_reason],
    excluded_from_calibration: exclusionOf({
      previous: null,
      origin: trade.origin,
      conflicting: false,
      confidence: trade.confidence,
      model: trade.model_id,
    }),
  };
}

function nextSlice(outcome: ClmOutcome, trade: TradeClosed): ClmOutcome {
  const quantity = new Exact(outcome.quantity).plus(trade.quantity);
  const weighted = (before: number, added: number): number =>
    new Exact(before).times(outcome.quantity).plus(new Exact(added).times(trade.quantity)).div(quantity).toNumber();
  const entryPrice = weighted(outcome.entry_price, trade.entry_price);
  const exitPrice = weighted(outcome.exit_price, trade.exit_price);
  // Once slices disagreed, nothing that comes later settles it.
  const conflicting =
    outcome.excluded_from_calibration === ('CONFLICTING_MODEL' satisfies Exclusion) ||
    differ(outcome.confidence, trade.confidence) ||
    differ(outcome.model_id, trade.model_id);
  const confidence = conflicting ? null : (outcome.confidence ?? trade.confidence);
  const model = conflicting ? null : (outcome.model_id ?? trade.model_id);
  return {
    ...outcome,
    slices: [...outcome.slices, trade.trade_id],
    quantity: quantity.toNumber(),
    entry_price: entryPrice,
    exit_price: exitPrice,
    pnl_percent: moveInFavour(outcome.side, entryPrice, exitPrice),
    pnl_quote: new Exact(outcome.pnl_quote).plus(trade.pnl_quote).toNumber(),
    fee_quote:
      outcome.fee_quote === null || trade.fee_quote === null
        ? null
        : new Exact(outcome.fee_quote).plus(trade.fee_quote).toNumber(),
    ...addTotals(outcome, trade),
    confidence,
    model_id: model,
    opened_at: Math.min(outcome.opened_at, trade.opened_at),
    last_slice_at: Math.max(outcome.last_slice_at, trade.closed_at),
    closed_at:
      trade.remaining_quantity === 0
        ? Math.max(outcome.closed_at ?? trade.closed_at, trade.closed_at)
        : outcome.closed_at,
    exit_reasons: outcome.exit_reasons.includes(trade.exit_reason)
      ? outcome.exit_reasons
      : [...outcome.exit_reasons, trade.exit_reason],
    excluded_from_calibration: exclusionOf({
      previous: outcome.excluded_from_calibration,
      origin: trade.origin,
      conflicting,
      confidence,
      model,
    }),
  };
}

/** Status and label follow from the rest (A4). */
function concluded(outcome: ClmOutcome): ClmOutcome {
  return outcome.closed_at === null ? outcome : { ...outcome, status: 'FINAL', label: labelOf(outcome.pnl_percent) };
}

/** (exit - entry) / entry for LONG, (entry - exit) / entry for SHORT, in per cent, before fees. */
function moveInFavour(side: Side, entryPrice: number, exitPrice: number): number {
  const move = new Exact(exitPrice).minus(entryPrice).div(entryPrice).times(100);
  return (side === 'LONG' ? move : move.neg()).toNumber();
}

/** Both known and not the same. A null says nothing. */
function differ<T>(known: T | null, other: T | null): boolean {
  return known !== null && other !== null && known !== other;
}
