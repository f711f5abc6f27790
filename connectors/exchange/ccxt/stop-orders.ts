import type { VenueStops } from '../../../ports/venue.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { kindOf } from './order-cause.ts';
import { positionSideOf } from './read-fills.ts';
import type { UnifiedOrder } from './unified.ts';

/**
 * Where the stop and the target of one side stand, among the conditional orders that are open. Of several the one that would be
 * hit first counts: the highest stop and the lowest target of a LONG, the other way round for a SHORT.
 */
export function stopsOf(orders: readonly UnifiedOrder[], side: Side): VenueStops {
  const closing = orders.filter((order) => wouldClose(order, side));
  const prices = (cause: 'STOP' | 'TAKE_PROFIT'): readonly Exact[] =>
    closing.flatMap((order) => {
      const price = priceOf(order, cause);
      return price !== null && new Exact(price).gt(0) ? [new Exact(price)] : [];
    });
  const first = (found: readonly Exact[], highest: boolean): string | null =>
    found.length === 0 ? null : toText(highest ? Exact.max(...found) : Exact.min(...found));
  return {
    stopPrice: first(prices('STOP'), side === 'LONG'),
    takeProfitPrice: first(prices('TAKE_PROFIT'), side === 'SHORT'),
  };
}

/** At which an order would be hit as a stop, or as a target. One order may be both: the first to be hit cancels the other. */
function priceOf(order: UnifiedOrder, cause: 'STOP' | 'TAKE_PROFIT'): string | null {
  const { triggerPrice, stopLossPrice, takeProfitPrice } = order;
  if (stopLossPrice !== null && takeProfitPrice !== null) return cause === 'STOP' ? stopLossPrice : takeProfitPrice;
  return kindOf(order) === cause ? (triggerPrice ?? stopLossPrice ?? takeProfitPrice) : null;
}

/** An order that might as well open another position is no stop of this one. */
function wouldClose({ side: direction, reduceOnly, info }: UnifiedOrder, side: Side): boolean {
  if (direction !== (side === 'LONG' ? 'sell' : 'buy')) return false;
  const named = positionSideOf(info);
  if (named !== null) return named === side;
  return reduceOnly === true || info['closePosition'] === true || info['closePosition'] === 'true';
}
