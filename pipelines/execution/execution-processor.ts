/**
 * Execution: turns intents into orders, and their fills into the truth about what was closed.
 *
 * reads      harvest.intent
 * writes     execution.report, trade.closed
 * state      the ledger (ledger.ts), rebuilt from execution.report, with trade.closed and harvest.intent for what a
 *            report does not repeat (restore-ledger.ts). Intents are read back rather than copied into every report:
 *            only unsettled orders and cooldowns need them.
 * guarantee  at least once in, effectively once out:
 *
 * E1  SUBMITTED is durable before its order is sent.
 * E2  An order is placed at most once per intent, in any history of crashes and redeliveries: an intent that the ledger
 *     has as SUBMITTED is only ever looked up.
 * E3  client_order_id derives from intent_id, trade_id from client_order_id.
 * E4  An order's trade.closed goes to the log ahead of its FILLED, so no slice is lost.
 * E5  An intent gets exactly one terminal report; a finished intent delivered again causes nothing.
 * E6  Nothing is invented: price, quantity, fee and remaining are the venue's.
 * E7  Slices add up: sum of trades + remaining = opened + grown, but for orders that are UNKNOWN.
 * E8  The log has the work in its order: what an earlier intent caused is durable before a later one's order is sent.
 * E9  After a write that failed nobody knows what the log holds, so the ledger is read back before anything else.
 *
 * Everything goes through `write`, and `process` returns nothing: what is in the ledger is then always in the log as
 * well, however the runtime retries. `process` is not called while another call is running.
 */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ExecutionReport, HarvestIntent } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DecodedRecord, Processor, Replay, Write } from '../processor.ts';
