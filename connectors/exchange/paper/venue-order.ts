import type { EpochMillis } from '../../../ports/clock.ts';
import type { VenueOrder } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { PaperOrder } from './paper-book.ts';

/** What the venue says of an order at `now`: the fills whose time has come, and OPEN until its last one could be. */
export function venueOrderAt(order: PaperOrder, now: EpochMillis): VenueOrder {
  const fills = order.fills.filter((fill) => fill.filledAt <= now);
  const last = fills.at(-1);
  const filled = Exact.sum(0, ...fills.map((fill) => fill.quantity));
  const notional = Exact.sum(0, ...fills.map((fill) => new Exact(fill.quantity).mul(fill.price)));
  return {
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    state: now >= order.doneAt ? 'DONE' : 'OPEN',
    filledQuantity: toText(filled),
    averagePrice: last === undefined ? null : toText(notional.div(filled)),
    fee: last === undefined ? null : toText(Exact.sum(0, ...fills.map((fill) => fill.fee))),
    // The venue charges in the quote currency, whose name it does not know.
    feeAsset: null,
    feeAmount: null,
    positionAfter: last?.positionAfter ?? order.positionBefore,
    filledAt: last?.filledAt ?? order.placedAt,
  };
}
