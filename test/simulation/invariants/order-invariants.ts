/** What has to be true of orders and trades, by the exchange's own books. */
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { AccountFill } from '../exchange/account-ledger.ts';
import { type Evidence, type Invariant, WORKED_OFF_WITHIN_MS, placesOf } from './evidence.ts';

import { wasSeen } from './position-invariants.ts';

/** What the exchange did in the last minutes may not be on record yet. Unit: milliseconds. */
const RECORDED_WITHIN_MS = 15 * 60_000;

/** Sums of costs are of doubles. Unit: quote currency. */
const COST_ERROR = 1e-6;

const TERMINAL: ReadonlySet<string> = new Set(['FILLED', 'SUPPRESSED', 'REJECTED', 'UNKNOWN']);

export const ORDER_INVARIANTS = [
  {
    name: 'one_order_an_id',
    says: 'No order is sent twice, and none that was not announced.',
    *breaches(evidence) {
      const announced = new Set(
        evidence
          .good(TOPICS.executionReport.name)
          .filter(({ status }) => status === 'SUBMITTED')
          .map((report) => report.client_order_id),
      );
      const sent = new Set<string>();
      for (const { clientOrderId } of evidence.ledger.received) {
        if (!announced.has(clientOrderId)) yield `${clientOrderId} was sent, and is announced nowhere`;
        if (sent.has(clientOrderId)) yield `${clientOrderId} was sent again`;
        sent.add(clientOrderId);
      }
    },
  },
  {
    name: 'within_the_intent',
    says: 'The orders of an intent fill no more than it was sized to.',
    *breaches(evidence) {
      const sized = new Map<string, { readonly orders: Set<string>; quantity: number }>();
      for (const { intent_id, client_order_id, rounded_quantity } of evidence.good(TOPICS.executionReport.name)) {
        const one = sized.get(intent_id) ?? { orders: new Set<string>(), quantity: 0 };
        one.orders.add(client_order_id);
        one.quantity = Math.max(one.quantity, rounded_quantity);
        sized.set(intent_id, one);
      }
      const filled = Map.groupBy(evidence.ledger.fills, ({ order }) => String(order.clientOrderId));
      for (const [intent, { orders, quantity }] of sized) {
        const total = quantityOf([...orders].flatMap((id) => filled.get(id) ?? []));
        if (total.gt(quantity)) yield `${intent} was sized to ${quantity}, and ${total.toString()} filled`;
      }
    },
  },
  {
    name: 'intents_end',
    says: 'Every intent has one end on record.',
    *breaches(evidence) {
      const ends = new Map<string, Set<string>>();
      for (const { intent_id, status } of evidence.good(TOPICS.executionReport.name)) {
        if (!TERMINAL.has(status)) continue;
        ends.set(intent_id, (ends.get(intent_id) ?? new Set()).add(status));
      }
      const letters = placesOf(evidence.letters(TOPICS.harvestIntent.name));
      for (const { record, at } of evidence.sorted(TOPICS.harvestIntent.name).good) {
        const { intent_id } = record;
        const found = ends.get(intent_id);
        const isDue =
          at.timestamp < evidence.endedAt - WORKED_OFF_WITHIN_MS && !letters.has(`${at.partition}:${at.offset}`);
        if (found === undefined && isDue) yield `${intent_id} has no end`;
        else if (found !== undefined && found.size > 1) yield `${intent_id} ended as ${[...found].join(' and ')}`;
      }
    },
  },
  {
    name: 'fills_are_recorded_once',
    says: 'What the exchange closed is what the trades say, order by order.',
    *breaches(evidence) {
      const recorded = new Map<string, Exact>();
      const seen = new Set<string>();
      for (const { trade_id, order_id, quantity, origin } of evidence.good(TOPICS.tradeClosed.name)) {
        if (seen.has(trade_id) || order_id === null || origin === 'BACKFILL') continue;
        seen.add(trade_id);
        recorded.set(order_id, (recorded.get(order_id) ?? new Exact(0)).add(quantity));
      }
      for (const [orderId, fills] of reducingFills(evidence, evidence.endedAt - RECORDED_WITHIN_MS)) {
        const closed = quantityOf(fills);
        const found = recorded.get(orderId) ?? new Exact(0);
        if (found.eq(closed) || !isKnown(fills, evidence)) continue;
        yield `${describe(fills)}: ${closed.toString()} closed, ${found.toString()} recorded`;
      }
      const all = reducingFills(evidence, Infinity);
      for (const orderId of recorded.keys()) if (!all.has(orderId)) yield `trades of ${orderId}, which closed nothing`;
    },
  },
  {
    name: 'fees_add_up',
    says: 'The fees of a trade are those that the exchange charged for its order.',
    *breaches(evidence) {
      const seen = new Set<string>();
      const paid = new Map<string, number | null>();
      for (const { trade_id, order_id, fee_quote } of evidence.good(TOPICS.tradeClosed.name)) {
        if (seen.has(trade_id) || order_id === null) continue;
        seen.add(trade_id);
        const before = paid.get(order_id);
        paid.set(order_id, before === null || fee_quote === null ? null : (before ?? 0) + fee_quote);
      }
      for (const [orderId, fills] of reducingFills(evidence, evidence.endedAt - RECORDED_WITHIN_MS)) {
        const charged = fills.reduce((sum, { feeQuote }) => sum + Number(feeQuote), 0);
        const found = paid.get(orderId);
        if (found === undefined || found === null || Math.abs(found - charged) <= COST_ERROR) continue;
        yield `${orderId}: the exchange charged ${charged}, the trades say ${found}`;
      }
    },
  },
  {
    name: 'no_order_when_halted',
    says: 'Between an acknowledged halt and the next resume no order arrives, unless too late for the exchange to take it.',
    *breaches({ ledger, halted, endedAt }) {
      for (const { from, until } of halted) {
        for (const { clientOrderId, receivedAt, host, refused } of ledger.received) {
          // Beyond the window that it was sent with: nobody on the way can call it back, and nothing comes of it.
          if (refused === 'clock') continue;
          if (receivedAt > from && receivedAt < (until ?? endedAt))
            yield `${clientOrderId} of ${host} arrived ${receivedAt - from} ms after a halt was acknowledged`;
        }
      }
    },
  },
] as const satisfies readonly Invariant[];

/** The fills until then that made a position smaller, by order. */
function reducingFills({ ledger }: Evidence, until: EpochMillis): Map<string, AccountFill[]> {
  const fills = ledger.fills.filter(({ order, fill }) => order.reduces && fill.filledAt <= until);
  return Map.groupBy(fills, ({ order }) => String(order.orderId));
}

/** Whether the position of an order was ever observed. */
function isKnown([first]: readonly AccountFill[], evidence: Evidence): boolean {
  if (first === undefined) return false;
  const { symbol, side, fill } = first;
  const opening = evidence.ledger.handMade.findLast(
    (made) => made.what === 'opened' && made.symbol === symbol && made.side === side && made.at <= fill.filledAt,
  );
  return wasSeen(evidence, symbol, side, opening?.at ?? 0, fill.filledAt);
}

function describe(fills: readonly AccountFill[]): string {
  const [first] = fills;
  if (first === undefined) return 'no fill';
  const { symbol, side, order, fill } = first;
  return `${symbol} ${side} ${order.cause} order ${order.orderId} (${order.clientOrderId ?? 'no client id'}) at ${fill.filledAt}`;
}

function quantityOf(fills: readonly AccountFill[]): Exact {
  return fills.reduce((sum, { fill }) => sum.add(fill.quantity), new Exact(0));
}
