import { PaperExchange } from '../../../connectors/exchange/paper/paper-exchange.ts';
import type { PaperFaults } from '../../../connectors/exchange/paper/fill-plan.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { isKind } from '../../../errors/harvestline-error.ts';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { OrderTerms } from '../../../pipelines/execution/order-plan.ts';
import type { DecodedRecord, Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { Exchange, RestingOrder } from '../../../ports/exchange.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent } from '../../../schemas/generated/records.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { OPENED_AT } from '../../fixtures/an-intent.ts';
import { Crash, type Interruption, Interruptions } from './interruptions.ts';
import type { ExecutionLog } from './execution-log.ts';

export interface Growth {
  readonly id: string;
  readonly quantity: string;
}

export interface Story {
  readonly seed: number;
  readonly faults: PaperFaults;
  /** Each intent with how late it is worked and what its position grows by before that. */
  readonly intents: readonly {
    readonly intent: HarvestIntent;
    readonly lagMs: number;
    readonly growth: Growth | null;
  }[];
  readonly interruptions: ReadonlyMap<number, Interruption>;
  /** How orders are sent; the usual way where left out. */
  readonly order?: OrderTerms;
  /** What rests at the venue for each position; nothing where left out. */
  readonly resting?: readonly RestingOrder[];
  /** How often a partition's records are worked late, all in one batch, rather than as they come; 0 to 1. */
  readonly backlog: number;
}

/** At most this many records a batch, and so close together unless there is a backlog. Unit: records, milliseconds. */
const MAX_BATCH = 4;
const BATCH_SPAN_MS = 120_000;

/** More than one, so that some are worked at the same time (EXE-8). */
const SYMBOLS_A_PARTITION = 2;

interface Delivery {
  readonly delivery: DecodedRecord;
  readonly workedAt: number;
  readonly grow: () => void;
}

/**
 * Execution between a log and the paper venue, run as the runtime would: partitions in any interleaving, batches of any
 * size, offsets that go back, a new processor from the log after every crash, the same one again after a transient error.
 */
export class RoughWorld {
  readonly log: ExecutionLog;
  readonly exchange: PaperExchange;
  /** client_order_id -> how often an order was sent with it. */
  readonly placed = new Map<string, number>();
  /** Orders that were sent before their SUBMITTED was durable. */
  readonly sentAhead: string[] = [];
  readonly interruptions: Interruptions;
  /** By symbol. */
  readonly resting: Map<string, readonly RestingOrder[]>;
  readonly #clock = new VirtualClock(OPENED_AT);
  readonly #story: Story;

  constructor(log: ExecutionLog, story: Story) {
    this.log = log;
    this.#story = story;
    this.interruptions = new Interruptions(story.interruptions);
    const { seed, faults, intents, resting = [] } = story;
    this.resting = new Map(intents.map(({ intent }) => [intent.symbol, resting]));
    this.exchange = new PaperExchange({ path: ':memory:', clock: this.#clock, random: new SeededRandom(seed), faults });
    this.#letRest();
  }

  async run(): Promise<void> {
    const partitions = this.#deliver();
    const committed = partitions.map(() => 0);
    const choices = new SeededRandom(this.#story.seed).stream('deliveries');
    let processor = await this.#started();
    for (;;) {
      const open = [...partitions.keys()].filter((index) => (committed[index] ?? 0) < (partitions[index] ?? []).length);
      const nextAt = (index: number): number => partitions[index]?.[committed[index] ?? 0]?.workedAt ?? Infinity;
      const behind = choices.uniform() < this.#story.backlog;
      const partition = behind
        ? open[choices.integer(0, Math.max(0, open.length - 1))]
        : open.toSorted((a, b) => nextAt(a) - nextAt(b))[0];
      if (partition === undefined) return;
      // A rebalance may hand out records again that were committed.
      const from = Math.max(0, (committed[partition] ?? 0) - choices.integer(0, 1));
      const latest = behind ? Infinity : nextAt(partition) + BATCH_SPAN_MS;
      const wanted = (partitions[partition] ?? []).slice(from, from + choices.integer(1, MAX_BATCH));
      const cut = wanted.findIndex(({ workedAt }) => workedAt > latest);
      const batch = cut < 0 ? wanted : wanted.slice(0, cut);
      try {
        await this.#work(processor, batch);
        committed[partition] = Math.max(committed[partition] ?? 0, from + batch.length);
      } catch (error) {
        if (error instanceof Crash) processor = await this.#started();
        else if (!isKind(error, 'transient')) throw error;
      }
    }
  }

  /** Every intent once more to a processor that knows only the log. */
  async redeliverAll(): Promise<void> {
    this.interruptions.end();
    const processor = await this.freshProcessor();
    for (const partition of this.#deliver()) await this.#work(processor, partition);
  }

  async freshProcessor(): Promise<Processor> {
    this.interruptions.revive();
    const processor = executionProcessor({
      writer: new TopicWriter('execution', this.log.codec),
      exchange: this.interruptions.exchange(this.exchange, (clientOrderId) => this.#onPlaced(clientOrderId)),
      clock: this.#clock,
      logger: SILENT_LOGGER,
      limits: this.#story.order === undefined ? {} : { order: this.#story.order },
    });
    await processor.restore?.(this.log.replay);
    return processor;
  }

  /** At the paper venue nothing rests: others' orders are put there. */
  #letRest(): void {
    const venue: Exchange = this.exchange;
    venue.resting = (symbol) => Promise.resolve(this.resting.get(symbol) ?? []);
    venue.cancelResting = (symbol, { orderId }) => {
      const before = this.resting.get(symbol) ?? [];
      const left = before.filter((one) => one.orderId !== orderId);
      this.resting.set(symbol, left);
      return Promise.resolve({ kind: left.length < before.length ? 'cancelled' : 'gone' });
    };
  }

  /** As the runtime starts one: restored, and asked to recover until no error is in the way. */
  async #started(): Promise<Processor> {
    let processor = await this.freshProcessor();
    for (;;) {
      try {
        await processor.recover?.([], this.interruptions.write(this.log.append));
        return processor;
      } catch (error) {
        if (error instanceof Crash) processor = await this.freshProcessor();
        else if (!isKind(error, 'transient')) throw error;
      }
    }
  }

  async #work(processor: Processor, batch: readonly Delivery[]): Promise<void> {
    for (const { workedAt, grow } of batch) {
      if (this.#clock.now() < workedAt) this.#clock.set(workedAt);
      grow();
    }
    await this.interruptions.around('CRASH', async () => {
      const records = batch.map(({ delivery }) => delivery);
      await this.log.append(await processor.process(records, this.interruptions.write(this.log.append)));
    });
  }

  #onPlaced(clientOrderId: string): void {
    this.placed.set(clientOrderId, (this.placed.get(clientOrderId) ?? 0) + 1);
    const durable = this.log.reports.some(
      (report) => report.client_order_id === clientOrderId && report.status === 'SUBMITTED',
    );
    if (!durable) this.sentAhead.push(clientOrderId);
  }

  /** The intents in order, those of a symbol in one partition, which it shares with others. */
  #deliver(): readonly (readonly Delivery[])[] {
    const symbols = [...new Set(this.#story.intents.map(({ intent }) => intent.symbol))];
    const partitions = Math.ceil(symbols.length / SYMBOLS_A_PARTITION);
    const shared = Map.groupBy(this.#story.intents, ({ intent }) => symbols.indexOf(intent.symbol) % partitions);
    return [...shared.values()].map((intents, partition) =>
      intents.map(({ intent, lagMs, growth }): Delivery => ({
        delivery: this.log.addIntent(intent, partition),
        workedAt: intent.observed_at + lagMs,
        grow: () => {
          if (growth === null) return;
          this.exchange.grow(intent.position_id, growth.id, growth.quantity, String(intent.mark_price));
        },
      })),
    );
  }
}
