import type { EpochMillis } from '../../ports/clock.ts';
import { Exact, toText } from '../../ports/exact-decimal.ts';
import type { DecimalText } from '../../ports/exchange.ts';
import type { RestingOrder } from '../../ports/resting.ts';
import type { RestingOrder as RestingRecord, Side } from '../../schemas/generated/records.ts';

/** A stop that is placed so soon after the opening is the one the position was opened with. Unit: milliseconds. */
const OPENED_WITH_MS = 5 * 60 * 1000;

/** What the schema takes. Unit: orders. */
const MOST_RESTING = 500;

/** What rests for a position, as its snapshot has it. */
export function restingRecords(resting: readonly RestingOrder[]): readonly RestingRecord[] {
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
 * The stop that a position was opened with, among what rests; of several the one that would be hit first. A stop that was placed before the
 * opening is another position's that nobody has taken off, and one of which nobody knows when it was placed may be.
 */
export function openingStop(resting: readonly RestingOrder[], side: Side, openedAt: EpochMillis): DecimalText | null {
  const prices = resting.flatMap(({ kind, price, placedAt }) =>
    kind === 'STOP' && price !== null && isOfOpening(placedAt, openedAt) ? [price] : [],
  );
  if (prices.length === 0) return null;
  return toText(side === 'LONG' ? Exact.max(...prices) : Exact.min(...prices));
}

function isOfOpening(placedAt: EpochMillis | null, openedAt: EpochMillis): boolean {
  return placedAt !== null && placedAt >= openedAt && placedAt <= openedAt + OPENED_WITH_MS;
}

function numberOrNull(text: DecimalText | null): number | null {
  return text === null ? null : Number(text);
}
