import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import { recordSize } from './record-batch.ts';
import { AppendGroup, type Chunk, type Entry, chunksOf } from './append-groups.ts';
import { BackOff, ELECTION_MS } from './back-off.ts';
import { logError } from './broker-errors.ts';
import type { IdempotentProducer } from './idempotent-producer.ts';
import { partitionOfKey } from '../../ports/partitioner.ts';

/** One call of `append`, until all of its records are acknowledged or it has failed. */
interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** It has failed: what of it is not written yet is left out. */
  failed: boolean;
}

/** What concerns one record of a batch, and not the others. */
const OF_ONE_RECORD: ReadonlySet<string> = new Set(['RECORD_TOO_LARGE', 'TIMESTAMP_REFUSED']);

/**
 * A broker closes the connection of a larger request without a word (its default socket.request.max.bytes), which looks like an
 * outage. Unit: bytes.
 */
const LARGEST_REQUEST_BYTES = 100 * 1024 * 1024;

/**
 * After the start of a broker its metadata lack topics and partitions that are there. One that is lacking for so long does not
 * exist. Unit: milliseconds.
 */
const MISSING_MS = 5000;

/**
 * Writes to Kafka, one request at a time, in the order of the calls.
 *
 * KFK-34  A batch whose fate is unknown is sent again unchanged by the same producer, before anything else of its partition; the broker drops
 *     what it has already. Where the broker has lost count, a new producer sends it, and at worst it is there twice.
 * KFK-35  While the broker is away, appends wait, say so, and go on by themselves; they fail only when the log is closed or whoever waits
 *     is stopped.
 * KFK-36  Appends that wait share a request, but one that is refused fails alone, and nothing of the others is written twice.
 * KFK-37  An append resolves when each of its records was acknowledged in its own partition (idempotent-producer.ts KFK-31).
 * KFK-38  A record that is refused, and names what is to be written in its place, fails nothing (L7).
 */
export class KafkaAppender {
  readonly #open: () => Promise<IdempotentProducer>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #waiting: Waiting[] = [];
  #producer: IdempotentProducer | null = null;
  #working: Promise<void> | null = null;
  /** By topic: with how many partitions it was waited for others in vain, so that only the first append waits. */
  readonly #waitedWith = new Map<string, number>();
  /** Where the next record without a key goes. */
  #keyless = 0;

