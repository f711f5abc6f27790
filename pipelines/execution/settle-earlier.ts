import type { Clock } from '../../ports/clock.ts';
import type { Exchange, LookUp, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ExecutionReport, HarvestIntent, PositionId } from '../../schemas/generated/records.ts';
import { chargesOf, fillsOf, withCosts } from './costs.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { Suppression } from './reasons.ts';
import { mayRest } from './order-plan.ts';
import { remainingAfter, unsaid } from './remaining.ts';
import { clearResting, closedSideOf } from './resting.ts';
import { datedOrder, isFilled, isNoRecord, tradeOf } from './trades.ts';

/** Who is asked, and for which orders it can answer. */
export interface EarlierVenue {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leaveResting: boolean;
  readonly isOwn: (report: ExecutionReport) => Promise<boolean>;
}

/**
 * Asks once more, before a position is touched again, for its orders that were reported UNKNOWN. A fill that shows up
 * gets its trade; its report stays what it was (E5). Returns why the position must still be left alone, null when all is
 * settled.
 */
export async function settleEarlier(
  positionId: PositionId,
  { exchange, clock, logger, leaveResting, isOwn }: EarlierVenue,
  ledger: Ledger,
  outbox: Outbox,
): Promise<Suppression | null> {
  for (const { report, intent } of ledger.unsettled(positionId)) {
    const { client_order_id: clientOrderId, venue, account } = report;
    // O1.
    if (!(await isOwn(report))) return unsettled(`${clientOrderId} was sent to ${venue} for ${account}`);
    const context = { position_id: positionId, intent_id: report.intent_id, client_order_id: clientOrderId };
    const answer = await endedOrNot(exchange, report);
    if (answer.kind === 'unavailable') return unsettled(`${clientOrderId}: ${answer.message}`);
    if (answer.kind === 'found') {
      const { order } = answer;
      if (order.state === 'OPEN') return unsettled(`${clientOrderId} is still open`);
      try {
        const doubt = await bookFill(order, report, intent, { exchange, clock, logger, leaveResting }, outbox);
        if (doubt !== null) return unsettled(`${clientOrderId} ${doubt}`);
      } catch (thrown) {
        // It was set aside for this; nothing has changed since.
        if (!isNoRecord(thrown)) throw thrown;
        return unsettled(`${clientOrderId} cannot be recorded: ${thrown.message}`);
      }
    }
    ledger.settled(positionId, clientOrderId, 'unfilled');
    logger.warn({ ...context, answer: answer.kind }, 'an UNKNOWN order is settled');
  }
  return null;
}

/** An order that rests would hold up its position for as long as it does. */
async function endedOrNot(exchange: Exchange, report: ExecutionReport): Promise<LookUp> {
  const { client_order_id: clientOrderId, symbol } = report;
  const answer = await exchange.lookUp(clientOrderId, symbol);
  if (answer.kind !== 'found' || answer.order.state !== 'OPEN' || !mayRest(report)) return answer;
  await exchange.cancel(clientOrderId, symbol);
  return exchange.lookUp(clientOrderId, symbol);
}

/** Adds the trade of what is filled. Returns why it cannot, null where it is added or nothing is filled. */
async function bookFill(
  order: VenueOrder,
  report: ExecutionReport,
  intent: HarvestIntent | null,
  { exchange, clock, logger, leaveResting }: Omit<EarlierVenue, 'isOwn'>,
  outbox: Outbox,
): Promise<string | null> {
  if (!isFilled(order)) return null;
  if (intent === null) {
    const { position_id, intent_id, client_order_id } = report;
    const context = { position_id, intent_id, client_order_id };
    logger.error(context, 'an UNKNOWN order was filled, but its intent is gone from the log: no trade to record');
    return 'was filled, and its intent is gone from the log';
  }
  const remaining = await remainingAfter(order, report, intent, exchange, clock.now());
  if (remaining === null) return `was filled: ${unsaid(order, intent)}`;
  const dated = datedOrder(order, clock.now()).order;
  const trade = tradeOf(intent, exchange.venue, dated, remaining, report.client_order_id);
  // RS2: the report stays what it was, so this is told in the log only.
  if (trade.remaining_quantity === 0) await clearResting(closedSideOf(trade), { exchange, logger, leaveResting });
  outbox.addTrade(withCosts(trade, fillsOf(order), await chargesOf(exchange, intent)), report);
  return null;
}

function unsettled(detail: string): Suppression {
  return { reason: 'UNSETTLED_ORDER', detail };
}
