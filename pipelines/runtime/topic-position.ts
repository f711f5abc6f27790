import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from './read-topic.ts';

/**
 * Reads a topic on from where it was, by bounded reads. A batch in which the log fails is read again, so a record may be visited
 * twice, and none is left out; what does not decode is counted and passed over.
 */
export class TopicPosition<N extends TopicName> {
  readonly #topics: ReadableTopics;
  readonly #topic: N;
  readonly #since: EpochMillis;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #visit: (record: RecordByTopic[N], at: LogRecord) => void;
  /** Partition -> the next offset; null before the first look. */
  #next: Map<number, number> | null = null;
  #undecodable = 0;

  /** Starts with what came at `since` or later, -Infinity for all. `pause` is waited for after every batch. */
  constructor(
    topics: ReadableTopics,
    topic: N,
    since: EpochMillis,
    pause: (signal: AbortSignal) => Promise<void>,
    visit: (record: RecordByTopic[N], at: LogRecord) => void,
  ) {
    this.#topics = topics;
    this.#topic = topic;
    this.#since = since;
    this.#pause = pause;
    this.#visit = visit;
  }

  /** Records so far that do not decode. */
  get undecodable(): number {
    return this.#undecodable;
  }

  /** To the end that stands now, or until `signal` aborts. */
  async readOn(signal: AbortSignal): Promise<void> {
    const { log, codec } = this.#topics;
    this.#next ??= this.#since === -Infinity ? new Map() : new Map(await log.offsetsAt(this.#topic, this.#since));
    if (signal.aborted) return;
    for await (const batch of log.read(this.#topic, { from: new Map(this.#next) })) {
      await prepareBatch(codec, this.#topic, batch);
      for (const at of batch.records) this.#tell(at);
      this.#next.set(batch.partition, batch.nextOffset);
      await this.#pause(signal);
      if (signal.aborted) return;
    }
  }

  #tell(at: LogRecord): void {
    const record = decodedOrNull(this.#topics.codec, this.#topic, at);
    if (record === null) this.#undecodable += 1;
    else this.#visit(record, at);
  }
}
