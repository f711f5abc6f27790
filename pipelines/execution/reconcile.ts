import type { Exchange, PositionReference } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ClientOrderId, PositionReconciled, Reduction } from '../../schemas/generated/records.ts';
import { chargesOf, fillOf, withCosts } from './costs.ts';
import type { Ledger, OrderFate } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import type { OrderResolver } from './resolve.ts';
import type { Outbox } from './outbox.ts';
import { clearResting, closedSideOf } from './resting.ts';
import { externalTradeOf } from './trades.ts';

/**
 * Reconciles the fills that the venue shows with the reports and trades of our orders (EXE-10).
 *
 * EXE-42  A fill of an order of ours belongs to that order's trade, if it can have one: an order without an end is resolved first.
 * EXE-43  Any other fill becomes a trade of its own, once.
 * EXE-44  Where the venue shows a fill of an UNKNOWN order and still does not say how the order ended, the fills decide: each becomes a trade of
 *         its own, and the order counts as resolved. A venue that never answers for one order must not hold up a partition.
 * EXE-45  A fill whose order the venue does not name (no client id, and no report names its order id) is assigned to an UNKNOWN order of its
 *         position, where there is one: as a fill by others it would be counted again when that order is resolved.
 */
export async function reconcile(
  reconciled: PositionReconciled,
  ledger: Ledger,
  outbox: Outbox,
  resolver: OrderResolver,
  { exchange, logger, limits }: ReconcilingDesk,
): Promise<void> {
  for (const reduction of reconciled.reductions) {
    const { fate, clientOrderId } = await fateOf(reconciled, reduction, ledger, outbox, resolver);
    if (fate === 'traded') continue;
    const late = fate !== 'foreign';
    const trade = externalTradeOf(reconciled, { ...reduction, client_order_id: clientOrderId }, late);
    if (ledger.hasExternal(trade.trade_id)) continue;
    // EXE-44: an order of ours has closed it.
    if (late && trade.remaining_quantity === 0) {
      const { leaveResting } = limits;
      await clearResting(closedSideOf(trade), { exchange, logger, leaveResting });
    }
    const reference = referenceOf(reconciled, reduction);
    const charges = await chargesOf(exchange, reference);
    outbox.addExternalTrade(withCosts(trade, fillOf(reduction), charges));
    const { trade_id, position_id, exit_reason, quantity, remaining_quantity, client_order_id } = trade;
    const context = { trade_id, position_id, exit_reason, quantity, remaining_quantity, client_order_id };
    if (late) logger.error(context, 'an order that was reported as not filled has a fill');
    else logger.warn(context, 'a position was reduced by somebody else');
  }
}

interface ReconcilingDesk {
  readonly exchange: Exchange;
  readonly logger: Logger;
  readonly limits: Pick<ExecutionLimits, 'leaveResting'>;
}

function referenceOf({ account, symbol, reconciled_at }: PositionReconciled, reduction: Reduction): PositionReference {
  const { position_id, side, opened_at, quantity, entry_price, price } = reduction;
  return {
    position_id,
    account,
    symbol,
    side,
    opened_at,
    observed_at: reconciled_at,
    quantity,
    entry_price,
    mark_price: price,
  };
}

interface Fate {
  /** `open`: its intent is gone from the log, so it can have no trade. */
  readonly fate: OrderFate;
  /** Null: the order has none, or it is not known. */
  readonly clientOrderId: ClientOrderId | null;
}

/** What became of the order of a fill, after the venue was asked. */
async function fateOf(
  { account, symbol }: PositionReconciled,
  { position_id: positionId, client_order_id, order_id }: Reduction,
  ledger: Ledger,
  outbox: Outbox,
  resolver: OrderResolver,
): Promise<Fate> {
  const order = { symbol, client_order_id, order_id };
  if (ledger.fateOf(order) === 'open') {
    // Only this account and symbol: the orders of others are being worked at the same time (EXE-8).
    const own = ledger.openOrders().filter(({ report }) => report.account === account && report.symbol === symbol);
    await resolver.resolveOpen(own, outbox);
  }
  const isNameless = (): boolean => client_order_id === null && ledger.fateOf(order) === 'foreign';
  if (ledger.fateOf(order) === 'unresolved' || (isNameless() && ledger.unresolved(positionId).length > 0)) {
    await resolver.resolveEarlier(positionId, ledger, outbox);
  }
  // EXE-44, EXE-45.
  const doubted = ledger.pending(order) ?? (isNameless() ? ledger.unresolved(positionId)[0] : undefined);
  if (doubted === undefined) return { fate: ledger.fateOf(order), clientOrderId: client_order_id };
  const { client_order_id: clientOrderId } = doubted.report;
  ledger.resolved(positionId, clientOrderId, 'unfilled');
  return { fate: 'unfilled', clientOrderId };
}
