/**
 * Execution: turns intents into orders, and their fills into reports and trades.
 *
 * reads      harvest.intent, position.reconciled (fills that no report of our orders covers)
 * writes     execution.report, trade.closed
 * state      the ledger (ledger.ts), rebuilt from execution.report, trade.closed and harvest.intent. Intents are read back rather than copied
 *            into every report: only unresolved orders and cooldowns need them.
 * steps      decide.ts (limits.ts, order-plan.ts), place.ts, resolve.ts, record.ts (trades.ts, reports.ts, costs.ts), outbox.ts; reconcile.ts for
 *            fills by others, resting.ts for the orders that rest for a position
 * guarantee  at least once in, effectively once out:
 *
 * EXE-1  SUBMITTED is durable before its order is sent.
 * EXE-2  An order is placed at most once, in any history of crashes and redeliveries: where the ledger has an intent as SUBMITTED, its latest
 *        order is only looked up, and no further order follows. An intent may lead to several orders, one after the other (place.ts); together
 *        they never ask for more than the intent did.
 * EXE-3  client_order_id derives from intent_id and the number of the order, trade_id from client_order_id.
 * EXE-4  The trade of an order is written ahead of the next SUBMITTED or the FILLED, so that no slice is lost.
 * EXE-5  An intent gets exactly one terminal report, over all its orders; a finished intent that is delivered again has no effect.
 * EXE-6  Nothing is invented: price, quantity, fee and remaining quantity are the venue's.
 * EXE-7  Slices add up: sum of trades + remaining = opened + grown, but for orders that are UNKNOWN.
 * EXE-8  Records of one account and symbol are worked in their order: the effects of an earlier one are durable before the order of a later one
 *        is sent. Those of different ones do not wait for each other, up to `maxAtOnce` in the process.
 * EXE-9  After a failed write it is unknown what the log holds: nothing more is begun before the ledger is read back.
 * EXE-10  A fill at the venue that no report covers becomes a trade of its own, once, or resolves the order it belongs to.
 * EXE-11  The kill switch is checked before an order is announced, and again at the moment of sending. An order that was announced and then kept
 *         back ends REJECTED as KILL_SWITCH.
 * EXE-12  Records of an account that this process does not work have no effect. The account may be given to another process meanwhile, so the
 *         claim is checked wherever EXE-11 checks the switch; an order that was announced and must not go any more ends REJECTED as NOT_PLACED.
 * EXE-13  No order is announced that would lead to a record which no topic takes, or that rests on another price than the venue has.
 * EXE-14  An order that cannot be finished is set aside, UNKNOWN, and holds up its own position only.
 *
 * Everything is written through `write`, and `process` returns nothing: so whatever is in the ledger is in the log as well, however the runtime
 * retries. `process` is not called while another call is running, and ends only when all that it began has ended.
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
import type { DecodedRecord, Processor, Replay, Write } from '../runtime/processor.ts';
import { type ExecutionLimits, CloseRate, DEFAULT_LIMITS } from './limits.ts';
import { type Ledger, restoreLedger } from './ledger.ts';
import { Decider } from './decide.ts';
import { Outbox } from './outbox.ts';
import { type OrderDesk, OrderResolver } from './resolve.ts';
import { reconcile } from './reconcile.ts';
import { styleOf } from './order-plan.ts';
import { logContextOf, suppressedReport } from './reports.ts';
import { OrderPlacer } from './place.ts';

export interface ExecutionOptions {
  readonly writer: TopicWriter;
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Those left out are as in DEFAULT_LIMITS. */
  readonly limits?: Partial<ExecutionLimits>;
  readonly killSwitch?: KillSwitch;
  /** Left out: every account. */
  readonly accounts?: WorkedAccounts;
  /** Shared by the partitions of a process. Left out: one of its own. */
  readonly closeRate?: CloseRate;
  /** Bounds how many pairs of account and symbol are worked at the same time; shared as well. Left out: `maxAtOnce` of the limits. */
  readonly atOnce?: AtOnce;
  /** Aborted when the process is to end: then no further order of an intent follows, and none rests. Left out: never. */
  readonly draining?: AbortSignal;
  /** Called with every report once it is durable: for metrics. */
  readonly onReport?: (report: ExecutionReport) => void;
}

/** Runs work as soon as there is room for it. */
type AtOnce = <T>(work: () => Promise<T>) => Promise<T>;

export function executionProcessor(options: ExecutionOptions): Processor {
  return new ExecutionProcessor(options);
}

/**
 * Small enough for a batch to end within the 25 s that a drain may take, so that SIGTERM with a backlog does not end in an error: an order and
 * the questions about its costs take about a second where the venue's request allowance is used up, an order in doubt 10 s, and six partitions
 * of a process share that allowance. Unit: records.
 */
const MAX_BATCH_INTENTS = 8;

