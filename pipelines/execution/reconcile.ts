import type { Logger } from '../../ports/logger.ts';
import type { PositionReconciled, Reduction } from '../../schemas/generated/records.ts';
import { externalTradeOf } from './external-trade.ts';
import type { Ledger, OrderFate } from './ledger.ts';
import type { OrderEnds } from './order-ends.ts';
import type { Outbox } from './outbox.ts';

/**
 * Fills at the venue against what orders of ours have reported (E10).
 *
 * F1  A fill of an order of ours is in the trade of that order, if one can be made: an order without an end is asked for first.
 * F2  Any other fill is a trade of its own, once.
 * F3  Where the venue shows a fill of an UNKNOWN order and still does not say how the order ended, the fills are its truth: each is
 *     a trade of its own from then on, and the doubt is over. A venue that never answers for one order must not hold up a partition.
 * F4  While a fill without a name may belong to an UNKNOWN order, it waits: throws EXCHANGE_AWAY. Taking it for somebody else's
 *     would count it twice.
 */
export async function reconcile(
  reconciled: PositionReconciled,
  ledger: Ledger,
  outbox: Outbox,
  ends: OrderEnds,
  logger: Logger,
): Promise<void> {
  for (const reduction of reconciled.reductions) {
    const fate = await fateOf(reconciled, reduction, ledger, outbox, ends);
    if (fate === 'traded') continue;
    const late = fate !== 'foreign';
    const trade = externalTradeOf(reconciled, reduction, late);
    if (ledger.hasExternal(trade.trade_id)) continue;
    outbox.addExternalTrade(trade);
    const { trade_id, position_id, exit_reason, quantity, remaining_quantity, client_order_id } = trade;
    const context = { trade_id, position_id, exit_reason, quantity, remaining_quantity, client_order_id };
    if (late) logger.error(context, 'an order that was reported as not filled has a fill');
    else logger.warn(context, 'a position was reduced by somebody else');
  }
}

/** What became of the order of a fill, once the venue was asked. `open`: its intent is gone, and nobody can make its trade. */
async function fateOf(
  { symbol }: PositionReconciled,
  { position_id: positionId, client_order_id, order_id }: Reduction,
  ledger: Ledger,
  outbox: Outbox,
  ends: OrderEnds,
): Promise<OrderFate> {
  const order = { symbol, client_order_id, order_id };
  if (ledger.fateOf(order) === 'open') await ends.settleOpen(ledger, outbox);
  const isNameless = (): boolean => client_order_id === null && ledger.fateOf(order) === 'foreign';
  if (ledger.fateOf(order) === 'unsettled' || (isNameless() && ledger.unsettled(positionId).length > 0)) {
    await ends.settleEarlier(positionId, ledger, outbox);
  }
  const pending = ledger.pending(order);
  if (pending !== null) {
    // F3.
    ledger.settled(positionId, pending.report.client_order_id, 'unfilled');
    return 'unfilled';
  }
  // F4.
  const awaited = isNameless() ? ledger.unsettled(positionId).find(({ intent }) => intent !== null) : undefined;
  if (awaited !== undefined) throw ends.away(awaited.report);
  return ledger.fateOf(order);
}
