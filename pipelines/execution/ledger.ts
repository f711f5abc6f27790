import type { EpochMillis } from '../../ports/clock.ts';
import type {
  ClientOrderId,
  ExecutionReport,
  HarvestIntent,
  IntentId,
  OrderId,
  PositionId,
  TradeClosed,
  TradeId,
} from '../../schemas/generated/records.ts';
import { AHEAD_MS } from '../../schemas/time-bound.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Replay } from '../processor.ts';
import type { CloseRate, Refusals } from './limits.ts';
import { isRefusal } from './reasons.ts';

/** What became of an order: no end yet, an UNKNOWN one, one with a trade, one without a fill, or none of ours. */
export type OrderFate = 'open' | 'unsettled' | 'traded' | 'unfilled' | 'foreign';

/** What a fill says of its order. */
export interface OrderNames {
  readonly symbol: string;
  readonly client_order_id: ClientOrderId | null;
  /** The venue's own id: unique for the symbol, no further. */
  readonly order_id: OrderId;
}

/** An order without an end, or whose end was UNKNOWN when it was reported. */
export interface UnsettledOrder {
  readonly report: ExecutionReport;
  /** What its trade would be made from; null when the log no longer holds it. */
  readonly intent: HarvestIntent | null;
}

/** A partial close, and when its end was reported. */
interface LastPartial {
  readonly intentId: IntentId;
  readonly reportedAt: EpochMillis;
}

/**
 * Where every intent stands, from the reports on it in log order. Pure: the same reports give the same ledger.
 *
 * D1  An intent is new, submitted (SUBMITTED without an end) or finished (any other report); finished is for ever.
 * D2  A position's unsettled orders are its UNKNOWN reports until `settled` names their order.
 * D3  A position's last partial close is its latest PARTIAL_CLOSE that was FILLED or UNKNOWN, until the position is flat. One whose
 *     observation is dated after the report of its end was dated by a wrong clock: when it was is not known.
 * D4  Of all intents only those are kept that D2 and D3 need, and those of orders that have no end yet.
 * D5  What became of an order is known by its client id and, where a report or trade names it, by the venue's; and which of the
 *     fills that were none of ours have their trade.
 * D6  A position's refusals are its REJECTED reports with a reason that is the venue's no to that order, since one that it took.
 * D7  Of an intent that led to several orders only the latest can be without an end: each is announced when the one before has ended, and
 *     what that filled is in the log by then. An order of it without a trade was not filled.
 */
export class Ledger {
  readonly #submitted = new Map<IntentId, ExecutionReport>();
  readonly #finished = new Set<IntentId>();
  readonly #unsettled = new Map<PositionId, ExecutionReport[]>();
  readonly #lastPartial = new Map<PositionId, LastPartial>();
  readonly #refusals = new Map<PositionId, Refusals>();
  readonly #intents = new Map<IntentId, HarvestIntent>();
  /** Orders that were sent and reported as not filled: REJECTED, or UNKNOWN and found unfilled later. */
  readonly #unfilled = new Set<ClientOrderId>();
  /** Every order that may have been sent. */
  readonly #orders = new Map<ClientOrderId, IntentId>();
  /** Orders of ours by symbol and the venue's id. */
  readonly #byVenueId = new Map<string, ClientOrderId>();
  /** Trades of fills that were none of our orders'. */
  readonly #external = new Set<TradeId>();
  /** Orders of ours that have their trade. */
  readonly #traded = new Set<ClientOrderId>();
  /** Orders of intents that led to several. */
  readonly #parts = new Set<ClientOrderId>();
  /** What the orders of an intent without an end have filled, in their order. */
  readonly #fills = new Map<IntentId, TradeClosed[]>();

  isFinished(intentId: IntentId): boolean {
    return this.#finished.has(intentId);
  }

  /** The SUBMITTED report of an order that has no end yet: of several orders of the intent the latest (D7). */
  submitted(intentId: IntentId): ExecutionReport | undefined {
    return this.#submitted.get(intentId);
  }

  /** The trades of the intent's orders, while it has no end (D7). */
  tradesOf(intentId: IntentId): readonly TradeClosed[] {
    return this.#fills.get(intentId) ?? [];
  }

