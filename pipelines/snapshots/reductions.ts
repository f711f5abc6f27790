import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText } from '../../ports/exchange.ts';
import type { OrderOrigin } from '../../ports/venue.ts';
import type { PositionSnapshot, Reduction, Side } from '../../schemas/generated/records.ts';
import type { Opening, ReducingFill } from '../../ports/lifecycles.ts';
import type { Identity, Memory } from './snapshot.ts';

export interface ReductionParts {
  readonly identity: Identity;
  readonly side: Side;
  readonly memory: Memory;
  readonly last: PositionSnapshot | null;
  readonly reducing: ReducingFill;
  readonly opening: Opening | null;
  /** Null: the venue knows the order no more. */
  readonly origin: OrderOrigin | null;
}

/**
 * One fill as the record of what it took from a position. The entry price is the venue's own as last observed, unless the
 * position grew since: then it is what its fills say.
 */
export function reductionOf({ identity, side, memory, last, reducing, opening, origin }: ReductionParts): Reduction {
  const { fill, quantity, fee, remaining } = reducing;
  const grown = last === null || (opening !== null && opening.grownAt > last.observed_at);
  const entryPrice = grown ? opening?.entryPrice.toNumber() : last.entry_price;
  if (entryPrice === undefined) throw new TypeError(`fill ${fill.fillId} reduces a position that nothing opened`);
  return {
    position_id: identity.position_id,
    side,
    opened_at: identity.opened_at,
    entry_price: entryPrice,
    initial_stop_price: memory.initial_stop_price,
    peak_price: memory.peak_price,
    worst_price: memory.worst_price,
    regime_at_entry: memory.regime_at_entry,
    confidence_at_entry: memory.confidence_at_entry,
    model_id: memory.model_id,
    fill_id: fill.fillId,
    order_id: fill.orderId,
    client_order_id: origin?.clientOrderId ?? null,
    cause: origin?.cause ?? 'ORDER',
    quantity: quantity.toNumber(),
    price: Number(fill.price),
    fee_quote: fee?.toNumber() ?? null,
    fee_asset: fill.feeAsset,
    fee_amount: fill.feeAmount === null ? null : partOf(fill.feeAmount, quantity, fill.quantity),
    remaining_quantity: remaining.toNumber(),
    closed_at: fill.filledAt,
  };
}

/** In proportion: a fill that also opened the other side was charged once. */
function partOf(amount: DecimalText, quantity: Exact, whole: DecimalText): number {
  return new Exact(amount).mul(quantity).div(whole).toNumber();
}
