/** What `status` reads of execution.report: counts, orders without an end, orders of unknown fate, and what fills cost. */
import { plural } from '../../render/figures.ts';
import type {
  ClientOrderId,
  EpochMillis,
  ExecutionReport,
  ExecutionStatus,
  IntentId,
  OrderStyle,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Alert, NAMED_IN_EVIDENCE, tailFrom } from '../alerts/alerts.ts';
import type { AccountWatermarks } from '../watch/account-watermarks.ts';
import { OrderAlerts } from '../watch/order-alerts.ts';

/** An order whose fate the venue could not tell: a report of status UNKNOWN. */
export interface UnknownOrder {
  readonly intent_id: IntentId;
  readonly client_order_id: ClientOrderId;
  readonly at: EpochMillis;
}

/** What the reports on execution.report come to. */
export class ExecutionFigures {
  readonly reports: Record<ExecutionStatus, number> = {
    SUBMITTED: 0,
    FILLED: 0,
    SUPPRESSED: 0,
    REJECTED: 0,
    UNKNOWN: 0,
  };
  readonly openOrders = new OpenOrders();
  readonly orders = new OrderAlerts();
  readonly costs = new OrderCosts();
  readonly #suppressed = new Map<string, number>();
  readonly #unknown = new Map<ClientOrderId, UnknownOrder>();
  /** Orders with a trade: an UNKNOWN that is read after it is none any more. */
  readonly #traded = new Set<ClientOrderId>();

  report(report: ExecutionReport, at: EpochMillis): void {
    const { status, reason, intent_id, client_order_id } = report;
    this.reports[status] += 1;
    this.costs.add(report);
    this.openOrders.add(report, at);
    this.orders.report(report, at);
    if (status === 'SUPPRESSED') this.#suppressed.set(reason, (this.#suppressed.get(reason) ?? 0) + 1);
    if (status === 'UNKNOWN' && !this.#traded.has(client_order_id))
      this.#unknown.set(client_order_id, { intent_id, client_order_id, at });
  }

  trade(trade: TradeClosed): void {
    const { client_order_id: id } = trade;
    if (id !== null) {
      this.#traded.add(id);
      this.#unknown.delete(id);
    }
    this.orders.trade(trade);
  }

  get suppressed(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#suppressed);
  }

  alerts(watermarks: AccountWatermarks): readonly (Alert | null)[] {
    return [unknownReportsAlert(this.#unknown), this.openOrders.alert(watermarks), ...this.orders.alerts()];
  }
}

/** An order of unknown fate may be filled, and nobody counts it. One is one too many. `unknown`: those without a trade. */
export function unknownReportsAlert(unknown: ReadonlyMap<ClientOrderId, UnknownOrder>): Alert | null {
  const oldestFirst = [...unknown.values()].toSorted((one, other) => one.at - other.at);
  const [oldest] = oldestFirst;
  if (oldest === undefined) return null;
  const count = oldestFirst.length;
  const named = oldestFirst
    .slice(-NAMED_IN_EVIDENCE)
    .map(({ intent_id, client_order_id }) => `intent ${intent_id} order ${client_order_id}`)
    .join(', ');
  return {
    name: 'unknown_reports',
    since: oldest.at,
    evidence: `${count} UNKNOWN ${count === 1 ? 'report' : 'reports'}, the latest: ${named}. Ask the venue for these orders.`,
    next: tailFrom(TOPICS.executionReport.name, oldest.at),
  };
}

/** Far above the 10 s that it takes to resolve an in-flight order. Unit: milliseconds. */
const OPEN_ORDER_SPAN_MS = 60_000;

/** Orders that were announced and have no end yet. Expects the reports in log order. */
export class OpenOrders {
  readonly #announced = new Map<IntentId, { readonly at: EpochMillis; readonly account: string }>();
  readonly #ended = new Set<IntentId>();

  add({ intent_id, status, account }: ExecutionReport, at: EpochMillis): void {
    if (status !== 'SUBMITTED') {
      this.#announced.delete(intent_id);
      this.#ended.add(intent_id);
    } else if (!this.#ended.has(intent_id)) this.#announced.set(intent_id, { at, account });
  }

  get count(): number {
    return this.#announced.size;
  }

  /** Raised where an order has no end for a minute of its account's time: execution is not running, or cannot go on. */
  alert(watermarks: AccountWatermarks): Alert | null {
    const waits = [...this.#announced.values()].map(({ at, account }) => ({
      at,
      waitsMs: watermarks.of(account) - at,
    }));
    const [longest] = waits.toSorted((one, other) => other.waitsMs - one.waitsMs);
    if (longest === undefined || longest.waitsMs <= OPEN_ORDER_SPAN_MS) return null;
    const orders = this.count === 1 ? '1 order was announced and has' : `${this.count} orders were announced and have`;
    return {
      name: 'open_orders',
      since: longest.at,
      evidence: `${orders} no end: see that execution runs, it asks the venue when it starts.`,
      next: tailFrom(TOPICS.executionReport.name, longest.at),
    };
  }
}

/** What orders of one style have filled, and what that cost against the mark price at their decisions. */
interface OrderCost {
  /** Intents of which something was filled. */
  readonly fills: number;
  /** Unit: quote currency. */
  readonly filled_quote: number;
  /** Positive is a loss. Unit: quote currency. */
  readonly slippage_quote: number;
  /** Relative to what was filled, at its mark prices. Unit: basis points. */
  readonly slippage_bps: number;
}

export type OrderCostsByStyle = Readonly<Partial<Record<OrderStyle, OrderCost>>>;

const BASIS_POINTS = 10_000;

/** Adds up the slippage of fills, by the style of their last order. Reports of earlier versions have no slippage and are left out. */
export class OrderCosts {
  readonly #sums = new Map<OrderStyle, { fills: number; filled: number; atMarks: number; slippage: number }>();

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
  byStyle(): OrderCostsByStyle {
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

/** One line for each style, for people. */
export function orderCostLines(costs: OrderCostsByStyle): readonly string[] {
  return Object.entries(costs).map(([style, { fills, filled_quote, slippage_quote, slippage_bps }]) => {
    const worse = `${slippage_bps.toFixed(1)} bps (${slippage_quote.toFixed(2)}) against the mark`;
    return `${style}: ${plural(fills, 'fill')} of ${Math.round(filled_quote).toLocaleString('en')}, ${worse}`;
  });
}