  constructor(open: () => Promise<IdempotentProducer>, clock: Clock, logger: Logger) {
    this.#open = open;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Once `signal` is aborted it no longer waits for a broker that is away: BROKER_AWAY, and the fate is unknown. */
  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ records, signal, resolve, reject, failed: false });
    this.#working ??= this.#work();
    return promise;
  }

  /** Waits for what is being sent; while the broker is away it gives up instead, with BROKER_AWAY. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working;
    await this.#dropProducer();
  }

  async #work(): Promise<void> {
    // Appends of the same turn of the event loop come together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = new AppendGroup<Waiting>();
      let count = 0;
      for (const waiting of this.#waiting) {
        if (!group.tryAdd(waiting, waiting.records)) break;
        count += 1;
      }
      const together = this.#waiting.splice(0, count);
      for (const [topic, entries] of group.topics()) await this.#write(topic, entries);
      for (const waiting of together) if (!waiting.failed) waiting.resolve();
    }
    // In the same turn as the last look at the queue: an append that comes later starts anew.
    this.#working = null;
  }

  /** Never throws: whatever happens is told to the appends. */
  async #write(topic: string, entries: readonly Entry<Waiting>[]): Promise<void> {
    const left = entries.filter(({ owner }) => !owner.failed);
    if (left.length === 0) return;
    // What is still to be acknowledged when an attempt fails for good.
    let open: Iterable<Entry<Waiting>> = left;
    let isSending = false;
    try {
      const partitions = await this.#partitionsOf(topic, left);
      const chunks = [...chunksOf(left, (record) => this.#place(record, partitions))];
      for (const [index, chunk] of chunks.entries()) {
        open = chunks.slice(index).flatMap((one) => [...one.values()].flat());
        isSending = true;
        await this.#deliver(topic, partitions, chunk);
      }
    } catch (thrown) {
      for (const { owner } of open) fail(owner, thrown);
      // KFK-34: a part may be written under numbers that this producer would use again.
      if (isSending) await this.#dropProducer();
    }
  }

  #place({ key, partition }: OutgoingRecord, partitions: number): number {
    if (partition !== undefined) return partition;
    return key === null ? this.#keyless++ % partitions : partitionOfKey(key, partitions);
  }

  async #partitionsOf(topic: string, entries: readonly Entry<Waiting>[]): Promise<number> {
    const backOff = new BackOff(ELECTION_MS);
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
        await this.#waitFor(topic, error, entries, backOff);
      }
    }
  }

  /** Sends the chunk until every partition has taken its records or refused them. */
  async #deliver(topic: string, partitions: number, chunk: Chunk<Waiting>): Promise<void> {
    const backOff = new BackOff(ELECTION_MS);
    let left = withoutFailed(chunk);
    for (const [partition, entries] of left) {
      const [only, ...others] = entries;
      if (only === undefined || others.length > 0 || recordSize(only.record) < LARGEST_REQUEST_BYTES) continue;
      left.delete(partition);
      await this.#refuse(topic, partitions, entries, partition, tooLarge(topic, only.record));
    }
    let known = partitions;
    const doubted = new Set<number>();
    let missingSince: number | null = null;
    let topicMissingSince: number | null = null;
    while (left.size > 0) {
      const refused: [entries: readonly Entry<Waiting>[], partition: number, error: unknown][] = [];
      const again: Chunk<Waiting> = new Map();
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
            // KFK-34: it may have been written before it was refused, unless it is the record itself that no broker takes.
            if (doubted.has(partition) && !OF_ONE_RECORD.has(error.code)) lost = true;
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
      // KFK-34: what may be written already is sent again, whoever still waits for it.
      left = again;
      for (const partition of left.keys()) doubted.add(partition);
      if (left.size === 0) return;
      const error = logError(absence, `appending to ${topic}`, topic);
      topicMissingSince = error.code === 'TOPIC_MISSING' ? (topicMissingSince ?? this.#clock.now()) : null;
      if (topicMissingSince !== null) {
        // A broker that has just started does not know yet what it leads.
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
          // What is in the place of its records is written then: none of them is tried again.
          left.delete(partition);
          await this.#refuse(topic, known, entries, partition, noPartition(topic, partition));
        }
        if (left.size === 0) return;
      }
      await this.#waitFor(topic, error, [...left.values()].flat(), backOff);
      known = (await this.#refresh(topic)) ?? known;
    }
  }

  /** KFK-36, KFK-38: what is refused is divided until it is one record's or one append's. */
  async #refuse(
    topic: string,
    partitions: number,
    entries: readonly Entry<Waiting>[],
    partition: number,
    thrown: unknown,
  ): Promise<void> {
    const error = logError(thrown, `appending to ${topic}`, topic);
    if (error.code === 'PARTITION_MISSING') return this.#placeElsewhere(topic, partitions, entries, error);
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
    await this.#deliver(topic, partitions, new Map([[this.#place(other, partitions), [{ record: other, owner }]]]));
  }

  /** KFK-38, of all at once: it concerns each of them alike. */
  async #placeElsewhere(
    topic: string,
    partitions: number,
    entries: readonly Entry<Waiting>[],
    error: HarvestlineError,
  ): Promise<void> {
    const elsewhere = new Map<number, Entry<Waiting>[]>();
    for (const { record, owner } of entries) {
      const substitute = record.ifRefused?.(error) ?? null;
      if (substitute === null) {
        fail(owner, error);
        continue;
      }
      const other = { topic, ...substitute };
      const partition = this.#place(other, partitions);
      elsewhere.set(partition, [...(elsewhere.get(partition) ?? []), { record: other, owner }]);
    }
    await this.#deliver(topic, partitions, elsewhere);
  }

  /** The number of partitions; null where nobody says it now. */
  async #refresh(topic: string): Promise<number | null> {
    try {
      return (await this.#producer?.partitionsOf(topic, true)) ?? null;
    } catch {
      // The next attempt says why.
      return null;
    }
  }

  /** KFK-35. Throws BROKER_AWAY once the log is closed. */
  async #waitFor(
    topic: string,
    error: HarvestlineError,
    entries: readonly Entry<Waiting>[],
    backOff: BackOff,
  ): Promise<void> {
    if (this.#closing.signal.aborted) {
      throw new HarvestlineError('BROKER_AWAY', `${error.message}; the log was closed meanwhile`, { cause: error });
    }
    // KFK-34: their records are sent again all the same, since a part may be written.
    const stopped = [...entries.map(({ owner }) => owner), ...this.#waiting].filter(({ signal }) => signal?.aborted);
    for (const { reject } of stopped) reject(error);
    await backOff.wait(this.#clock, this.#logger, error, { topic }, this.#closing.signal);
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.close();
  }
}

function fail(owner: Waiting, error: unknown): void {
  owner.failed = true;
  owner.reject(error);
}

/** What nobody waits for any more, and was never sent, is not. */
function withoutFailed(chunk: Chunk<Waiting>): Chunk<Waiting> {
  const left: Chunk<Waiting> = new Map();
  for (const [partition, entries] of chunk) {
    if (entries.some(({ owner }) => !owner.failed)) left.set(partition, entries);
  }
  return left;
}

function recordsOf(chunk: Chunk<Waiting>): ReadonlyMap<number, readonly OutgoingRecord[]> {
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

/** Both halves, or the one record that cannot be divided. */
function halvesOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)].filter((half) => half.length > 0);
}
