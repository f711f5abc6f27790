/**
 * Resolves in-flight orders: finds out from the venue how an order ended that was sent, or may have been. Never sends one.
 *
 * EXE-46  An order is looked up only at the venue, and for the account, that it was sent to: any other venue would deny it, and be believed. The
 *         orders of an account that another process works are left to that process.
 * EXE-47  An order that may rest in the book is cancelled before its end is awaited: waiting would not end it.
 * EXE-48  An absence counts only at the end of the waits, and only where the look-up before said the same: a slow request may still arrive, and a
 *         single answer may be wrong. An order that was seen before and is absent later is in doubt: one of the answers was wrong.
 */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, Exchange, LookUp, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type {
  ClientOrderId,
  ExecutionReport,
  HarvestIntent,
  PositionId,
  ReportedResting,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { chargesOf, fillsOf, withCosts } from './costs.ts';
import type { Ledger, UnresolvedOrder } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import { mayRest } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import type { Suppression } from './reasons.ts';
import { type DoubtfulEnd, type OrderEnd, isUnrecordable, recordEnd, setAside } from './record.ts';
import { logContextOf } from './reports.ts';
import { clearResting, closedSideOf } from './resting.ts';
import { type FilledOrder, datedOrder, isFilled, tradeOf } from './trades.ts';

/** Where orders are sent and looked up, and within which limits. */
export interface OrderDesk {
  readonly exchange: Exchange;
  readonly accounts: WorkedAccounts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ExecutionLimits;
}

export class OrderResolver {
  readonly #desk: OrderDesk;

  constructor(desk: OrderDesk) {
    this.#desk = desk;
  }

  /** Whether the order can be looked up here (EXE-46). */
  async isOwn(report: ExecutionReport): Promise<boolean> {
    const { exchange, accounts } = this.#desk;
    return report.venue === exchange.venue && (await accounts.works(report.account)) && accounts.sentAsNow(report);
  }

  /**
   * Resolves orders that a crash left without an end; their intents need not be delivered again. An order that the venue gives no answer for
   * keeps no other waiting: EXCHANGE_AWAY is thrown after all have been asked for.
   */
  async resolveOpen(orders: readonly UnresolvedOrder[], outbox: Outbox): Promise<void> {
    let away: unknown;
    for (const { report, intent } of orders) {
      if (!(await this.#desk.accounts.works(report.account))) continue;
      try {
        await this.resolveSubmitted(intent, report, outbox);
      } catch (thrown) {
        if (!(thrown instanceof HarvestlineError) || thrown.code !== 'EXCHANGE_AWAY') throw thrown;
        away ??= thrown;
      }
    }
    if (away !== undefined) throw away;
  }

  /**
   * Resolves an order that an earlier run announced, and ends its intent: no further order is sent for it, the next snapshot decides anew.
   * `intent` is null where the log does not hold it any more, or it breaks a rule.
   */
  async resolveSubmitted(intent: HarvestIntent | null, submitted: ExecutionReport, outbox: Outbox): Promise<void> {
    const { logger } = this.#desk;
    if (await this.isOwn(submitted)) {
      logger.warn(logContextOf(submitted), 'the order may have been sent before a restart; asking the venue');
      const end = await this.endOf(intent, submitted, null, outbox);
      return recordEnd({ intent, submitted, end, stopped: null }, outbox, this.#desk);
    }
    const { venue, account } = submitted;
    logger.error(
      { ...logContextOf(submitted), venue, account },
      'an order that this account sent elsewhere has no end: look at that venue',
    );
  }

  /**
   * Looks up, before a position is touched again, its orders that were reported UNKNOWN. A fill that shows up gets its trade; the report stays
   * as it is (EXE-5). Returns why the position must still be left alone; null: all its orders are resolved.
   */
  async resolveEarlier(positionId: PositionId, ledger: Ledger, outbox: Outbox): Promise<Suppression | null> {
    for (const { report, intent } of ledger.unresolved(positionId)) {
      const { client_order_id: clientOrderId, venue, account } = report;
      if (!(await this.isOwn(report))) return unresolved(`${clientOrderId} was sent to ${venue} for ${account}`);
      const answer = await this.#lookUpEnded(report);
      if (answer.kind === 'unavailable') return unresolved(`${clientOrderId}: ${answer.message}`);
      if (answer.kind === 'found') {
        const { order } = answer;
        if (order.state === 'OPEN') return unresolved(`${clientOrderId} is still open`);
        try {
          const doubt = await this.#recordLateFill(order, report, intent, outbox);
          if (doubt !== null) return unresolved(`${clientOrderId} ${doubt}`);
        } catch (thrown) {
          // The order was set aside for this, and nothing has changed since.
          if (!isUnrecordable(thrown)) throw thrown;
          return unresolved(`${clientOrderId} cannot be recorded: ${thrown.message}`);
        }
      }
      ledger.resolved(positionId, clientOrderId, 'unfilled');
      const context = { position_id: positionId, intent_id: report.intent_id, client_order_id: clientOrderId };
      this.#desk.logger.warn({ ...context, answer: answer.kind }, 'an UNKNOWN order is resolved');
    }
    return null;
  }

  /** How an announced order ended. `accepted` is the order where the venue has confirmed it. Throws EXCHANGE_AWAY. */
  async endOf(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    accepted: VenueOrder | null,
    outbox: Outbox,
  ): Promise<OrderEnd> {
    const { exchange, clock, limits } = this.#desk;
    const { client_order_id: clientOrderId, symbol } = submitted;
    const trade = outbox.tradesOf(submitted).find((own) => own.client_order_id === clientOrderId);
    if (trade !== undefined) {
      const { order_id: orderId, closed_at: filledAt } = trade;
      const facts = `order ${orderId} filled ${trade.quantity} at ${trade.exit_price}`;
      const resting = await this.#clearResting(trade);
      return { kind: 'filled', trade, isRecorded: true, orderId, filledAt, facts, correction: null, resting };
    }
    const { lookUpWaitsMs } = limits;
    const rests = mayRest(submitted);
    const found = await lookUpUntilEnded(exchange, clock, lookUpWaitsMs, clientOrderId, symbol, accepted, rests);
    if (found.kind === 'doubtful') return found;
    if (found.kind === 'absent') {
      return { kind: 'unfilled', reason: 'NOT_PLACED', detail: null, order: null, remaining: null };
    }
    const { order } = found;
    try {
      if (isFilled(order)) return await this.#fillOf(intent, submitted, order, outbox);
    } catch (thrown) {
      if (!isUnrecordable(thrown)) throw thrown;
      return setAside(`${factsOf(order)}: ${thrown.message}`);
    }
    return { kind: 'unfilled', reason: 'NO_FILL', detail: null, order, remaining: order.positionAfter };
  }

  async #fillOf(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    filled: FilledOrder,
    outbox: Outbox,
  ): Promise<OrderEnd> {
    const { exchange, clock } = this.#desk;
    if (intent === null) {
      return setAside(`${factsOf(filled)}: its intent is gone from the log, or cannot be read any more`);
    }
    const earlier = outbox.tradesOf(submitted);
    const remaining = await remainingAfter(filled, submitted, intent, exchange, clock.now(), earlier);
    if (remaining === null) return setAside(`${factsOf(filled)}: ${remainingUnknown(filled, intent)}`);
    const { order, correction } = datedOrder(filled, clock.now());
    const bare = tradeOf(intent, exchange.venue, order, remaining, submitted.client_order_id);
    const [resting, charges] = await Promise.all([this.#clearResting(bare), chargesOf(exchange, intent)]);
    const trade = withCosts(bare, fillsOf(order), charges);
    const { orderId, filledAt } = order;
    return { kind: 'filled', trade, isRecorded: false, orderId, filledAt, facts: factsOf(filled), correction, resting };
  }

  /** Records the trade of an UNKNOWN order if it is filled. Returns why it cannot; null: it is recorded, or nothing is filled. */
  async #recordLateFill(
    order: VenueOrder,
    report: ExecutionReport,
    intent: HarvestIntent | null,
    outbox: Outbox,
  ): Promise<string | null> {
    const { exchange, clock, logger } = this.#desk;
    if (!isFilled(order)) return null;
    if (intent === null) {
      const { position_id, intent_id, client_order_id } = report;
      const context = { position_id, intent_id, client_order_id };
      logger.error(context, 'an UNKNOWN order was filled, but its intent is gone from the log: no trade to record');
      return 'was filled, and its intent is gone from the log';
    }
    const remaining = await remainingAfter(order, report, intent, exchange, clock.now());
    if (remaining === null) return `was filled: ${remainingUnknown(order, intent)}`;
    const dated = datedOrder(order, clock.now()).order;
    const trade = tradeOf(intent, exchange.venue, dated, remaining, report.client_order_id);
    // The report stays as it is, so what rested is only logged.
    await this.#clearResting(trade);
    outbox.addTrade(withCosts(trade, fillsOf(order), await chargesOf(exchange, intent)), report);
    return null;
  }

  /** EXE-47: a resting order would hold up its position for as long as it rests. */
  async #lookUpEnded(report: ExecutionReport): Promise<LookUp> {
    const { exchange } = this.#desk;
    const { client_order_id: clientOrderId, symbol } = report;
    const answer = await exchange.lookUp(clientOrderId, symbol);
    if (answer.kind !== 'found' || answer.order.state !== 'OPEN' || !mayRest(report)) return answer;
    await exchange.cancel(clientOrderId, symbol);
    return exchange.lookUp(clientOrderId, symbol);
  }

  /** Takes off what rests for the position where the trade has closed it (EXE-50); null: it has not. */
  async #clearResting(trade: TradeClosed): Promise<readonly ReportedResting[] | null> {
    if (trade.remaining_quantity !== 0) return null;
    const { exchange, logger, limits } = this.#desk;
    return clearResting(closedSideOf(trade), { exchange, logger, leaveResting: limits.leaveResting });
  }
}

function unresolved(detail: string): Suppression {
  return { reason: 'UNSETTLED_ORDER', detail };
}

function factsOf({ orderId, filledQuantity, averagePrice }: VenueOrder): string {
  return `order ${orderId} filled ${filledQuantity} at ${averagePrice}`;
}

/** What the look-ups of an order came to. `absent`: it never reached the venue, and never will. */
export type Resolution =
  { readonly kind: 'done'; readonly order: VenueOrder } | { readonly kind: 'absent' } | DoubtfulEnd;

/** Further waits where the venue gives no answer at the very end, before the order ends in doubt. Unit: milliseconds. */
const LAST_WAITS_MS = [200, 200, 500, 500, 500];

/**
 * Looks an order up by its client id until the venue says how it ended, or the waits are used up (EXE-48). `accepted` is the order where the venue
 * has confirmed it; null: it may not exist. One that `rests` is cancelled wherever it is found open (EXE-47), whatever became of earlier tries.
 */
export async function lookUpUntilEnded(
  exchange: Exchange,
  clock: Clock,
  waitsMs: readonly number[],
  clientOrderId: ClientOrderId,
  symbol: string,
  accepted: VenueOrder | null,
  rests = false,
): Promise<Resolution> {
  let seen = accepted;
  if (seen?.state === 'DONE') return { kind: 'done', order: seen };
  let resolution: Resolution = { kind: 'absent' };
  let absences = 0;
  let left = seen === null ? waitsMs.length + 1 : waitsMs.length;
  for (const wait of [...(seen === null ? [0] : []), ...waitsMs, ...LAST_WAITS_MS]) {
    if (left <= 0 && !isUnanswered(resolution)) break;
    left -= 1;
    if (wait > 0) await clock.sleep(wait);
    const answer = await exchange.lookUp(clientOrderId, symbol);
    absences = answer.kind === 'absent' ? absences + 1 : 0;
    switch (answer.kind) {
      case 'found': {
        if (answer.order.state === 'DONE') return { kind: 'done', order: answer.order };
        seen = answer.order;
        if (rests) await exchange.cancel(clientOrderId, symbol);
        const detail = `order ${seen.orderId} is open with ${seen.filledQuantity} filled`;
        resolution = { kind: 'doubtful', reason: 'STILL_OPEN', detail };
        break;
      }
      case 'absent':
        resolution = absenceOf(seen, absences);
        break;
      case 'unavailable':
        resolution = { kind: 'doubtful', reason: 'NO_ANSWER', detail: answer.message };
        break;
    }
  }
  return resolution;
}

function isUnanswered(resolution: Resolution): boolean {
  return resolution.kind === 'doubtful' && resolution.reason === 'NO_ANSWER';
}

/** EXE-48. */
function absenceOf(seen: VenueOrder | null, absences: number): Resolution {
  if (seen !== null) {
    return { kind: 'doubtful', reason: 'ORDER_VANISHED', detail: `order ${seen.orderId} was there before` };
  }
  return absences > 1
    ? { kind: 'absent' }
    : { kind: 'doubtful', reason: 'NO_ANSWER', detail: 'the venue denied the order once, and did not answer before' };
}

/** A position that lags behind its fills shows within seconds; one that does not show in a minute will not. Unit: milliseconds. */
const SHOWN_WITHIN_MS = 60_000;

/**
 * Open size after a filled order: what the venue says with the order, else the size of the position now. Where the venue shows neither, an
 * order that filled all there was has left nothing. Anything else is unknown: EXCHANGE_AWAY for a minute after the order, so that the venue is
 * asked again, then null, so that one position that is never shown keeps no other waiting. `earlier` are the trades of the intent's orders
 * before this one.
 */
async function remainingAfter(
  order: VenueOrder,
  submitted: ExecutionReport,
  intent: HarvestIntent,
  exchange: Exchange,
  now: EpochMillis,
  earlier: readonly TradeClosed[] = [],
): Promise<DecimalText | null> {
  const shown = order.positionAfter ?? (await exchange.position(intent)).quantity;
  if (shown !== null) return shown;
  const { position_quantity: before } = submitted;
  const closed = Exact.sum(order.filledQuantity, ...earlier.map(({ quantity }) => quantity));
  if (before !== null && closed.gte(before)) return '0';
  if (now - (submitted.submitted_at ?? submitted.reported_at) > SHOWN_WITHIN_MS) return null;
  throw new HarvestlineError('EXCHANGE_AWAY', remainingUnknown(order, intent));
}

function remainingUnknown({ orderId }: VenueOrder, { position_id: positionId }: HarvestIntent): string {
  return `the venue does not say what order ${orderId} has left of ${positionId}`;
}
