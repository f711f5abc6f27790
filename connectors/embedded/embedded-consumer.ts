import type { Clock } from '../../ports/clock.ts';
import type {
  Append,
  Assigned,
  BatchHandler,
  MovedStart,
  OutgoingRecord,
  SubscribeOptions,
  Subscription,
} from '../../ports/event-log.ts';
import type { Commit, EmbeddedLog } from './embedded-log.ts';
import { ProcessLock } from './process-lock.ts';

/** Default size of a batch, so that many records share its sync to disk. Unit: records. */
const MAX_BATCH_RECORDS = 500;

/** How often an idle member checks for new records, and a waiting member for the group's lock. Unit: milliseconds. */
const POLL_MS = 25;

/**
 * A member of a consumer group on the embedded log. It runs by itself (`start`), or its owner calls `pump`. The group's lock makes it the
 * only active member (PORT-4); others wait.
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
    // The owner learns of a failure from `done`. Without this line the process would end by an unhandled rejection first.
    this.#running.catch(() => {});
  }

  /** Tries to become the active member of the group, and starts where the group has committed. True where it is active. */
  async join(): Promise<boolean> {
    if (this.#lock !== null) return true;
    this.#lock = ProcessLock.tryAcquire(this.#log.dataDir, `group-${this.#options.group}`);
    if (this.#lock === null) return false;
    const append: Append = (records) => this.#log.append(records);
    await this.#reportMoved(append);
    await this.#options.onAssigned?.(this.#allPartitions(), append);
    await this.#seek();
    return true;
  }

  /** Handles every batch that is there and returns the number of records. Call `join` first. */
  async pump(): Promise<number> {
    let total = 0;
    for (;;) {
      const records = await this.#pumpRound();
      if (records === 0) return total;
      total += records;
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
      const records = await this.#pumpRound();
      // A busy member, too, lets signals and timers run between two rounds.
      await this.#clock.sleep(records === 0 ? POLL_MS : 0, signal);
    }
  }

  /** The active member has all partitions (PORT-4). */
  #allPartitions(): Assigned {
    const all = this.#options.topics.map((topic) => {
      return [topic, Array.from({ length: this.#log.partitionsOf(topic) }, (_, partition) => partition)] as const;
    });
    return Object.fromEntries(all);
  }

  /** Reports and commits offsets that retention has overtaken. Topics are never recreated here: they go with the whole file. */
  async #reportMoved(append: Append): Promise<void> {
    const moved: MovedStart[] = [];
    const moves: Commit[] = [];
    for (const topic of this.#options.topics) {
      // Compaction removes the oldest records too, and that loses nothing.
      if (this.#log.isCompacted(topic)) continue;
      const committed = await this.#log.committed(this.#options.group, topic);
      for (const { partition, begin } of await this.#log.offsets(topic)) {
        const from = committed.get(partition) ?? begin;
        if (from >= begin) continue;
        moved.push({ topic, partition, why: 'overtaken', from, to: begin });
        moves.push({ group: this.#options.group, topic, partition, offset: begin });
      }
    }
    if (moved.length === 0) return;
    await this.#options.onMoved?.(moved, append);
    this.#log.appendAndCommit([], moves);
  }

  async #seek(): Promise<void> {
    for (const topic of this.#options.topics) {
      const committed = await this.#log.committed(this.#options.group, topic);
      for (const { partition, begin, end } of await this.#log.offsets(topic)) {
        const start = this.#options.from === 'beginning' ? begin : end;
        this.#positions.set(place(topic, partition), Math.max(committed.get(partition) ?? start, begin));
        // A start at the end is committed at once, so that a crash does not move it.
        if (!committed.has(partition) && this.#options.from === 'latest') {
          this.#log.appendAndCommit([], [{ group: this.#options.group, topic, partition, offset: end }]);
        }
      }
    }
  }

  /**
   * Handles one batch of each partition. They share a transaction, and so a sync to disk. Batches before one that fails are committed; where the
   * log does not take them either, the first error is thrown, and they are worked again.
   */
  async #pumpRound(): Promise<number> {
    const round: Round = { outputs: [], commits: [], records: 0 };
    try {
      await this.#handleBatches(round);
    } catch (thrown) {
      try {
        this.#commit(round);
      } catch {
        // `thrown` came first, and says why.
      }
      throw thrown;
    }
    this.#commit(round);
    return round.records;
  }

  async #handleBatches(round: Round): Promise<void> {
    const { group, topics, maxBatchRecords = MAX_BATCH_RECORDS } = this.#options;
    for (const topic of topics) {
      for (let partition = 0; partition < this.#log.partitionsOf(topic); partition++) {
        if (this.#stopping.signal.aborted) return;
        const position = this.#positions.get(place(topic, partition)) ?? 0;
        const batch = this.#log.fetch(topic, partition, position, maxBatchRecords);
        if (batch === undefined) continue;
        round.outputs.push(...(await this.#handler(batch, (written) => this.#log.append(written))));
        round.commits.push({ group, topic, partition, offset: batch.nextOffset });
        round.records += batch.records.length;
      }
    }
  }

  #commit({ outputs, commits }: Round): void {
    this.#log.appendAndCommit(outputs, commits);
    for (const { topic, partition, offset } of commits) this.#positions.set(place(topic, partition), offset);
  }
}

/** What the batches of a round have caused. */
interface Round {
  readonly outputs: OutgoingRecord[];
  readonly commits: Commit[];
  records: number;
}

function place(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
