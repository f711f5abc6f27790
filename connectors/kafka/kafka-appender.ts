import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutgoingRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../ports/logger.ts';
import { AppendGroup, type Chunk, sizeOf } from './append-groups.ts';
import { BackOff } from './back-off.ts';
import { logError, protocolType } from './broker-errors.ts';
import { toMessage } from './log-records.ts';

/** Kafka's word for "all replicas in sync have it". */
const ACKS_ALL = -1;

/** The broker and we disagree about what was sent before: a new producer starts afresh, and at worst repeats. */
const SEQUENCE_LOST: ReadonlySet<string | null> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);

/** What concerns one record of a send, and not the others. */
const OF_ONE_RECORD: ReadonlySet<string> = new Set(['RECORD_TOO_LARGE', 'TIMESTAMP_REFUSED', 'PARTITION_MISSING']);

/**
 * A broker closes the connection of a larger request without a word (its default socket.request.max.bytes), which looks like an
 * outage. Unit: bytes.
 */
const LARGEST_SEND_BYTES = 100 * 1024 * 1024;

interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes to Kafka, one send at a time, in the order of the calls.
 *
 * A1  A send whose fate is unknown is repeated unchanged by the same producer, whose sequence numbers let the broker drop
 *     what it has already; else the producer is replaced. Different records under a used sequence number would be lost.
 * A2  While the broker is away, appends wait, say so, and go on by themselves; they fail only when the log is closed or
 *     whoever waits is stopped.
 * A3  Appends that wait share a send, but one that is refused fails alone, and nothing of the others is sent again where they name
 *     their partition alone (append-groups.ts).
 * A4  A record that is refused, and names what is to be written in its place, fails nothing (L7).
 */
export class KafkaAppender {
  readonly #kafka: Kafka;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #waiting: Waiting[] = [];
  #producer: Producer | null = null;
  #working: Promise<void> | null = null;

  constructor(kafka: Kafka, clock: Clock, logger: Logger) {
    this.#kafka = kafka;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Once `signal` is aborted it no longer waits for a broker that is away: BROKER_AWAY, and the fate is unknown. */
  append(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (this.#closing.signal.aborted) return Promise.reject(new HarvestlineError('BROKER_AWAY', 'the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ records, signal, resolve, reject });
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
      const together = new AppendGroup();
      let count = 0;
      for (const { records } of this.#waiting) {
        if (!together.tryAdd(records)) break;
        count += 1;
      }
      await this.#settle(this.#waiting.splice(0, count), together);
    }
    // In the same turn as the last look at the queue: an append that comes later starts anew.
    this.#working = null;
  }

  async #settle(waiting: readonly Waiting[], group: AppendGroup): Promise<void> {
    const failures = new Map<number, HarvestlineError>();
    for (const chunk of group.chunks()) await this.#deliver(chunk, waiting, failures);
    for (const [append, { resolve, reject }] of waiting.entries()) {
      const failure = failures.get(append);
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }

  /** A3, A4: what fails is divided until it is one record's or one append's. Of an append that has failed nothing more is sent. */
  async #deliver(chunk: Chunk, waiting: readonly Waiting[], failures: Map<number, HarvestlineError>): Promise<void> {
    const { topic } = chunk;
    const entries = chunk.entries.filter(({ append }) => !failures.has(append));
    const [first] = entries;
    if (first === undefined) return;
    try {
      const records = entries.map(({ record }) => record);
      await this.#send(topic, records, waiting);
    } catch (thrown) {
      const error = logError(thrown, `appending to ${topic}`, topic);
      const divided = OF_ONE_RECORD.has(error.code)
        ? halvesOf(entries)
        : [...Map.groupBy(entries, ({ append }) => append).values()];
      if (error.code === 'BROKER_AWAY') {
        // The log is closed: nobody's records are sent any more.
        for (const append of waiting.keys()) failures.set(append, error);
      } else if (divided.length > 1) {
        for (const part of divided) await this.#deliver({ topic, entries: part }, waiting, failures);
      } else {
        const { record, append } = first;
        const substitute = entries.length === 1 ? (record.ifRefused?.(error) ?? null) : null;
        if (substitute === null) failures.set(append, error);
        else await this.#deliver({ topic, entries: [{ record: { topic, ...substitute }, append }] }, waiting, failures);
      }
    }
  }

  async #send(topic: string, records: readonly OutgoingRecord[], waiting: readonly Waiting[]): Promise<void> {
    refuseLargest(topic, records);
    const messages = records.map(toMessage);
    const partitions = new Set(records.flatMap(({ partition }) => partition ?? []));
    const backOff = new BackOff();
    for (;;) {
      try {
        const producer = (this.#producer ??= await this.#newProducer());
        const written = await producer.send({ topic, messages, acks: ACKS_ALL });
        refuseUnwritten(topic, partitions, new Set(written.map(({ partition }) => partition)));
        return;
      } catch (thrown) {
        const error = logError(thrown, `appending to ${topic}`, topic);
        const sequenceLost = SEQUENCE_LOST.has(protocolType(thrown));
        const again = error.code === 'BROKER_AWAY' || sequenceLost;
        if (sequenceLost || !again) await this.#dropProducer();
        if (!again) throw error;
        if (this.#closing.signal.aborted) {
          await this.#dropProducer();
          throw new HarvestlineError('BROKER_AWAY', `${error.message}; the log was closed meanwhile`, {
            cause: thrown,
          });
        }
        // A1: their records are sent again all the same, since a part may be written.
        for (const { signal, reject } of [...waiting, ...this.#waiting]) if (signal?.aborted === true) reject(error);
        await backOff.wait(this.#clock, this.#logger, error, { topic }, this.#closing.signal);
      }
    }
  }

  async #newProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    try {
      await producer.connect();
    } catch (thrown) {
      await producer.disconnect().catch(() => {});
      throw thrown;
    }
    return producer;
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    // Nothing depends on a clean good-bye.
    await producer?.disconnect().catch(() => {});
  }
}

/** kafkajs passes over records for a partition that the topic does not have, without a word. */
function refuseUnwritten(topic: string, wanted: ReadonlySet<number>, written: ReadonlySet<number>): void {
  for (const partition of wanted) {
    if (written.has(partition)) continue;
    throw new HarvestlineError('PARTITION_MISSING', `${topic} has no partition ${partition}`, {
      at: { topic, partition },
    });
  }
}

/** A send of several records is far below it. */
function refuseLargest(topic: string, records: readonly OutgoingRecord[]): void {
  const [only, ...others] = records;
  if (only === undefined || others.length > 0 || sizeOf(only) < LARGEST_SEND_BYTES) return;
  throw new HarvestlineError(
    'RECORD_TOO_LARGE',
    `${topic}: ${sizeOf(only)} bytes are more than a broker takes at once`,
    {
      at: { topic },
    },
  );
}

/** Both halves, or the one record that cannot be divided. */
function halvesOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)].filter((half) => half.length > 0);
}
