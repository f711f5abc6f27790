import type { Clock } from '../../ports/clock.ts';
import type { BatchHandler, SubscribeOptions, Subscription } from '../../ports/event-log.ts';
import type { EmbeddedLog } from './embedded-log.ts';
import { ProcessLock } from './process-lock.ts';

/** Default size of a batch: large enough that its one sync to disk is shared by many records. Unit: records. */
const MAX_BATCH_RECORDS = 500;

/** How often an idle member looks for new records, and a standing-by member for its turn. Unit: milliseconds. */
const POLL_MS = 25;

/**
 * One member of a consumer group on the embedded log. Either it runs by itself (`start`) or its owner calls `pump`.
 * L4: the group's lock makes it the only one at work; others stand by.
 */
export class EmbeddedConsumer implements Subscription {
  readonly #log: EmbeddedLog;
  readonly #options: SubscribeOptions;
  readonly #handler: BatchHandler;
  readonly #clock: Clock;
  readonly #onStopped: () => void;
  readonly #stopping = new AbortController();
  readonly #positions = new Map<string, number>();
  #lock: ProcessLock | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(log: EmbeddedLog, options: SubscribeOptions, handler: BatchHandler, clock: Clock, onStopped: () => void) {
    this.#log = log;
    this.#options = options;
    this.#handler = handler;
    this.#clock = clock;
    this.#onStopped = onStopped;
  }

  get done(): Promise<void> {
    return this.#running;
  }

  start(): void {
    this.#running = this.#run();
    // The owner learns of a failure from `done`; without this the process would die of an unhandled rejection first.
    this.#running.catch(() => {});
  }

  /** True once this member is the group's only one at work. */
  async join(): Promise<boolean> {
    if (this.#lock !== null) return true;
    this.#lock = ProcessLock.tryAcquire(this.#log.dataDir, `group-${this.#options.group}`);
    if (this.#lock === null) return false;
    await this.#options.onAssigned?.();
    await this.#seek();
    return true;
  }

  /** Works off every batch that is there now and returns the number of records. Call `join` first. */
  async pump(): Promise<number> {
    let records = 0;
    for (;;) {
      const before = records;
      for (const topic of this.#options.topics) {
        for (let partition = 0; partition < this.#log.partitionsOf(topic); partition++) {
          if (this.#stopping.signal.aborted) return records;
          records += await this.#pumpPartition(topic, partition);
        }
      }
      if (records === before) return records;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running.catch(() => {});
    this.#lock?.release();
    this.#lock = null;
    this.#onStopped();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !(await this.join())) await this.#clock.sleep(POLL_MS, signal);
    while (!signal.aborted) {
      if ((await this.pump()) === 0) await this.#clock.sleep(POLL_MS, signal);
    }
  }

  async #seek(): Promise<void> {
    for (const topic of this.#options.topics) {
      const committed = await this.#log.committed(this.#options.group, topic);
      for (const { partition, begin, end } of await this.#log.offsets(topic)) {
        const start = this.#options.from === 'beginning' ? begin : end;
        this.#positions.set(`${topic}/${partition}`, Math.max(committed.get(partition) ?? start, begin));
        // A member that starts at the end must find the same end after a crash, so it is committed at once.
        if (!committed.has(partition) && this.#options.from === 'latest') {
          this.#log.appendAndCommit([], { group: this.#options.group, topic, partition, offset: end });
        }
      }
    }
  }

  async #pumpPartition(topic: string, partition: number): Promise<number> {
    const place = `${topic}/${partition}`;
    const position = this.#positions.get(place) ?? 0;
    const batch = this.#log.fetch(topic, partition, position, this.#options.maxBatchRecords ?? MAX_BATCH_RECORDS);
    if (batch === undefined) return 0;
    const outputs = await this.#handler(batch, (records) => this.#log.append(records));
    this.#log.appendAndCommit(outputs, { group: this.#options.group, topic, partition, offset: batch.nextOffset });
    this.#positions.set(place, batch.nextOffset);
    return batch.records.length;
  }
}
