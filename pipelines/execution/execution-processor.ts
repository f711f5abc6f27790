/**
 * Execution: turns intents into orders, and their fills into the truth about what was closed.
 *
 * reads      harvest.intent, position.reconciled (fills that no order of ours has reported)
 * writes     execution.report, trade.closed
 * state      the ledger (ledger.ts), rebuilt from execution.report, with trade.closed and harvest.intent for what a
 *            report does not repeat (restoreLedger). Intents are read back rather than copied into every report:
 *            only unsettled orders and cooldowns need them.
 * guarantee  at least once in, effectively once out:
 *
 * E1  SUBMITTED is durable before its order is sent.
 * E2  An order is placed at most once, in any history of crashes and redeliveries: of an intent that the ledger has as SUBMITTED the latest
 *     order is only ever looked up, and no further one follows. An intent may lead to several orders, one after the other (place.ts);
 *     together they never ask for more than it did.
 * E3  client_order_id derives from intent_id and the order's number, trade_id from client_order_id.
 * E4  An order's trade.closed goes to the log ahead of the next SUBMITTED or the FILLED, so no slice is lost.
 * E5  An intent gets exactly one terminal report, over all of its orders; a finished intent delivered again causes nothing.
 * E6  Nothing is invented: price, quantity, fee and remaining are the venue's.
 * E7  Slices add up: sum of trades + remaining = opened + grown, but for orders that are UNKNOWN.
 * E8  Records of one account and symbol are worked in their order: what an earlier one caused is durable before a later one's order is
 *     sent. Those of different ones do not wait for each other, within `maxAtOnce` of the process.
 * E9  After a write that failed nobody knows what the log holds, so nothing more is begun before the ledger is read back.
 * E10 A fill at the venue that no report tells of becomes a trade of its own, once, or settles the order it belongs to.
 * E11 The kill switch is asked before an order is announced, and again at the moment at which it is sent. One that was announced and is
 *     kept back ends REJECTED as KILL_SWITCH.
 * E12 What is of an account that this process does not work causes nothing. An account may be given to others meanwhile, so that is asked
 *     where E11 asks, too; an order that was announced and must not go any more ends REJECTED as NOT_PLACED.
 * E13 No order is announced that would lead to a record which no topic takes, or that rests on another price than the venue has.
 * E14 An order that cannot be finished is set aside, UNKNOWN, and holds up nothing but its own position.
 *
 * Everything goes through `write`, and `process` returns nothing: what is in the ledger is then always in the log as
 * well, however the runtime retries. `process` is not called while another call is running, and ends when all that it began has ended.
 */
