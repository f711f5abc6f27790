import type { EpochMillis } from '../../ports/clock.ts';
import type {
  ClientOrderId,
  ExecutionReport,
  HarvestIntent,
  IntentId,
  PositionId,
} from '../../schemas/generated/records.ts';

/** An order whose fate was UNKNOWN when it was reported. */
export interface UnsettledOrder {
  readonly report: ExecutionReport;
  /** What its trade would be made from; null when the log no longer holds it. */
  readonly intent: HarvestIntent | null;
}

/**
 * Where every intent stands, from the reports on it in log order. Pure: the same reports give the same ledger.
 *
 * D1  An intent is new, submitted (SUBMITTED without an end) or finished (any other report); finished is for ever.
 * D2  A position's unsettled orders are its UNKNOWN reports until `settled` names their order.
 * D3  A position's last partial close is its latest PARTIAL_CLOSE that was FILLED or UNKNOWN, until the position is flat.
 * D4  Of all intents only those are kept that D2 and D3 need.
 */
export class Ledger {
  readonly #submitted = new Map<IntentId, ExecutionReport>();
  readonly #finished = new Set<IntentId>();
  readonly #unsettled = new Map<PositionId, ExecutionReport[]>();
  readonly #lastPartial = new Map<PositionId, IntentId>();
  readonly #intents = new Map<IntentId, HarvestIntent>();

  isFinished(intentId: IntentId): boolean {
    return this.#finished.has(intentId);
  }

  /** The SUBMITTED report of an order that has no end yet. */
  submitted(intentId: IntentId): ExecutionReport | undefined {
    return this.#submitted.get(intentId);
  }

  /** Orders of the position to ask for again, oldest first. */
  unsettled(positionId: PositionId): readonly UnsettledOrder[] {
    return (this.#unsettled.get(positionId) ?? []).map((report) => ({
      report,
      intent: this.#intents.get(report.intent_id) ?? null,
    }));
  }

  get hasUnsettled(): boolean {
    return this.#unsettled.size > 0;
  }

  /** When the position was observed for its last partial close (D3). */
  lastPartialObservedAt(positionId: PositionId): EpochMillis | null {
    const intentId = this.#lastPartial.get(positionId);
    return (intentId === undefined ? undefined : this.#intents.get(intentId))?.observed_at ?? null;
  }

  apply(report: ExecutionReport): void {
    const { intent_id: intentId, position_id: positionId, status } = report;
    if (status === 'SUBMITTED') {
      if (!this.#finished.has(intentId)) this.#submitted.set(intentId, report);
      return;
    }
    if (this.#finished.has(intentId)) return;
    this.#finished.add(intentId);
    this.#submitted.delete(intentId);
    if (status === 'UNKNOWN') {
      const unsettled = this.#unsettled.get(positionId);
      if (unsettled === undefined) this.#unsettled.set(positionId, [report]);
      else unsettled.push(report);
    }
    if (report.action === 'PARTIAL_CLOSE' && (status === 'FILLED' || status === 'UNKNOWN')) {
      this.#replaceLastPartial(positionId, intentId);
    }
    if (report.remaining_quantity === 0) this.#replaceLastPartial(positionId, null);
  }

  /** The doubt about the order is over, one way or the other. */
  settled(positionId: PositionId, clientOrderId: ClientOrderId | null): void {
    const unsettled = this.#unsettled.get(positionId);
    const index = unsettled?.findIndex((report) => report.client_order_id === clientOrderId) ?? -1;
    if (unsettled === undefined || index < 0) return;
    const [report] = unsettled.splice(index, 1);
    if (unsettled.length === 0) this.#unsettled.delete(positionId);
    if (report !== undefined) this.#forget(report.intent_id, positionId);
  }

  /** The intents that D2 and D3 need. */
  neededIntents(): Set<IntentId> {
    const needed = new Set(this.#lastPartial.values());
    for (const reports of this.#unsettled.values()) for (const report of reports) needed.add(report.intent_id);
    return needed;
  }

  /** Keeps the intent if it is needed (D4). To be called after `apply` of its report. */
  remember(intent: HarvestIntent): void {
    if (this.#isNeeded(intent.intent_id, intent.position_id)) this.#intents.set(intent.intent_id, intent);
  }

  #replaceLastPartial(positionId: PositionId, intentId: IntentId | null): void {
    const previous = this.#lastPartial.get(positionId);
    if (intentId === null) this.#lastPartial.delete(positionId);
    else this.#lastPartial.set(positionId, intentId);
    if (previous !== undefined) this.#forget(previous, positionId);
  }

  #forget(intentId: IntentId, positionId: PositionId): void {
    if (!this.#isNeeded(intentId, positionId)) this.#intents.delete(intentId);
  }

  #isNeeded(intentId: IntentId, positionId: PositionId): boolean {
    if (this.#lastPartial.get(positionId) === intentId) return true;
    return this.#unsettled.get(positionId)?.some((report) => report.intent_id === intentId) ?? false;
  }
}