  /** The orders that have no end yet, with their intents where the log still has them. */
  openOrders(): readonly UnsettledOrder[] {
    return [...this.#submitted.values()].map((report) => this.#withIntent(report));
  }

  /** `foreign`: the order is none of ours (D5). */
  fateOf(order: OrderNames): OrderFate {
    const clientOrderId = this.#ownId(order);
    const intentId = clientOrderId === null ? undefined : this.#orders.get(clientOrderId);
    if (clientOrderId === null || intentId === undefined) return 'foreign';
    if (this.#traded.has(clientOrderId)) return 'traded';
    if (this.#submitted.get(intentId)?.client_order_id === clientOrderId) return 'open';
    if (this.#unfilled.has(clientOrderId)) return 'unfilled';
    if (this.#unsettledOf(clientOrderId) !== undefined) return 'unsettled';
    return this.#parts.has(clientOrderId) ? 'unfilled' : 'traded';
  }

  /** The order whose fate is `open` or `unsettled`; null for any other. */
  pending(order: OrderNames): UnsettledOrder | null {
    const clientOrderId = this.#ownId(order);
    const intentId = clientOrderId === null ? undefined : this.#orders.get(clientOrderId);
    if (clientOrderId === null || intentId === undefined || this.#traded.has(clientOrderId)) return null;
    const submitted = this.#submitted.get(intentId);
    const report = submitted?.client_order_id === clientOrderId ? submitted : this.#unsettledOf(clientOrderId);
    return report === undefined ? null : this.#withIntent(report);
  }

  /** Whether a fill that was none of ours has its trade already. */
  hasExternal(tradeId: TradeId): boolean {
    return this.#external.has(tradeId);
  }

  /** A trade that is in the log, or is about to be. */
  traded(trade: TradeClosed): void {
    const { trade_id, position_id, symbol, client_order_id, order_id, intent_id, origin } = trade;
    // An import is nobody's fill.
    if (origin === 'BACKFILL') return;
    if (intent_id !== null && client_order_id !== null && order_id !== null)
      this.#byVenueId.set(placeOf(symbol, order_id), client_order_id);
    if (intent_id === null) {
      this.#external.add(trade_id);
      // A fill of an order of ours that is a trade of its own: no other trade of that order will be made.
      this.settled(position_id, client_order_id, 'unfilled');
      return;
    }
    if (client_order_id !== null) this.#traded.add(client_order_id);
    if (this.#submitted.has(intent_id)) {
      const others = this.tradesOf(intent_id).filter((other) => other.trade_id !== trade_id);
      this.#fills.set(intent_id, [...others, trade]);
    }
    this.settled(position_id, client_order_id, 'traded');
  }

  /** Orders of the position to ask for again, oldest first. */
  unsettled(positionId: PositionId): readonly UnsettledOrder[] {
    return (this.#unsettled.get(positionId) ?? []).map((report) => this.#withIntent(report));
  }

  /** When the position was observed for its last partial close (D3). */
  lastPartialObservedAt(positionId: PositionId): EpochMillis | null {
    const last = this.#lastPartial.get(positionId);
    const observedAt = last === undefined ? undefined : this.#intents.get(last.intentId)?.observed_at;
    if (last === undefined || observedAt === undefined) return null;
    return observedAt > last.reportedAt + AHEAD_MS ? null : observedAt;
  }

  /** Null where the venue took the position's last order, or there was none (D6). */
  refusals(positionId: PositionId): Refusals | null {
    return this.#refusals.get(positionId) ?? null;
  }

  apply(report: ExecutionReport): void {
    const { intent_id: intentId, position_id: positionId, status } = report;
    if (report.submitted_at !== null) this.#orders.set(report.client_order_id, intentId);
    if (report.order_id !== null) this.#byVenueId.set(placeOf(report.symbol, report.order_id), report.client_order_id);
    if (status === 'SUBMITTED') {
      const before = this.#submitted.get(intentId);
      if (before !== undefined && before.client_order_id !== report.client_order_id) {
        this.#parts.add(before.client_order_id).add(report.client_order_id);
      }
      if (!this.#finished.has(intentId)) this.#submitted.set(intentId, report);
      return;
    }
    if (this.#finished.has(intentId)) return;
    this.#finished.add(intentId);
    this.#submitted.delete(intentId);
    this.#fills.delete(intentId);
    if (status === 'REJECTED') this.#unfilled.add(report.client_order_id);
    this.#countRefusal(report);
    if (status === 'UNKNOWN') {
      const unsettled = this.#unsettled.get(positionId);
      if (unsettled === undefined) this.#unsettled.set(positionId, [report]);
      else unsettled.push(report);
    }
    if (report.action === 'PARTIAL_CLOSE' && (status === 'FILLED' || status === 'UNKNOWN')) {
      this.#replaceLastPartial(positionId, { intentId, reportedAt: report.reported_at });
    }
    if (report.remaining_quantity === 0) this.#replaceLastPartial(positionId, null);
    this.#forget(intentId, positionId);
  }

  /** D6. */
  #countRefusal({ position_id: positionId, status, reason, reported_at: latestAt }: ExecutionReport): void {
    if (isRefusal(reason)) {
      this.#refusals.set(positionId, { count: (this.#refusals.get(positionId)?.count ?? 0) + 1, latestAt });
    } else if (status === 'FILLED' || status === 'UNKNOWN') this.#refusals.delete(positionId);
  }

  /** The doubt about the order is over, one way or the other. */
  settled(positionId: PositionId, clientOrderId: ClientOrderId | null, how: 'traded' | 'unfilled'): void {
    const unsettled = this.#unsettled.get(positionId);
    const index = unsettled?.findIndex((report) => report.client_order_id === clientOrderId) ?? -1;
    if (unsettled === undefined || index < 0) return;
    const [report] = unsettled.splice(index, 1);
    if (how === 'unfilled' && clientOrderId !== null) this.#unfilled.add(clientOrderId);
    if (unsettled.length === 0) this.#unsettled.delete(positionId);
    if (report !== undefined) this.#forget(report.intent_id, positionId);
  }

  /** The intents of D4. */
  neededIntents(): Set<IntentId> {
    const needed = new Set(this.#submitted.keys());
    for (const { intentId } of this.#lastPartial.values()) needed.add(intentId);
    for (const reports of this.#unsettled.values()) for (const report of reports) needed.add(report.intent_id);
    return needed;
  }

  /** Keeps the intent if it is needed (D4). To be called after `apply` of its report. */
  remember(intent: HarvestIntent): void {
    if (this.#isNeeded(intent.intent_id, intent.position_id)) this.#intents.set(intent.intent_id, intent);
  }

  /** The client id of an order of ours; null for any other. */
  #ownId({ symbol, client_order_id: named, order_id }: OrderNames): ClientOrderId | null {
    return named !== null && this.#orders.has(named) ? named : (this.#byVenueId.get(placeOf(symbol, order_id)) ?? null);
  }

  #unsettledOf(clientOrderId: ClientOrderId): ExecutionReport | undefined {
    for (const reports of this.#unsettled.values()) {
      const found = reports.find((report) => report.client_order_id === clientOrderId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #withIntent(report: ExecutionReport): UnsettledOrder {
    return { report, intent: this.#intents.get(report.intent_id) ?? null };
  }

  #replaceLastPartial(positionId: PositionId, last: LastPartial | null): void {
    const previous = this.#lastPartial.get(positionId);
    if (last === null) this.#lastPartial.delete(positionId);
    else this.#lastPartial.set(positionId, last);
    if (previous !== undefined) this.#forget(previous.intentId, positionId);
  }

  #forget(intentId: IntentId, positionId: PositionId): void {
    if (!this.#isNeeded(intentId, positionId)) this.#intents.delete(intentId);
  }

  #isNeeded(intentId: IntentId, positionId: PositionId): boolean {
    if (this.#lastPartial.get(positionId)?.intentId === intentId || this.#submitted.has(intentId)) return true;
    return this.#unsettled.get(positionId)?.some((report) => report.intent_id === intentId) ?? false;
  }
}

function placeOf(symbol: string, orderId: OrderId): string {
  return `${symbol}/${orderId}`;
}

/**
 * Rebuilds the ledger from the log: from the reports; then from the trades, which show which UNKNOWN orders were resolved since, which fills
 * by others have their trade, and what the earlier orders of an intent without an end filled; then from the intents, until those are found
 * that an unresolved order or a cooldown needs, since a report does not repeat its intent. Orders of this process's accounts that were
 * announced in the last minute are added to `closeRate`.
 */
export async function restoreLedger(
  replay: Replay,
  closeRate: CloseRate,
  isOwn: (report: ExecutionReport) => Promise<boolean>,
): Promise<Ledger> {
  const ledger = new Ledger();
  for await (const { record } of replay(TOPICS.executionReport.name)) {
    ledger.apply(record);
    if (record.status === 'REJECTED') closeRate.withdrawn(record.client_order_id);
    if (record.status !== 'SUBMITTED' || !closeRate.isRecent(record.reported_at)) continue;
    if (await isOwn(record)) closeRate.announced(record.client_order_id, record.reported_at);
  }
  for await (const { record } of replay(TOPICS.tradeClosed.name)) ledger.traded(record);
  const needed = ledger.neededIntents();
  if (needed.size === 0) return ledger;
  for await (const { record } of replay(TOPICS.harvestIntent.name)) {
    if (!needed.delete(record.intent_id)) continue;
    ledger.remember(record);
    if (needed.size === 0) break;
  }
  return ledger;
}