import pLimit from 'p-limit';
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Exchange } from '../../ports/exchange.ts';
import { NEVER_HALTED, type KillSwitch } from '../../ports/kill-switch.ts';
import type { Logger } from '../../ports/logger.ts';
import { EVERY_ACCOUNT, type WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { ExecutionReport } from '../../schemas/generated/records.ts';
import type { EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DecodedRecord, Processor, Replay, Write } from '../processor.ts';
import { type ExecutionLimits, CloseRate, DEFAULT_LIMITS } from './limits.ts';
import { type Ledger, restoreLedger } from './ledger.ts';
import { Decider } from './decide.ts';
import { Outbox } from './outbox.ts';
import { type OrderDesk, OrderEnds, describe } from './resolve.ts';
import { reconcile } from './reconcile.ts';
import { styleOf } from './order-plan.ts';
import { suppressedReport } from './reports.ts';
import { OrderSender } from './place.ts';

export interface ExecutionOptions {
  readonly writer: TopicWriter;
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is left out is as in DEFAULT_LIMITS. */
  readonly limits?: Partial<ExecutionLimits>;
  readonly killSwitch?: KillSwitch;
  /** Every account where left out. */
  readonly accounts?: WorkedAccounts;
  /** Shared by the partitions of a process. */
  readonly closeRate?: CloseRate;
  /** How many accounts and symbols are worked at the same time; shared as well. `maxAtOnce` of the limits where left out. */
  readonly atOnce?: AtOnce;
  /** Aborted when the process is to end: no order follows another of its intent then, and none rests. Left out: never. */
  readonly draining?: AbortSignal;
  /** Told of every report once it is durable: for metrics. */
  readonly onReport?: (report: ExecutionReport) => void;
}

/** Begins work as soon as there is room for it. */
export type AtOnce = <T>(work: () => Promise<T>) => Promise<T>;

export function executionProcessor(options: ExecutionOptions): Processor {
  return new ExecutionProcessor(options);
}

/**
 * A batch ends within the 25 s that a drain may take, so that SIGTERM with a backlog does not end in an error: an order and what is asked of
 * its costs take about a second where the venue's allowance of requests is used up, one in doubt 10 s, and six partitions of a process share
 * that allowance.
 */
const MAX_BATCH_INTENTS = 8;

type Input = Extract<DecodedRecord, { readonly topic: 'harvest.intent' | 'position.reconciled' }>;

/** What a venue has one position of. */
function keyOf({ account, symbol }: { readonly account: string; readonly symbol: string }): string {
  return `${account}:${symbol}`;
}

function isUrgent(lane: readonly Input[]): boolean {
  return lane.some(({ topic, record }) => topic === TOPICS.harvestIntent.name && record.action === 'CLOSE');
}

class ExecutionProcessor implements Processor {
  readonly name = 'execution';
  readonly inputs = [TOPICS.harvestIntent, TOPICS.positionReconciled];
  readonly maxBatchRecords = MAX_BATCH_INTENTS;
  readonly #writer: TopicWriter;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: ExecutionLimits;
  readonly #killSwitch: KillSwitch;
  readonly #accounts: WorkedAccounts;
  readonly #closeRate: CloseRate;
  readonly #atOnce: AtOnce;
  readonly #onReport: ((report: ExecutionReport) => void) | undefined;
  readonly #desk: OrderDesk;
  readonly #ends: OrderEnds;
  readonly #decider: Decider;
  readonly #sender: OrderSender;
  #replay: Replay | null = null;
  /** Null while it is not known to agree with the log (E9). */
  #ledger: Ledger | null = null;
  /** The ledger was just read back: orders without an end are asked for before anything else. */
  #fresh = false;

  constructor(options: ExecutionOptions) {
    this.#writer = options.writer;
    this.#exchange = options.exchange;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#killSwitch = options.killSwitch ?? NEVER_HALTED;
    this.#accounts = options.accounts ?? EVERY_ACCOUNT;
    this.#closeRate = options.closeRate ?? new CloseRate(options.clock);
    this.#atOnce = options.atOnce ?? pLimit(this.#limits.maxAtOnce);
    this.#onReport = options.onReport;
    const { exchange, clock, logger } = options;
    const desk = { exchange, accounts: this.#accounts, clock, logger, limits: this.#limits };
    this.#desk = desk;
    this.#ends = new OrderEnds(desk);
    const deciding = { ...desk, ends: this.#ends, killSwitch: this.#killSwitch, closeRate: this.#closeRate };
    this.#decider = new Decider(deciding);
    this.#sender = new OrderSender({
      ...deciding,
      decider: this.#decider,
      draining: options.draining ?? new AbortController().signal,
    });
  }

  async restore(replay: Replay): Promise<void> {
    this.#replay = replay;
    this.#ledger = null;
    await this.#readLedgerBack(replay);
  }

  /** Orders that a crash left without an end. */
  async settle(_: readonly number[], write: Write): Promise<void> {
    try {
      await this.process([], write);
    } catch (thrown) {
      // One order must not keep all partitions waiting: its own asks again before its next record.
      if (!isKind(thrown, 'transient') || thrown.code !== 'EXCHANGE_AWAY') throw thrown;
      this.#logger.warn({ code: thrown.code }, `an order is not settled yet: ${thrown.message}`);
    }
  }

  /** Throws EXCHANGE_AWAY when the venue does not answer about rules or positions; what was decided before is kept. */
  async process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const ledger = this.#ledger ?? (await this.#readLedgerBack(this.#replay));
    if (this.#fresh) {
      const open = Map.groupBy(ledger.openOrders(), ({ report }) => keyOf(report));
      await this.#inLanes(open.values(), ledger, write, (orders, outbox) => this.#ends.settleOpen(orders, outbox));
    }
    this.#fresh = false;
    const worked = records.filter(({ topic }) => this.inputs.some(({ name }) => name === topic)) as readonly Input[];
    // Where not all can be worked at once, or sent within the minute, those that close a position whole are the first.
    const lanes = [...Map.groupBy(worked, ({ record }) => keyOf(record)).values()];
    const [urgent, others] = [lanes.filter(isUrgent), lanes.filter((lane) => !isUrgent(lane))];
    await this.#inLanes([...urgent, ...others], ledger, write, async (lane, outbox, hasFailed) => {
      for (const input of lane) {
        if (hasFailed()) return;
        // E12: others consume it in their own group.
        if (!(await this.#accounts.works(input.record.account))) continue;
        const isLatest = input === lane.at(-1);
        if (input.topic === TOPICS.harvestIntent.name) await this.#work(input, isLatest, ledger, outbox);
        else await reconcile(input.record, ledger, outbox, this.#ends, this.#desk);
      }
    });
    return [];
  }

  /**
   * E8, E9: each lane by itself, with an outbox of its own. One that fails holds up no other, unless the log did not take what it wrote.
   * Throws when all have ended.
   */
  async #inLanes<T>(
    lanes: Iterable<readonly T[]>,
    ledger: Ledger,
    write: Write,
    work: (lane: readonly T[], outbox: Outbox, hasFailed: () => boolean) => Promise<void>,
  ): Promise<void> {
    const world = { writer: this.#writer, clock: this.#clock, logger: this.#logger, onReport: this.#onReport };
    const outboxes: Outbox[] = [];
    const hasFailed = (): boolean => outboxes.some(({ failed }) => failed);
    const working = Array.from(lanes, (lane) =>
      this.#atOnce(async () => {
        const outbox = new Outbox(world, ledger, write);
        outboxes.push(outbox);
        try {
          await work(lane, outbox, hasFailed);
        } finally {
          await outbox.flush();
        }
      }),
    );
    const ended = await Promise.allSettled(working);
    if (hasFailed()) this.#ledger = null;
    const errors = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    // What must not be tried again outweighs what may.
    if (errors.length > 0) throw errors.find((error) => !isKind(error, 'transient')) ?? errors[0];
  }

  async #readLedgerBack(replay: Replay | null): Promise<Ledger> {
    if (replay === null) {
      throw new HarvestlineError('LEDGER_BROKEN', 'execution was given records before its ledger was restored');
    }
    this.#ledger = await restoreLedger(replay, this.#closeRate, (report) => this.#ends.isOwn(report));
    this.#fresh = true;
    return this.#ledger;
  }

  async #work(
    { record: intent, at }: Input & { readonly topic: typeof TOPICS.harvestIntent.name },
    isLatest: boolean,
    ledger: Ledger,
    outbox: Outbox,
  ): Promise<void> {
    if (ledger.isFinished(intent.intent_id)) return;
    const submitted = ledger.submitted(intent.intent_id);
    if (submitted !== undefined) return this.#ends.settleSubmitted(intent, submitted, outbox);
    const style = styleOf(intent, this.#limits.order, isLatest);
    const decision = await this.#decider.decide(intent, at, style, ledger, outbox);
    if (decision.kind === 'send') {
      return this.#sender.send(intent, at, style, decision.first, decision.rules, outbox);
    }
    const { suppression, sized } = decision;
    const report = suppressedReport(intent, at, this.#exchange.venue, suppression, sized, style, this.#clock.now());
    outbox.addReport(report, intent);
    this.#logger.debug(describe(report), 'intent suppressed');
  }
}
