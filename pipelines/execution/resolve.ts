import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { DecimalText, Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type {
  ExecutionReport,
  HarvestIntent,
  OrderId,
  PositionId,
  ReportedResting,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { chargesOf, fillsOf, withCosts } from './costs.ts';
import type { Ledger, UnsettledOrder } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import { mayRest } from './order-plan.ts';
import type { Outbox } from './outbox.ts';
import type { ReasonOf, Suppression } from './reasons.ts';
import { remainingAfter, unsaid } from './remaining.ts';
import { filledReport, rejectedReport, unknownReport } from './reports.ts';
import { clearResting, closedSideOf } from './resting.ts';
import { settleEarlier } from './settle-earlier.ts';
import { settleOrder } from './settle-order.ts';
import { type FilledOrder, datedOrder, isFilled, isNoRecord, tradeOf } from './trades.ts';

/** Where orders are sent and looked up, and within which bounds. */
export interface OrderDesk {
  readonly exchange: Exchange;
  readonly accounts: WorkedAccounts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ExecutionLimits;
}

/** What became of one order. */
export type OrderEnd =
  | {
      readonly kind: 'filled';
      readonly trade: TradeClosed;
      /** The trade is in the log, or about to be. */
      readonly isTold: boolean;
      readonly orderId: OrderId | null;
      readonly filledAt: EpochMillis;
      /** What the venue says of it, in words. */
      readonly facts: string;
      /** What was wrong with the venue's answer; null: nothing. */
      readonly correction: string | null;
      /** What rested of the position that it closed (resting.ts); null: it closed none, or nobody knows. */
      readonly resting: readonly ReportedResting[] | null;
    }
  | {
      readonly kind: 'unfilled';
      readonly reason: ReasonOf<'REJECTED'>;
      readonly detail: string | null;
      /** Null: the venue has none. */
      readonly order: VenueOrder | null;
      /** Open afterwards; null: not known. */
      readonly remaining: DecimalText | null;
      /** What rests and blocks it; null: nobody asked, or nobody knows. */
      readonly blockedBy?: readonly ReportedResting[] | null;
    }
  | { readonly kind: 'doubtful'; readonly reason: ReasonOf<'UNKNOWN'>; readonly detail: string };

/** Why an intent's orders stopped before all of it was filled. `reason` is that of the report where nothing was. */
export interface Stopped {
  readonly reason: ReasonOf<'REJECTED'>;
  readonly detail: string;
}

/**
 * Finds out how orders ended, and reports it. Never sends one.
 *
 * O1  Only the venue and the account that an order was sent to are asked for it: any other would deny it, and be believed. An order of
 *     an account that others work is theirs.
 * O2  An order that may rest is cancelled before its end is waited for.
 */
export class OrderEnds {
  readonly #desk: OrderDesk;

  constructor(desk: OrderDesk) {
    this.#desk = desk;
  }

  /** O1. */
  async isOwn(report: ExecutionReport): Promise<boolean> {
    const { exchange, accounts } = this.#desk;
    return report.venue === exchange.venue && (await accounts.works(report.account)) && accounts.sentAsNow(report);
  }

  /**
   * Orders that a crash left without an end; their intents need not come again. One that the venue gives no answer for holds up no
   * other. Throws EXCHANGE_AWAY when all have been asked for.
   */
  async settleOpen(orders: readonly UnsettledOrder[], outbox: Outbox): Promise<void> {
    let away: unknown;
    for (const { report, intent } of orders) {
      if (!(await this.#desk.accounts.works(report.account))) continue;
      try {
        await this.settleSubmitted(intent, report, outbox);
      } catch (thrown) {
        if (!(thrown instanceof HarvestlineError) || thrown.code !== 'EXCHANGE_AWAY') throw thrown;
        away ??= thrown;
      }
    }
    if (away !== undefined) throw away;
  }

  /**
   * An order that was announced by an earlier run: no further one of its intent is sent, the next snapshot decides anew. `intent` is null
   * where the log has it no more, or it breaks a rule.
   */
  async settleSubmitted(intent: HarvestIntent | null, submitted: ExecutionReport, outbox: Outbox): Promise<void> {
    const { logger } = this.#desk;
    if (await this.isOwn(submitted)) {
      logger.warn(describe(submitted), 'the order may have been sent before a restart; asking the venue');
      const end = await this.endOf(intent, submitted, null, outbox);
      return this.conclude(intent, submitted, end, null, outbox);
    }
    const { venue, account } = submitted;
    logger.error(
      { ...describe(submitted), venue, account },
      'an order that this account sent elsewhere has no end: look at that venue',
    );
  }

  /** The position's orders that were reported UNKNOWN; why it must be left alone, null where all is settled. */
  settleEarlier(positionId: PositionId, ledger: Ledger, outbox: Outbox): Promise<Suppression | null> {
    const { exchange, clock, logger, limits } = this.#desk;
    const { leaveResting } = limits;
    const venue = { exchange, clock, logger, leaveResting, isOwn: (report: ExecutionReport) => this.isOwn(report) };
    return settleEarlier(positionId, venue, ledger, outbox);
  }

  /** What became of an order that was announced. `accepted` is the order where the venue has confirmed it. Throws EXCHANGE_AWAY. */
  async endOf(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    accepted: VenueOrder | null,
    outbox: Outbox,
  ): Promise<OrderEnd> {
    const { exchange, clock, limits } = this.#desk;
    const { client_order_id: clientOrderId, symbol } = submitted;
    const told = outbox.tradesOf(submitted).find((trade) => trade.client_order_id === clientOrderId);
    if (told !== undefined) {
      const { order_id: orderId, closed_at: filledAt } = told;
      const facts = `order ${orderId} filled ${told.quantity} at ${told.exit_price}`;
      const resting = await this.#cleared(told);
      return { kind: 'filled', trade: told, isTold: true, orderId, filledAt, facts, correction: null, resting };
    }
    const waits = limits.lookUpWaitsMs;
    const settlement = await settleOrder(exchange, clock, waits, clientOrderId, symbol, accepted, mayRest(submitted));
    if (settlement.kind === 'doubtful') return settlement;
    if (settlement.kind === 'absent') {
      return { kind: 'unfilled', reason: 'NOT_PLACED', detail: null, order: null, remaining: null };
    }
    const { order } = settlement;
    try {
      if (isFilled(order)) return await this.#fillOf(intent, submitted, order, outbox);
    } catch (thrown) {
      if (!isNoRecord(thrown)) throw thrown;
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
    if (remaining === null) return setAside(`${factsOf(filled)}: ${unsaid(filled, intent)}`);
    const { order, correction } = datedOrder(filled, clock.now());
    const bare = tradeOf(intent, exchange.venue, order, remaining, submitted.client_order_id);
    const [resting, charges] = await Promise.all([this.#cleared(bare), chargesOf(exchange, intent)]);
    const trade = withCosts(bare, fillsOf(order), charges);
    const { orderId, filledAt } = order;
    return { kind: 'filled', trade, isTold: false, orderId, filledAt, facts: factsOf(filled), correction, resting };
  }

  /** What rested of the position, where nothing of it is left (RS2). */
  async #cleared(trade: TradeClosed): Promise<readonly ReportedResting[] | null> {
    if (trade.remaining_quantity !== 0) return null;
    const { exchange, logger, limits } = this.#desk;
    return clearResting(closedSideOf(trade), { exchange, logger, leaveResting: limits.leaveResting });
  }

  /** Adds the trade of an order that others of its intent follow. One that is no record sets the order aside. */
  tellTrade(end: OrderEnd, submitted: ExecutionReport, outbox: Outbox): OrderEnd {
    if (end.kind !== 'filled' || end.isTold) return end;
    try {
      outbox.addTrade(end.trade, submitted);
      return { ...end, isTold: true };
    } catch (thrown) {
      if (!isNoRecord(thrown)) throw thrown;
      return setAside(`${end.facts}: ${thrown.message}`);
    }
  }

  /**
   * The report that ends an intent, with the trade of its last order ahead of it (E4): `end` is that of the last order, `stopped` why there
   * was no further one. E14: what cannot be recorded is set aside.
   */
  conclude(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    end: OrderEnd,
    stopped: Stopped | null,
    outbox: Outbox,
  ): void {
    try {
      this.#conclude(intent, submitted, end, stopped, outbox);
    } catch (thrown) {
      if (!isNoRecord(thrown)) throw thrown;
      const facts = end.kind === 'filled' ? end.facts : `the venue has no fill of it: ${end.reason}`;
      this.#conclude(intent, submitted, setAside(`${facts}: ${thrown.message}`), null, outbox);
    }
  }

  #conclude(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    end: OrderEnd,
    stopped: Stopped | null,
    outbox: Outbox,
  ): void {
    const { clock, logger } = this.#desk;
    const now = clock.now();
    const { client_order_id: own } = submitted;
    const earlier = outbox.tradesOf(submitted).filter(({ client_order_id }) => client_order_id !== own);
    const [first, ...others] = earlier;
    switch (end.kind) {
      case 'filled': {
        const { trade, isTold, orderId, filledAt, correction, resting } = end;
        const last = { orderId, filledAt, correction, stopped: stopped?.detail ?? null, resting };
        const trades = first === undefined ? ([trade] as const) : ([first, ...others, trade] as const);
        const report = filledReport(submitted, trades, last, now);
        // E4: the trade first.
        if (isTold || intent === null) outbox.addReport(report, intent);
        else outbox.addFill(trade, report, intent);
        logger.info(describe(report), 'order filled');
        return;
      }
      case 'unfilled': {
        const { order, remaining } = end;
        const { reason, detail } = stopped ?? end;
        if (first === undefined) {
          const report = rejectedReport(submitted, reason, detail, order, now, remaining, end.blockedBy ?? null);
          outbox.addReport(report, intent);
          logger.warn(describe(report), 'order rejected');
          return;
        }
        const words = stopped?.detail ?? (detail === null ? reason : `${reason}: ${detail}`);
        const filledAt = Math.max(...earlier.map(({ closed_at }) => closed_at));
        const lastFilled = others.at(-1) ?? first;
        const last = { orderId: lastFilled.order_id, filledAt, correction: null, stopped: words, resting: null };
        const report = filledReport(announcedAs(submitted, lastFilled), [first, ...others], last, now);
        outbox.addReport(report, intent);
        logger.info(describe(report), 'order filled in part');
        return;
      }
      case 'doubtful': {
        const report = unknownReport(submitted, end.reason, end.detail, now);
        outbox.addReport(report, intent);
        const message =
          end.reason === 'ORDER_SET_ASIDE'
            ? 'an order cannot be finished and is set aside; its position is left alone'
            : 'the fate of an order is UNKNOWN; its position is left alone until it is settled';
        logger.error(describe(report), message);
      }
    }
  }
}

/** A FILLED report names an order that has a trade: the last of them. */
function announcedAs(submitted: ExecutionReport, { client_order_id: filled }: TradeClosed): ExecutionReport {
  for (let part = submitted.part ?? 0; part >= 0; part--) {
    const id = clientOrderIdOf(submitted.intent_id, part);
    if (id === filled) return { ...submitted, client_order_id: id, part };
  }
  return submitted;
}

function setAside(detail: string): OrderEnd {
  return { kind: 'doubtful', reason: 'ORDER_SET_ASIDE', detail };
}

function factsOf({ orderId, filledQuantity, averagePrice }: VenueOrder): string {
  return `order ${orderId} filled ${filledQuantity} at ${averagePrice}`;
}

export function describe(report: ExecutionReport): object {
  const { intent_id, position_id, client_order_id, status, reason, detail } = report;
  return { intent_id, position_id, client_order_id, status, reason, detail };
}
