import type { VenueStops } from '../../../ports/venue.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { causeOf } from './order-cause.ts';
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
      const price = order.triggerPrice ?? order.stopLossPrice ?? order.takeProfitPrice;
      return price !== null && new Exact(price).gt(0) && causeOf(order) === cause ? [new Exact(price)] : [];
    });
  const first = (found: readonly Exact[], highest: boolean): string | null =>
    found.length === 0 ? null : toText(highest ? Exact.max(...found) : Exact.min(...found));
  return {
    stopPrice: first(prices('STOP'), side === 'LONG'),
    takeProfitPrice: first(prices('TAKE_PROFIT'), side === 'SHORT'),
  };
}

/** An order that might as well open another position is no stop of this one. */
function wouldClose({ side: direction, reduceOnly, info }: UnifiedOrder, side: Side): boolean {
  if (direction !== (side === 'LONG' ? 'sell' : 'buy')) return false;
  const named = positionSideOf(info);
  if (named !== null) return named === side;
  return reduceOnly === true || info['closePosition'] === true || info['closePosition'] === 'true';
}
