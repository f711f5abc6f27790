import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import { partitionOfKey } from '../../ports/partitioner.ts';
import type { Backoff } from '../../ports/retry.ts';
import { AppendGroup, type Chunk, type Entry, chunksOf } from './append-groups.ts';
import { ELECTION_MS, retryBackoff } from './back-off.ts';
import { logError } from './broker-errors.ts';
import type { IdempotentProducer } from './idempotent-producer.ts';
import { recordSize } from './record-batch.ts';

/** A call of `append` that has neither resolved nor failed. */
interface PendingAppend {
  readonly records: readonly OutgoingRecord[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** True once it has failed. Its unwritten records are skipped. */
  failed: boolean;
}

/** Codes of refusals that concern a single record of a batch. */
const OF_ONE_RECORD: ReadonlySet<string> = new Set(['RECORD_TOO_LARGE', 'TIMESTAMP_REFUSED']);

/**
 * The default socket.request.max.bytes. A broker closes the connection at a larger request, without an answer, which looks like an
 * outage. Unit: bytes.
 */
const LARGEST_REQUEST_BYTES = 100 * 1024 * 1024;

/**
 * How long a topic or partition may be missing from the metadata before it counts as missing: a broker that has just started does not
 * know all of them. Unit: milliseconds.
 */
const MISSING_MS = 5000;

/**
 * Writes appends to Kafka in the order of the calls, one request at a time.
 *
 * KFK-34  A batch without an answer is sent again unchanged by the same producer, before anything else of its partition, and the broker
 *         drops it where it has it already. Where the broker has lost the sequence, a new producer sends it, and it may be there twice.
 * KFK-35  While the broker is unavailable, appends wait, log it, and continue by themselves. They fail only when the log is closed or their
 *         signal is aborted.
 * KFK-36  PendingAppend appends share a request. One that is refused fails alone, and nothing of the others is written twice.
 * KFK-37  An append resolves when each of its records was acknowledged in its own partition (KFK-31).
 * KFK-38  A refused record that has a substitute (`ifRefused`) fails nothing (PORT-7).
 */
export class KafkaAppender {
  readonly #open: () => Promise<IdempotentProducer>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #waiting: PendingAppend[] = [];
  #producer: IdempotentProducer | null = null;
  #working: Promise<void> | null = null;
  /** By topic: the number of partitions after a wait for more was in vain. Later appends do not wait again. */
  readonly #waitedWith = new Map<string, number>();
  /** Counts records without a key, which go to the partitions in turn. */
  #keyless = 0;

