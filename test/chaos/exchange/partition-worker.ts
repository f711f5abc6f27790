import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { executionProcessor } from '../../../pipelines/execution/execution-processor.ts';
import type { DecodedRecord, Processor } from '../../../pipelines/runtime/processor.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Exchange } from '../../../ports/exchange.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent, OrderStyle, PositionReconciled } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { ExecutionLog } from '../../pipelines/execution/execution-log.ts';
import { limitsFor, retried } from './exchange-settings.ts';

interface WorkerOptions {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly order: OrderStyle;
  /** Called with every intent that has been worked. */
  readonly onWorked: (intent: HarvestIntent) => void;
}

/** A partition: a log and a processor of its own, which works published records in batches, as in the runtime. */
export class PartitionWorker {
  readonly log: ExecutionLog;
  readonly #processor: Processor;
  readonly #options: WorkerOptions;
  readonly #machine = new SystemClock();
  readonly #published: DecodedRecord[] = [];
  #working: Promise<void> | null = null;
  #backlog = 0;

  private constructor(log: ExecutionLog, processor: Processor, options: WorkerOptions) {
    this.log = log;
    this.#processor = processor;
    this.#options = options;
  }

  static async start(options: WorkerOptions): Promise<PartitionWorker> {
    const log = await ExecutionLog.open();
    const { exchange, clock, order } = options;
    const writer = new TopicWriter('execution', log.codec);
    const limits = limitsFor(order);
    const processor = executionProcessor({ writer, exchange, clock, logger: SILENT_LOGGER, limits });
    await processor.restore?.(log.replay);
    return new PartitionWorker(log, processor, options);
  }

  /** Records that wait or are being worked. */
  get backlog(): number {
    return this.#backlog;
  }

  publishReconciled(record: PositionReconciled): void {
    this.#publish(this.log.addReconciled(record));
  }

  publishIntent(intent: HarvestIntent): void {
    this.#publish(this.log.addIntent(intent));
  }

  /** Resolves when no record is left. */
  async drained(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  #publish(delivery: DecodedRecord): void {
    this.#published.push(delivery);
    this.#backlog += 1;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async #work(): Promise<void> {
    // Records that are published together form a batch.
    await this.#machine.sleep(0);
    while (this.#published.length > 0) {
      const batch = this.#published.splice(0, this.#processor.maxBatchRecords ?? 1);
      // A transient error repeats the same records, as in the runtime.
      await retried(this.#options.clock, async () =>
        this.log.append(await this.#processor.process(batch, this.log.append)),
      );
      this.#backlog -= batch.length;
      for (const { topic, record } of batch) if (topic === TOPICS.harvestIntent.name) this.#options.onWorked(record);
    }
  }
}
