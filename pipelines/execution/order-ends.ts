import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { ExecutionReport, HarvestIntent, PositionId } from '../../schemas/generated/records.ts';
import { chargesOf, fillsOf, withCosts } from './costs.ts';
import type { Ledger, UnsettledOrder } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import { remainingAfter, unsaid } from './remaining.ts';
import { filledReport, rejectedReport, unknownReport } from './reports.ts';
import { settleEarlier } from './settle-earlier.ts';
import { settleOrder } from './settle-order.ts';
import type { Suppression } from './suppression.ts';
import { type FilledOrder, datedOrder, isFilled, isNoRecord, tradeOf } from './trade.ts';

/** Where orders are sent and looked up, and within which bounds. */
export interface OrderDesk {
  readonly exchange: Exchange;
  readonly accounts: WorkedAccounts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ExecutionLimits;
}

/**
 * Finds out how orders ended, and reports it. Never sends one.
 *
 * O1  Only the venue and the account that an order was sent to are asked for it: any other would deny it, and be believed. An order of
 *     an account that others work is theirs.
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

  /** An order that was announced by an earlier run. `intent` is null where the log has it no more, or it breaks a rule. */
  async settleSubmitted(intent: HarvestIntent | null, submitted: ExecutionReport, outbox: Outbox): Promise<void> {
    const { logger } = this.#desk;
    if (await this.isOwn(submitted)) {
      logger.warn(describe(submitted), 'the order may have been sent before a restart; asking the venue');
      return this.settle(intent, submitted, null, outbox);
    }
    const { venue, account } = submitted;
    logger.error(
      { ...describe(submitted), venue, account },
      'an order that this account sent elsewhere has no end: look at that venue',
    );
  }

  /** The position's orders that were reported UNKNOWN; why it must be left alone, null where all is settled. */
  settleEarlier(positionId: PositionId, ledger: Ledger, outbox: Outbox): Promise<Suppression | null> {
    const { exchange, clock, logger } = this.#desk;
    const venue = { exchange, clock, logger, isOwn: (report: ExecutionReport) => this.isOwn(report) };
    return settleEarlier(positionId, venue, ledger, outbox);
  }

  async settle(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    accepted: VenueOrder | null,
    outbox: Outbox,
  ): Promise<void> {
    const { exchange, clock, logger, limits } = this.#desk;
    const { client_order_id: clientOrderId, symbol } = submitted;
    const settlement = await settleOrder(exchange, clock, limits.settleWaitsMs, clientOrderId, symbol, accepted);
    switch (settlement.kind) {
      case 'absent':
        return this.reject(submitted, rejectedReport(submitted, 'NOT_PLACED', null, null, clock.now()), intent, outbox);
      case 'doubtful': {
        const report = unknownReport(submitted, settlement.reason, settlement.detail, clock.now());
        outbox.addReport(report, intent);
        const message = 'the fate of an order is UNKNOWN; its position is left alone until it is settled';
        logger.error(describe(report), message);
        return;
      }
      case 'done': {
        const { order } = settlement;
        return this.#orSetAside(submitted, intent, factsOf(order), outbox, async () => {
          if (isFilled(order)) await this.#fill(intent, submitted, order, outbox);
          else this.#addRejected(rejectedReport(submitted, 'NO_FILL', null, order, clock.now()), intent, outbox);
        });
      }
    }
  }

  reject(
    submitted: ExecutionReport,
    report: ExecutionReport,
    intent: HarvestIntent | null,
    outbox: Outbox,
  ): Promise<void> {
    const facts = `the venue has no fill of it: ${report.reason}`;
    return this.#orSetAside(submitted, intent, facts, outbox, async () => this.#addRejected(report, intent, outbox));
  }

  #addRejected(report: ExecutionReport, intent: HarvestIntent | null, outbox: Outbox): void {
    outbox.addReport(report, intent);
    this.#desk.logger.warn(describe(report), 'order rejected');
  }

  async #fill(
    intent: HarvestIntent | null,
    submitted: ExecutionReport,
    filled: FilledOrder,
    outbox: Outbox,
  ): Promise<void> {
    const { exchange, clock, logger } = this.#desk;
    if (intent === null) {
      const why = 'its intent is gone from the log, or cannot be read any more';
      return this.#setAside(submitted, null, `${factsOf(filled)}: ${why}`, outbox);
    }
    const remaining = await remainingAfter(filled, submitted, intent, exchange, clock.now());
    if (remaining === null) {
      return this.#setAside(submitted, intent, `${factsOf(filled)}: ${unsaid(filled, intent)}`, outbox);
    }
    const { order, correction } = datedOrder(filled, clock.now());
    const report = filledReport(submitted, order, remaining, clock.now(), correction);
    // E4: the trade first.
    const trade = tradeOf(intent, exchange.venue, order, remaining);
    const charges = await chargesOf(exchange, intent);
    outbox.addFill(withCosts(trade, fillsOf(order), charges), report, intent);
    logger.info(describe(report), 'order filled');
  }

  /** E14. `conclude` makes the records of the order's end and adds them, all or none; `facts` are what the venue says of it. */
  async #orSetAside(
    submitted: ExecutionReport,
    intent: HarvestIntent | null,
    facts: string,
    outbox: Outbox,
    conclude: () => Promise<void>,
  ): Promise<void> {
    try {
      await conclude();
    } catch (thrown) {
      if (!isNoRecord(thrown)) throw thrown;
      this.#setAside(submitted, intent, `${facts}: ${thrown.message}`, outbox);
    }
  }

  #setAside(submitted: ExecutionReport, intent: HarvestIntent | null, detail: string, outbox: Outbox): void {
    const { clock, logger } = this.#desk;
    const report = unknownReport(submitted, 'ORDER_SET_ASIDE', detail, clock.now());
    outbox.addReport(report, intent);
    logger.error(describe(report), 'an order cannot be finished and is set aside; its position is left alone');
  }
}

function factsOf({ orderId, filledQuantity, averagePrice }: VenueOrder): string {
  return `order ${orderId} filled ${filledQuantity} at ${averagePrice}`;
}

export function describe(report: ExecutionReport): object {
  const { intent_id, position_id, client_order_id, status, reason, detail } = report;
  return { intent_id, position_id, client_order_id, status, reason, detail };
}
