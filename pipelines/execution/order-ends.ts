import type { Clock } from '../../ports/clock.ts';
import type { Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { ExecutionReport, HarvestIntent, PositionId } from '../../schemas/generated/records.ts';
import type { Ledger } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import { remainingAfter } from './remaining.ts';
import { filledReport, rejectedReport, unknownReport } from './reports.ts';
import { settleEarlier } from './settle-earlier.ts';
import { settleOrder } from './settle-order.ts';
import type { Suppression } from './suppression.ts';
import { isFilled, tradeOf } from './trade.ts';

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

  /** Orders that a crash left without an end; their intents need not come again. */
  async settleOpen(ledger: Ledger, outbox: Outbox): Promise<void> {
    for (const { report, intent } of ledger.openOrders()) {
      if (!(await this.#desk.accounts.works(report.account))) continue;
      if (intent !== null) await this.settleSubmitted(intent, report, outbox);
      else {
        const message = 'an order has no end, and its intent is gone from the log: look at the venue';
        this.#desk.logger.error(describe(report), message);
      }
    }
  }

  /** An order that was announced by an earlier run. */
  async settleSubmitted(intent: HarvestIntent, submitted: ExecutionReport, outbox: Outbox): Promise<void> {
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
    const { exchange, logger } = this.#desk;
    return settleEarlier(positionId, { exchange, logger, isOwn: (report) => this.isOwn(report) }, ledger, outbox);
  }

  async settle(
    intent: HarvestIntent,
    submitted: ExecutionReport,
    accepted: VenueOrder | null,
    outbox: Outbox,
  ): Promise<void> {
    const { exchange, clock, logger, limits } = this.#desk;
    const { client_order_id: clientOrderId, symbol } = submitted;
    const settlement = await settleOrder(exchange, clock, limits.settleWaitsMs, clientOrderId, symbol, accepted);
    switch (settlement.kind) {
      case 'absent':
        return this.reject(rejectedReport(submitted, 'NOT_PLACED', null, null, clock.now()), intent, outbox);
      case 'doubtful': {
        const report = unknownReport(submitted, settlement.reason, settlement.detail, clock.now());
        outbox.addReport(report, intent);
        const message = 'the fate of an order is UNKNOWN; its position is left alone until it is settled';
        logger.error(describe(report), message);
        return;
      }
      case 'done': {
        const { order } = settlement;
        if (!isFilled(order))
          return this.reject(rejectedReport(submitted, 'NO_FILL', null, order, clock.now()), intent, outbox);
        const remaining = await remainingAfter(order, submitted, intent, exchange);
        const report = filledReport(submitted, order, remaining, clock.now());
        // E4: the trade first.
        outbox.addTrade(tradeOf(intent, exchange.venue, order, remaining), submitted);
        outbox.addReport(report, intent);
        logger.info(describe(report), 'order filled');
      }
    }
  }

  reject(report: ExecutionReport, intent: HarvestIntent, outbox: Outbox): void {
    outbox.addReport(report, intent);
    this.#desk.logger.warn(describe(report), 'order rejected');
  }
}

export function describe(report: ExecutionReport): object {
  const { intent_id, position_id, client_order_id, status, reason, detail } = report;
  return { intent_id, position_id, client_order_id, status, reason, detail };
}
