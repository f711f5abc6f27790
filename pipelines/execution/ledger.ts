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
import type { Replay } from '../runtime/processor.ts';
import type { CloseRate, Refusals } from './limits.ts';
import { isRefusal } from './reasons.ts';

/**
 * What became of an order. `open`: it has no end yet; `unresolved`: it was reported UNKNOWN; `traded`: it has its trade; `unfilled`: it was not
 * filled; `foreign`: it is none of ours.
 */
export type OrderFate = 'open' | 'unresolved' | 'traded' | 'unfilled' | 'foreign';

/** The ids that a fill names its order by. */
interface OrderNames {
  readonly symbol: string;
  readonly client_order_id: ClientOrderId | null;
  /** The venue's id, unique within the symbol. */
  readonly order_id: OrderId;
}

/** An order without an end, or one that was reported UNKNOWN. */
export interface UnresolvedOrder {
  readonly report: ExecutionReport;
  /** Needed for its trade; null where the log does not hold it any more. */
  readonly intent: HarvestIntent | null;
}

/** A partial close, with the time of the report that ended it. */
interface LastPartial {
  readonly intentId: IntentId;
  readonly reportedAt: EpochMillis;
}

/**
 * The state of every intent and its orders, from the execution reports and trades in log order. Pure: the same records give the same ledger.
 *
 * EXE-20  An intent is new, submitted (SUBMITTED without an end) or finished (any other report), and stays finished.
 * EXE-21  The unresolved orders of a position are its UNKNOWN reports, until `resolved` names their order.
 * EXE-22  The last partial close of a position is its latest PARTIAL_CLOSE that was FILLED or UNKNOWN, until the position is flat. Where its
 *         observation is dated after the report that ended it, the clock was wrong, and its time is unknown.
 * EXE-23  Only those intents are kept that EXE-21 and EXE-22 need, and those of orders without an end.
 * EXE-24  The fate of an order is found by its client id and, where a report or a trade names it, by the venue's id. Trades of fills by others are
 *         found by their trade id.
 * EXE-25  The refusals of a position are its REJECTED reports whose reason is the venue's refusal of that very order, since the last order that
 *         the venue took.
 * EXE-26  Of an intent that led to several orders only the latest can be without an end: each is announced after the one before has ended, and
 *         the trade of that one is in the log by then. An earlier order without a trade was not filled.
 */
export class Ledger {
  readonly #submitted = new Map<IntentId, ExecutionReport>();
  readonly #finished = new Set<IntentId>();
  readonly #unresolved = new Map<PositionId, ExecutionReport[]>();
  readonly #lastPartial = new Map<PositionId, LastPartial>();
  readonly #refusals = new Map<PositionId, Refusals>();
  readonly #intents = new Map<IntentId, HarvestIntent>();
  /** Orders that were not filled: reported REJECTED, or reported UNKNOWN and found unfilled later. */
  readonly #unfilled = new Set<ClientOrderId>();
  /** Every order that may have been sent. */
  readonly #orders = new Map<ClientOrderId, IntentId>();
  /** Orders of ours, by symbol and the venue's id. */
  readonly #byVenueId = new Map<string, ClientOrderId>();
  /** Trades of fills by others. */
  readonly #external = new Set<TradeId>();
  /** Orders of ours that have their trade. */
  readonly #traded = new Set<ClientOrderId>();
  /** Orders of intents that led to several. */
  readonly #parts = new Set<ClientOrderId>();
  /** The trades of the orders of an intent without an end, in the order of the orders. */
  readonly #fills = new Map<IntentId, TradeClosed[]>();

  isFinished(intentId: IntentId): boolean {
    return this.#finished.has(intentId);
  }

  /** The SUBMITTED report of the intent's order that has no end yet: of several orders the latest (EXE-26). */
  submitted(intentId: IntentId): ExecutionReport | undefined {
    return this.#submitted.get(intentId);
  }

  /** The trades of the intent's orders, while it has no end (EXE-26). */
  tradesOf(intentId: IntentId): readonly TradeClosed[] {
    return this.#fills.get(intentId) ?? [];
  }

