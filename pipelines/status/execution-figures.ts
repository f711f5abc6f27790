import { type Alert, EVIDENCE_REPORTS, type UnknownReport, unknownReportsAlert } from '../alerts/alerts.ts';
import { OrderAlerts } from '../watch/order-alerts.ts';
import type { StallWatch } from '../watch/stall-watch.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { ClientOrderId, EpochMillis, ExecutionReport, ExecutionStatus } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LeftBehind } from './left-behind.ts';
import { OrderCosts } from './order-costs.ts';
import { type Ends, type ReadableTopics, visitTopic } from '../runtime/read-topic.ts';
import { OpenOrders } from './venue-figures.ts';

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