import type { Ledger } from './ledger.ts';
import { DEFAULT_LIMITS, type ExecutionLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { rejectionReason } from './reasons.ts';
import {
  type Sized,
  filledReport,
  rejectedReport,
  submittedReport,
  suppressedReport,
  unknownReport,
} from './reports.ts';
import { restoreLedger } from './restore-ledger.ts';
import { settleEarlier } from './settle-earlier.ts';
import { settleOrder } from './settle-order.ts';
import { type OrderSizing, sizeOrder } from './size-order.ts';
import { type Suppression, cooldown, staleness } from './suppression.ts';
import { isFilled, tradeOf } from './trade.ts';

export interface ExecutionOptions {
  readonly writer: TopicWriter;
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is left out is as in DEFAULT_LIMITS. */
  readonly limits?: Partial<ExecutionLimits>;
  /** The kill switch: while it says true no order is sent. Asked for each intent. */
  readonly halted?: () => boolean;
  /** Told of every report once it is durable: for metrics. */
  readonly onReport?: (report: ExecutionReport) => void;
}

export function executionProcessor(options: ExecutionOptions): Processor {
  return new ExecutionProcessor(options);
}

type Decision =
  | { readonly kind: 'send'; readonly sized: Sized<OrderSizing> }
  | { readonly kind: 'suppress'; readonly suppression: Suppression; readonly sized: Sized | null };

/**
 * An order takes about 0.2 s, one in doubt 10 s: so many intents, two of them in doubt, fit into the 25 s that a drain may
 * take. A backlog must not make SIGTERM end in an error.
 */
const MAX_BATCH_INTENTS = 16;

const KILL_SWITCH: Suppression = { reason: 'KILL_SWITCH', detail: null };
const UNKNOWN_SYMBOL: Suppression = { reason: 'UNKNOWN_SYMBOL', detail: null };

class ExecutionProcessor implements Processor {
  readonly name = 'execution';
  readonly inputs = [TOPICS.harvestIntent];
  readonly maxBatchRecords = MAX_BATCH_INTENTS;
  readonly #writer: TopicWriter;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: ExecutionLimits;
  readonly #halted: () => boolean;
  readonly #onReport: ((report: ExecutionReport) => void) | undefined;
  #replay: Replay | null = null;
  /** Null while it is not known to agree with the log (E9). */
  #ledger: Ledger | null = null;

  constructor(options: ExecutionOptions) {
    this.#writer = options.writer;
    this.#exchange = options.exchange;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#halted = options.halted ?? (() => false);
    this.#onReport = options.onReport;
  }

  async restore(replay: Replay): Promise<void> {
    this.#replay = replay;
    this.#ledger = null;
    this.#ledger = await restoreLedger(replay);
  }

  /** Throws EXCHANGE_AWAY when the venue does not answer about rules or positions; what was decided before is kept. */
  async process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const ledger = this.#ledger ?? (await this.#readLedgerBack());
    const outbox = new Outbox(this.#writer, ledger, write, this.#onReport);
    try {
      for (const { topic, record, at } of records) {
        if (topic === TOPICS.harvestIntent.name) await this.#work(record, at, ledger, outbox);
      }
    } finally {
      try {
        await outbox.flush();
      } finally {
        if (outbox.failed) this.#ledger = null;
      }
    }
    return [];
  }

  async #readLedgerBack(): Promise<Ledger> {
    if (this.#replay === null) {
      throw new HarvestlineError('LEDGER_BROKEN', 'execution was given records before its ledger was restored');
    }
    this.#ledger = await restoreLedger(this.#replay);
    return this.#ledger;
  }

  async #work(intent: HarvestIntent, at: LogRecord, ledger: Ledger, outbox: Outbox): Promise<void> {
    if (ledger.isFinished(intent.intent_id)) return;
    const submitted = ledger.submitted(intent.intent_id);
    if (submitted !== undefined) {
      this.#logger.warn(describe(submitted), 'the order may have been sent before a restart; asking the venue');
      return this.#settle(intent, submitted, null, outbox);
    }
    const decision = await this.#decide(intent, ledger, outbox);
    if (decision.kind === 'send') return this.#send(intent, at, decision.sized, outbox);
    const { suppression, sized } = decision;
    const report = suppressedReport(intent, at, this.#exchange.venue, suppression, sized, this.#clock.now());
    outbox.addReport(report, intent);
    this.#logger.debug(describe(report), 'intent suppressed');
  }

  /** What costs nothing is asked first; orders in doubt before anything that depends on how they ended. */
  async #decide(intent: HarvestIntent, ledger: Ledger, outbox: Outbox): Promise<Decision> {
    const exchange = this.#exchange;
    const suppression =
      staleness(intent, this.#clock.now(), this.#limits) ??
      (await settleEarlier(intent.position_id, exchange, ledger, outbox, this.#logger)) ??
      (this.#halted() ? KILL_SWITCH : null) ??
      cooldown(intent, ledger.lastPartialObservedAt(intent.position_id), this.#limits);
    if (suppression !== null) return { kind: 'suppress', suppression, sized: null };

    const rules = await exchange.rules(intent.symbol, intent);
    if (rules === null) return { kind: 'suppress', suppression: UNKNOWN_SYMBOL, sized: null };
    const { quantity: position } = await exchange.position(intent);
    const sizing = sizeOrder(position, intent.fraction, intent.mark_price, rules);
    return sizing.kind === 'order'
      ? { kind: 'send', sized: { position, sizing } }
      : { kind: 'suppress', suppression: sizing, sized: { position, sizing } };
  }

  async #send(intent: HarvestIntent, at: LogRecord, sized: Sized<OrderSizing>, outbox: Outbox): Promise<void> {
    const submitted = submittedReport(intent, at, this.#exchange.venue, sized, this.#clock.now());
    outbox.addReport(submitted, intent);
    // E1, E8: the write-ahead entry, and all that came before it.
    await outbox.flush();
    const placement = await this.#exchange.place({
      clientOrderId: submitted.client_order_id,
      position: intent,
      quantity: sized.sizing.rounded.toFixed(),
    });
    switch (placement.kind) {
      case 'accepted':
        return this.#settle(intent, submitted, placement.order, outbox);
      case 'in-doubt':
        this.#logger.warn(
          { ...describe(submitted), doubt: placement.message },
          'the order is in doubt; asking the venue',
        );
        return this.#settle(intent, submitted, null, outbox);
      case 'rejected': {
        const reason = rejectionReason(placement.code);
        if (reason === null) return this.#settle(intent, submitted, null, outbox);
        const detail = `${placement.code}: ${placement.message}`;
        return this.#reject(rejectedReport(submitted, reason, detail, null, this.#clock.now()), intent, outbox);
      }
    }
  }

  /** Finds out how an order ended, and reports it. It never sends one (E2). */
  async #settle(
    intent: HarvestIntent,
    submitted: ExecutionReport,
    accepted: VenueOrder | null,
    outbox: Outbox,
  ): Promise<void> {
    const { client_order_id: clientOrderId, symbol } = submitted;
    const waits = this.#limits.settleWaitsMs;
    const settlement = await settleOrder(this.#exchange, this.#clock, waits, clientOrderId, symbol, accepted);
    switch (settlement.kind) {
      case 'absent':
        return this.#reject(rejectedReport(submitted, 'NOT_PLACED', null, null, this.#clock.now()), intent, outbox);
      case 'doubtful': {
        const report = unknownReport(submitted, settlement.reason, settlement.detail, this.#clock.now());
        outbox.addReport(report, intent);
        this.#logger.error(
          describe(report),
          'the fate of an order is UNKNOWN; its position is left alone until it is settled',
        );
        return;
      }
      case 'done': {
        const { order } = settlement;
        if (!isFilled(order))
          return this.#reject(rejectedReport(submitted, 'NO_FILL', null, order, this.#clock.now()), intent, outbox);
        const remaining = order.positionAfter ?? (await this.#exchange.position(intent)).quantity;
        const report = filledReport(submitted, order, remaining, this.#clock.now());
        // E4: the trade first.
        outbox.addTrade(tradeOf(intent, this.#exchange.venue, order, remaining), submitted);
        outbox.addReport(report, intent);
        this.#logger.info(describe(report), 'order filled');
      }
    }
  }

  #reject(report: ExecutionReport, intent: HarvestIntent, outbox: Outbox): void {
    outbox.addReport(report, intent);
    this.#logger.warn(describe(report), 'order rejected');
  }
}

function describe(report: ExecutionReport): object {
  const { intent_id, position_id, client_order_id, status, reason, detail } = report;
  return { intent_id, position_id, client_order_id, status, reason, detail };
}