  /** The orders that have no end yet, with their intents where the log still has them. */
  openOrders(): readonly UnresolvedOrder[] {
    return [...this.#submitted.values()].map((report) => this.#withIntent(report));
  }

  /** EXE-24. */
  fateOf(order: OrderNames): OrderFate {
    const clientOrderId = this.#ownId(order);
    const intentId = clientOrderId === null ? undefined : this.#orders.get(clientOrderId);
    if (clientOrderId === null || intentId === undefined) return 'foreign';
    if (this.#traded.has(clientOrderId)) return 'traded';
    if (this.#submitted.get(intentId)?.client_order_id === clientOrderId) return 'open';
    if (this.#unfilled.has(clientOrderId)) return 'unfilled';
    if (this.#unresolvedOf(clientOrderId) !== undefined) return 'unresolved';
    return this.#parts.has(clientOrderId) ? 'unfilled' : 'traded';
  }

  /** The order where its fate is `open` or `unresolved`; null otherwise. */
  pending(order: OrderNames): UnresolvedOrder | null {
    const clientOrderId = this.#ownId(order);
    const intentId = clientOrderId === null ? undefined : this.#orders.get(clientOrderId);
    if (clientOrderId === null || intentId === undefined || this.#traded.has(clientOrderId)) return null;
    const submitted = this.#submitted.get(intentId);
    const report = submitted?.client_order_id === clientOrderId ? submitted : this.#unresolvedOf(clientOrderId);
    return report === undefined ? null : this.#withIntent(report);
  }

  /** Whether a fill by others has its trade already. */
  hasExternal(tradeId: TradeId): boolean {
    return this.#external.has(tradeId);
  }

  /** Adds a trade that is in the log, or in the outbox. */
  traded(trade: TradeClosed): void {
    const { trade_id, position_id, symbol, client_order_id, order_id, intent_id, origin } = trade;
    // Imported history: no fill of this execution.
    if (origin === 'BACKFILL') return;
    if (intent_id !== null && client_order_id !== null && order_id !== null)
      this.#byVenueId.set(venueKeyOf(symbol, order_id), client_order_id);
    if (intent_id === null) {
      this.#external.add(trade_id);
      // Where the fill is of an order of ours (EXE-44), that order gets no other trade.
      this.resolved(position_id, client_order_id, 'unfilled');
      return;
    }
    if (client_order_id !== null) this.#traded.add(client_order_id);
    if (this.#submitted.has(intent_id)) {
      const others = this.tradesOf(intent_id).filter((other) => other.trade_id !== trade_id);
      this.#fills.set(intent_id, [...others, trade]);
    }
    this.resolved(position_id, client_order_id, 'traded');
  }

  /** The position's orders to look up again (EXE-21), oldest first. */
  unresolved(positionId: PositionId): readonly UnresolvedOrder[] {
    return (this.#unresolved.get(positionId) ?? []).map((report) => this.#withIntent(report));
  }

  /** The time of the observation that the position's last partial close rests on (EXE-22); null: there was none, or it is unknown. */
  lastPartialObservedAt(positionId: PositionId): EpochMillis | null {
    const last = this.#lastPartial.get(positionId);
    const observedAt = last === undefined ? undefined : this.#intents.get(last.intentId)?.observed_at;
    if (last === undefined || observedAt === undefined) return null;
    return observedAt > last.reportedAt + AHEAD_MS ? null : observedAt;
  }

  /** EXE-25. Null: the venue took the position's last order, or there was none. */
  refusals(positionId: PositionId): Refusals | null {
    return this.#refusals.get(positionId) ?? null;
  }

  /** Adds a report that is in the log, or in the outbox. */
  apply(report: ExecutionReport): void {
    const { intent_id: intentId, position_id: positionId, status } = report;
    if (report.submitted_at !== null) this.#orders.set(report.client_order_id, intentId);
    if (report.order_id !== null)
      this.#byVenueId.set(venueKeyOf(report.symbol, report.order_id), report.client_order_id);
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
      const unresolved = this.#unresolved.get(positionId);
      if (unresolved === undefined) this.#unresolved.set(positionId, [report]);
      else unresolved.push(report);
    }
    if (report.action === 'PARTIAL_CLOSE' && (status === 'FILLED' || status === 'UNKNOWN')) {
      this.#replaceLastPartial(positionId, { intentId, reportedAt: report.reported_at });
    }
    if (report.remaining_quantity === 0) this.#replaceLastPartial(positionId, null);
    this.#forget(intentId, positionId);
  }

  /** EXE-25. */
  #countRefusal({ position_id: positionId, status, reason, reported_at: latestAt }: ExecutionReport): void {
    if (isRefusal(reason)) {
      this.#refusals.set(positionId, { count: (this.#refusals.get(positionId)?.count ?? 0) + 1, latestAt });
    } else if (status === 'FILLED' || status === 'UNKNOWN') this.#refusals.delete(positionId);
  }

  /** Ends the doubt about an UNKNOWN order: `traded` or `unfilled` is how it ended. */
  resolved(positionId: PositionId, clientOrderId: ClientOrderId | null, how: 'traded' | 'unfilled'): void {
    const unresolved = this.#unresolved.get(positionId);
    const index = unresolved?.findIndex((report) => report.client_order_id === clientOrderId) ?? -1;
    if (unresolved === undefined || index < 0) return;
    const [report] = unresolved.splice(index, 1);
    if (how === 'unfilled' && clientOrderId !== null) this.#unfilled.add(clientOrderId);
    if (unresolved.length === 0) this.#unresolved.delete(positionId);
    if (report !== undefined) this.#forget(report.intent_id, positionId);
  }

  /** The intents to read back (EXE-23). */
  neededIntents(): Set<IntentId> {
    const needed = new Set(this.#submitted.keys());
    for (const { intentId } of this.#lastPartial.values()) needed.add(intentId);
    for (const reports of this.#unresolved.values()) for (const report of reports) needed.add(report.intent_id);
    return needed;
  }

  /** Keeps the intent if it is needed (EXE-23). Call it after `apply` of the intent's report. */
  remember(intent: HarvestIntent): void {
    if (this.#isNeeded(intent.intent_id, intent.position_id)) this.#intents.set(intent.intent_id, intent);
  }

  /** The client id of the order; null where it is none of ours. */
  #ownId({ symbol, client_order_id: named, order_id }: OrderNames): ClientOrderId | null {
    return named !== null && this.#orders.has(named)
      ? named
      : (this.#byVenueId.get(venueKeyOf(symbol, order_id)) ?? null);
  }

  #unresolvedOf(clientOrderId: ClientOrderId): ExecutionReport | undefined {
    for (const reports of this.#unresolved.values()) {
      const found = reports.find((report) => report.client_order_id === clientOrderId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #withIntent(report: ExecutionReport): UnresolvedOrder {
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
    return this.#unresolved.get(positionId)?.some((report) => report.intent_id === intentId) ?? false;
  }
}

function venueKeyOf(symbol: string, orderId: OrderId): string {
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
