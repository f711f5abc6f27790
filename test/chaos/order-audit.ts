import { Decimal } from 'decimal.js';
import type { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import type { PaperOrder } from '../../connectors/exchange/paper/paper-book.ts';
import type { ClientOrderId, ExecutionReport } from '../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../schemas/ids.ts';
import type { Contents } from '../cli/audit-data-folder.ts';

/**
 * Orders, reports and trades tell one story: an intent is sent at most once, and each filled order is one FILLED report and
 * one trade of the venue's quantity. A trade may lie on the topic twice, with one trade_id: at least once.
 */
export function orderViolations({ intents, reports, trades }: Contents, book: PaperExchange): string[] {
  const orders = new Map(Array.from(book.orders(), (order) => [order.clientOrderId, order]));
  const known = new Set(intents.map(({ intent_id }) => clientOrderIdOf(intent_id)));
  const traded = new Map(trades.map((trade) => [trade.trade_id, trade]));
  const violations: string[] = [];
  for (const id of orders.keys()) if (!known.has(id)) violations.push(`order ${id} belongs to no intent`);
  for (const [id, times] of sendings(reports)) {
    if (times.size > 1) violations.push(`order ${id} was sent at ${times.size} times`);
  }
  const filled = new Set<string>();
  for (const { status, client_order_id: id, filled_quantity } of reports) {
    if (status !== 'FILLED') continue;
    const trade = traded.get(tradeIdOf(id));
    filled.add(tradeIdOf(id));
    const placed = filledQuantity(orders.get(id));
    if (!placed.equals(filled_quantity) || trade?.quantity !== filled_quantity)
      violations.push(
        `order ${id} is FILLED with ${filled_quantity}, traded ${trade?.quantity}, at the venue ${placed.toFixed()}`,
      );
  }
  for (const id of traded.keys()) if (!filled.has(id)) violations.push(`trade ${id} has no FILLED report`);
  return violations;
}

/** Each order's announcements: every sending has one of its own, written before. */
function sendings(reports: readonly ExecutionReport[]): ReadonlyMap<ClientOrderId, ReadonlySet<number | null>> {
  const found = new Map<ClientOrderId, Set<number | null>>();
  for (const { status, client_order_id: id, submitted_at } of reports) {
    if (status !== 'SUBMITTED') continue;
    const times = found.get(id);
    if (times === undefined) found.set(id, new Set([submitted_at]));
    else times.add(submitted_at);
  }
  return found;
}

function filledQuantity(order: PaperOrder | undefined): Decimal {
  return Decimal.sum(0, ...(order?.fills ?? []).map(({ quantity }) => quantity));
}
