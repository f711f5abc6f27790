import { type Alert, EVIDENCE_REPORTS, type UnknownReport, unknownReportsAlert } from '../alerts/alerts.ts';
import { OrderAlerts } from '../watch/order-alerts.ts';
import type { StallWatch } from '../watch/stall-watch.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionReport,
  ExecutionStatus,
  OrderStyle,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type LeftBehind, OpenOrders } from './venue-figures.ts';
import { type Ends, type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** A report of status UNKNOWN. */
export interface Doubt extends UnknownReport {
  readonly at: EpochMillis;
}

/** Reads execution.report once: counts, doubts, open orders, and what is to be raised of them; trades are still to be told of. */
export async function executionFigures(
  world: ReadableTopics,
  stalls: StallWatch,
  left: LeftBehind,
  ends: Ends | undefined,
) {
  const reports: Record<ExecutionStatus, number> = { SUBMITTED: 0, FILLED: 0, SUPPRESSED: 0, REJECTED: 0, UNKNOWN: 0 };
  const suppressed = new Map<string, number>();
  const doubts = new Map<ClientOrderId, Doubt>();
  const openOrders = new OpenOrders();
  const orders = new OrderAlerts();
  const costs = new OrderCosts();
  const visit = (report: ExecutionReport, { timestamp: at }: LogRecord): void => {
    const { status, reason, intent_id, client_order_id } = report;
    reports[status] += 1;
    costs.add(report);
    openOrders.add(report, at);
    orders.report(report, at);
    stalls.report(report, at);
    left.report(report);
    if (status === 'SUPPRESSED') suppressed.set(reason, (suppressed.get(reason) ?? 0) + 1);
    if (status === 'UNKNOWN') doubts.set(client_order_id, { intent_id, client_order_id, at });
  };
  const undecodable = await visitTopic(world, TOPICS.executionReport.name, { ends }, visit);
  return { reports, suppressed, undecodable, doubts, openOrders, orders, costs };
}

/** The doubts that are left: one that turned out to be filled has its trade, and is none any more. */
export function doubtsAlert(doubts: ReadonlyMap<ClientOrderId, Doubt>): Alert | null {
  const oldestFirst = [...doubts.values()].toSorted((one, other) => one.at - other.at);
  return unknownReportsAlert({
    count: doubts.size,
    since: oldestFirst[0]?.at ?? null,
    latest: oldestFirst.slice(-EVIDENCE_REPORTS),
  });
}

/** What orders of one style have filled, and what that cost against the mark at their decisions. */
export interface OrderCost {
  /** Intents of which something was filled. */
  readonly fills: number;
  /** Unit: quote currency. */
  readonly filled_quote: number;
  /** Positive is what was lost. Unit: quote currency. */
  readonly slippage_quote: number;
  /** The same over all that was filled, at its marks. Unit: basis points. */
  readonly slippage_bps: number;
}

interface Sums {
  fills: number;
  filled: number;
  atMarks: number;
  slippage: number;
}

/** Adds up what reports tell of slippage, by the style of their last order. Older ones tell nothing of it. */
export class OrderCosts {
  readonly #sums = new Map<OrderStyle, Sums>();

  add({
    status,
    order_style: style,
    filled_quantity,
    average_price,
    mark_price,
    slippage_quote,
  }: ExecutionReport): void {
    if (status !== 'FILLED' || style === null || average_price === null) return;
    if (mark_price === null || slippage_quote === null) return;
    const sums = this.#sums.get(style) ?? { fills: 0, filled: 0, atMarks: 0, slippage: 0 };
    this.#sums.set(style, sums);
    sums.fills += 1;
    sums.filled += filled_quantity * average_price;
    sums.atMarks += filled_quantity * mark_price;
    sums.slippage += slippage_quote;
  }

  /** Styles without a fill are absent. */
  byStyle(): Readonly<Partial<Record<OrderStyle, OrderCost>>> {
    return Object.fromEntries(
      [...this.#sums]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([style, { fills, filled, atMarks, slippage }]) => [
          style,
          {
            fills,
            filled_quote: filled,
            slippage_quote: slippage,
            slippage_bps: (slippage / atMarks) * BASIS_POINTS,
          },
        ]),
    );
  }
}

const BASIS_POINTS = 10_000;

/** One line a style, for people. */
export function orderCostLines(costs: Readonly<Partial<Record<OrderStyle, OrderCost>>>): readonly string[] {
  return Object.entries(costs).map(([style, { fills, filled_quote, slippage_quote, slippage_bps }]) => {
    const worse = `${slippage_bps.toFixed(1)} bps (${slippage_quote.toFixed(2)}) against the mark`;
    return `${style}: ${fills} fills of ${Math.round(filled_quote).toLocaleString('en')}, ${worse}`;
  });
}