type Input = Extract<DecodedRecord, { readonly topic: 'harvest.intent' | 'position.reconciled' }>;

/** Records with the same key are worked one after the other (EXE-8). */
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
  readonly #resolver: OrderResolver;
  readonly #decider: Decider;
  readonly #placer: OrderPlacer;
  #replay: Replay | null = null;
  /** Null while it may differ from the log (EXE-9). */
  #ledger: Ledger | null = null;
  /** The ledger was just read back: orders without an end are resolved before anything else. */
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
    this.#resolver = new OrderResolver(desk);
    const deciding = { ...desk, resolver: this.#resolver, killSwitch: this.#killSwitch, closeRate: this.#closeRate };
    this.#decider = new Decider(deciding);
    this.#placer = new OrderPlacer({
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

  /** Resolves the orders that a crash left without an end. */
  async recover(_: readonly number[], write: Write): Promise<void> {
    try {
      await this.process([], write);
    } catch (thrown) {
      // One order must not keep all partitions waiting: its own looks it up again before the next record.
      if (!isKind(thrown, 'transient') || thrown.code !== 'EXCHANGE_AWAY') throw thrown;
      this.#logger.warn({ code: thrown.code }, `an order is not resolved yet: ${thrown.message}`);
    }
  }

  /** Throws EXCHANGE_AWAY where the venue does not answer about rules or positions; what was decided before is kept. */
  async process(records: readonly DecodedRecord[], write: Write): Promise<readonly EncodedRecord[]> {
    const ledger = this.#ledger ?? (await this.#readLedgerBack(this.#replay));
    if (this.#fresh) {
      const open = Map.groupBy(ledger.openOrders(), ({ report }) => keyOf(report));
      await this.#inLanes(open.values(), ledger, write, (orders, outbox) => this.#resolver.resolveOpen(orders, outbox));
    }
    this.#fresh = false;
    const worked = records.filter(({ topic }) => this.inputs.some(({ name }) => name === topic)) as readonly Input[];
    // Full closes come first, as not all records may be worked at once, and not all orders may go within the minute.
    const lanes = [...Map.groupBy(worked, ({ record }) => keyOf(record)).values()];
    const [urgent, others] = [lanes.filter(isUrgent), lanes.filter((lane) => !isUrgent(lane))];
    await this.#inLanes([...urgent, ...others], ledger, write, async (lane, outbox, hasFailed) => {
      for (const input of lane) {
        if (hasFailed()) return;
        // EXE-12: whoever works the account consumes the record in a group of its own.
        if (!(await this.#accounts.works(input.record.account))) continue;
        const isLatest = input === lane.at(-1);
        if (input.topic === TOPICS.harvestIntent.name) await this.#work(input, isLatest, ledger, outbox);
        else await reconcile(input.record, ledger, outbox, this.#resolver, this.#desk);
      }
    });
    return [];
  }

  /**
   * Works the lanes beside each other, each with an outbox of its own (EXE-8). A lane that fails holds up no other, unless its write to the log
   * failed (EXE-9). Throws after all have ended.
   */
  async #inLanes<T>(
    lanes: Iterable<readonly T[]>,
    ledger: Ledger,
    write: Write,
    work: (lane: readonly T[], outbox: Outbox, hasFailed: () => boolean) => Promise<void>,
  ): Promise<void> {
    const options = { writer: this.#writer, clock: this.#clock, logger: this.#logger, onReport: this.#onReport };
    const outboxes: Outbox[] = [];
    const hasFailed = (): boolean => outboxes.some(({ failed }) => failed);
    const working = Array.from(lanes, (lane) =>
      this.#atOnce(async () => {
        const outbox = new Outbox(options, ledger, write);
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
    // An error that must not be retried outweighs one that may.
    if (errors.length > 0) throw errors.find((error) => !isKind(error, 'transient')) ?? errors[0];
  }

  async #readLedgerBack(replay: Replay | null): Promise<Ledger> {
    if (replay === null) {
      throw new HarvestlineError('LEDGER_BROKEN', 'execution was given records before its ledger was restored');
    }
    this.#ledger = await restoreLedger(replay, this.#closeRate, (report) => this.#resolver.isOwn(report));
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
    if (submitted !== undefined) return this.#resolver.resolveSubmitted(intent, submitted, outbox);
    const style = styleOf(intent, this.#limits.order, isLatest);
    const decision = await this.#decider.decide(intent, at, style, ledger, outbox);
    if (decision.kind === 'send') {
      return this.#placer.place(intent, at, style, decision.first, decision.rules, outbox);
    }
    const { suppression, sized } = decision;
    const report = suppressedReport(intent, at, this.#exchange.venue, suppression, sized, style, this.#clock.now());
    outbox.addReport(report, intent);
    this.#logger.debug(logContextOf(report), 'intent suppressed');
  }
}