  constructor(open: () => Promise<IdempotentProducer>, clock: Clock, logger: Logger) {
    this.#open = open;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Once `signal` is aborted it no longer waits for an unavailable broker: it rejects with BROKER_AWAY, and may or may not be written. */
  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ records, signal, resolve, reject, failed: false });
    this.#working ??= this.#work();
    return promise;
  }

  /** Waits for appends in flight. While the broker is unavailable they fail with BROKER_AWAY instead. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
    await this.#dropProducer();
  }

  async #work(): Promise<void> {
    // Appends of the same turn of the event loop are written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = new AppendGroup<PendingAppend>();
      let count = 0;
      for (const waiting of this.#waiting) {
        if (!group.tryAdd(waiting, waiting.records)) break;
        count += 1;
      }
      const together = this.#waiting.splice(0, count);
      for (const [topic, entries] of group.topics()) await this.#write(topic, entries);
      for (const waiting of together) if (!waiting.failed) waiting.resolve();
    }
    // In the same turn as the last check of the queue, so that a later append starts a new run.
    this.#working = null;
  }

  /** Writes the entries of one topic. Never throws: failures reject the appends. */
  async #write(topic: string, entries: readonly Entry<PendingAppend>[]): Promise<void> {
    const left = entries.filter(({ owner }) => !owner.failed);
    if (left.length === 0) return;
    // The entries that fail where an attempt fails for good.
    let open: Iterable<Entry<PendingAppend>> = left;
    let isSending = false;
    try {
      const partitions = await this.#partitionsOf(topic, left);
      const chunks = [...chunksOf(left, (record) => this.#partitionFor(record, partitions))];
      for (const [index, chunk] of chunks.entries()) {
        open = chunks.slice(index).flatMap((one) => [...one.values()].flat());
        isSending = true;
        await this.#deliver(topic, partitions, chunk);
      }
    } catch (thrown) {
      for (const { owner } of open) fail(owner, thrown);
      // KFK-34: some may be written under sequence numbers that this producer would use again.
      if (isSending) await this.#dropProducer();
    }
  }

  #partitionFor({ key, partition }: OutgoingRecord, partitions: number): number {
    if (partition !== undefined) return partition;
    return key === null ? this.#keyless++ % partitions : partitionOfKey(key, partitions);
  }

  async #partitionsOf(topic: string, entries: readonly Entry<PendingAppend>[]): Promise<number> {
    const backoff = this.#backoffOf(topic);
    let missingSince: number | null = null;
    for (;;) {
      try {
        const producer = (this.#producer ??= await this.#open());
        return await producer.partitionsOf(topic);
      } catch (thrown) {
        const error = logError(thrown, `appending to ${topic}`, topic);
        if (error.code === 'TOPIC_MISSING') {
          missingSince ??= this.#clock.now();
          if (this.#clock.now() - missingSince >= MISSING_MS) throw error;
        } else if (error.code !== 'BROKER_AWAY') throw error;
        await this.#waitFor(error, entries, backoff);
      }
    }
  }

  /** Sends the chunk until every partition has taken its records or refused them. */
  async #deliver(topic: string, partitions: number, chunk: Chunk<PendingAppend>): Promise<void> {
    const backoff = this.#backoffOf(topic);
    let left = withoutFailed(chunk);
    for (const [partition, entries] of left) {
      const [only, ...others] = entries;
      if (only === undefined || others.length > 0 || recordSize(only.record) < LARGEST_REQUEST_BYTES) continue;
      left.delete(partition);
      await this.#refuse(topic, partitions, entries, partition, tooLarge(topic, only.record));
    }
    let known = partitions;
    const uncertain = new Set<number>();
    let missingSince: number | null = null;
    let topicMissingSince: number | null = null;
    while (left.size > 0) {
      const refused: [entries: readonly Entry<PendingAppend>[], partition: number, error: unknown][] = [];
      const again: Chunk<PendingAppend> = new Map();
      let absence: unknown = null;
      try {
        const producer = (this.#producer ??= await this.#open());
        const outcomes = await producer.send(topic, recordsOf(left));
        let lost = false;
        for (const [partition, entries] of left) {
          const outcome = outcomes.get(partition);
          if (outcome?.kind === 'acknowledged') continue;
          if (outcome?.kind === 'refused') {
            const error = logError(outcome.error, `appending to ${topic}`, topic);
            refused.push([entries, partition, error]);
            // KFK-34: an earlier attempt may have written it, unless no broker would accept the record.
            if (uncertain.has(partition) && !OF_ONE_RECORD.has(error.code)) lost = true;
          } else again.set(partition, entries);
          if (outcome?.kind === 'sequence-lost') lost = true;
          if (outcome !== undefined && outcome.kind !== 'refused') absence ??= outcome.error;
        }
        if (lost) await this.#dropProducer();
      } catch (thrown) {
        absence = thrown;
        for (const [partition, entries] of left) again.set(partition, entries);
      }
      for (const [entries, partition, error] of refused) await this.#refuse(topic, known, entries, partition, error);
      // KFK-34: batches that may be written already are sent again, even where their appends have failed.
      left = again;
      for (const partition of left.keys()) uncertain.add(partition);
      if (left.size === 0) return;
      const error = logError(absence, `appending to ${topic}`, topic);
      topicMissingSince = error.code === 'TOPIC_MISSING' ? (topicMissingSince ?? this.#clock.now()) : null;
      if (topicMissingSince !== null) {
        // A broker that has just started does not know yet which partitions it leads.
        if (this.#clock.now() - topicMissingSince >= MISSING_MS) throw error;
      } else if (error.code !== 'BROKER_AWAY') throw error;
      const isMissing = [...left.keys()].some((partition) => partition >= known);
      missingSince = isMissing ? (missingSince ?? this.#clock.now()) : null;
      if (isMissing && this.#waitedWith.get(topic) === known) known = (await this.#refresh(topic)) ?? known;
      const inVain = missingSince !== null && this.#clock.now() - missingSince >= MISSING_MS;
      if (inVain || (isMissing && this.#waitedWith.get(topic) === known)) {
        this.#waitedWith.set(topic, known);
        for (const [partition, entries] of left) {
          if (partition < known) continue;
          // Their substitutes are written instead. None of these records is tried again.
          left.delete(partition);
          await this.#refuse(topic, known, entries, partition, noPartition(topic, partition));
        }
        if (left.size === 0) return;
      }
      await this.#waitFor(error, [...left.values()].flat(), backoff);
      known = (await this.#refresh(topic)) ?? known;
    }
  }

  /** Divides refused entries until the refusal is one record's or one append's, which then gets its substitute or fails (KFK-36, KFK-38). */
  async #refuse(
    topic: string,
    partitions: number,
    entries: readonly Entry<PendingAppend>[],
    partition: number,
    thrown: unknown,
  ): Promise<void> {
    const error = logError(thrown, `appending to ${topic}`, topic);
    if (error.code === 'PARTITION_MISSING') return this.#writeSubstitutes(topic, partitions, entries, error);
    const divided = OF_ONE_RECORD.has(error.code)
      ? halvesOf(entries)
      : [...Map.groupBy(entries, ({ owner }) => owner).values()];
    if (divided.length > 1) {
      for (const part of divided) await this.#deliver(topic, partitions, new Map([[partition, part]]));
      return;
    }
    const [first] = entries;
    if (first === undefined) return;
    const { record, owner } = first;
    const substitute = entries.length === 1 ? (record.ifRefused?.(error) ?? null) : null;
    if (substitute === null) {
      fail(owner, error);
      return;
    }
    const other = { topic, ...substitute };
    await this.#deliver(
      topic,
      partitions,
      new Map([[this.#partitionFor(other, partitions), [{ record: other, owner }]]]),
    );
  }

  /** Writes the substitutes of all entries of a missing partition, which concerns each of them (KFK-38). */
  async #writeSubstitutes(
    topic: string,
    partitions: number,
    entries: readonly Entry<PendingAppend>[],
    error: HarvestlineError,
  ): Promise<void> {
    const elsewhere = new Map<number, Entry<PendingAppend>[]>();
    for (const { record, owner } of entries) {
      const substitute = record.ifRefused?.(error) ?? null;
      if (substitute === null) {
        fail(owner, error);
        continue;
      }
      const other = { topic, ...substitute };
      const partition = this.#partitionFor(other, partitions);
      elsewhere.set(partition, [...(elsewhere.get(partition) ?? []), { record: other, owner }]);
    }
    await this.#deliver(topic, partitions, elsewhere);
  }

  /** The current number of partitions; null where no broker answers. */
  async #refresh(topic: string): Promise<number | null> {
    try {
      return (await this.#producer?.partitionsOf(topic, true)) ?? null;
    } catch {
      // The next attempt reports the error.
      return null;
    }
  }

  /** Waits before the next attempt (KFK-35). Throws BROKER_AWAY once the log is closed. */
  async #waitFor(error: HarvestlineError, entries: readonly Entry<PendingAppend>[], backoff: Backoff): Promise<void> {
    if (this.#closing.signal.aborted) {
      throw new HarvestlineError('BROKER_AWAY', `${error.message}; the log was closed meanwhile`, { cause: error });
    }
    // KFK-34: their records are sent again nevertheless, since some may be written.
    const stopped = [...entries.map(({ owner }) => owner), ...this.#waiting].filter(({ signal }) => signal?.aborted);
    for (const { reject } of stopped) reject(error);
    await backoff.wait(error);
  }

  #backoffOf(topic: string): Backoff {
    const part = { clock: this.#clock, logger: this.#logger, signal: this.#closing.signal };
    return retryBackoff(part, { topic }, ELECTION_MS);
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.close();
  }
}

function fail(owner: PendingAppend, error: unknown): void {
  owner.failed = true;
  owner.reject(error);
}

/** The chunk without partitions of which every append has failed before they were sent. */
function withoutFailed(chunk: Chunk<PendingAppend>): Chunk<PendingAppend> {
  const left: Chunk<PendingAppend> = new Map();
  for (const [partition, entries] of chunk) {
    if (entries.some(({ owner }) => !owner.failed)) left.set(partition, entries);
  }
  return left;
}

function recordsOf(chunk: Chunk<PendingAppend>): ReadonlyMap<number, readonly OutgoingRecord[]> {
  return new Map(Array.from(chunk, ([partition, entries]) => [partition, entries.map(({ record }) => record)]));
}

function noPartition(topic: string, partition: number): HarvestlineError {
  return new HarvestlineError('PARTITION_MISSING', `${topic} has no partition ${partition}`, {
    at: { topic, partition },
  });
}

function tooLarge(topic: string, record: OutgoingRecord): HarvestlineError {
  const message = `${topic}: ${recordSize(record)} bytes are more than a broker takes at once`;
  return new HarvestlineError('RECORD_TOO_LARGE', message, { at: { topic } });
}

/** Both halves of a list; a single item stays whole. */
function halvesOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)].filter((half) => half.length > 0);
}
