import { isKind } from '../errors/harvestline-error.ts';
import type { EpochMillis } from '../ports/clock.ts';
import type { RecordByTopic } from '../schemas/generated/records.ts';
import type { TopicName } from '../schemas/topics.ts';
import { type ReadableTopics, prepareBatch } from './read-topic.ts';

/**
 * Reads a topic on from where it was, by bounded reads. A batch in which the log fails is read again, so a record may be visited
 * twice, and none is left out; what does not decode is passed over.
 */
export class TopicPosition<N extends TopicName> {
  readonly #topics: ReadableTopics;
  readonly #topic: N;
  readonly #since: EpochMillis;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #visit: (record: RecordByTopic[N], at: EpochMillis) => void;
  /** Partition -> the next offset; null before the first look. */
  #next: Map<number, number> | null = null;

  /** Starts with what came at `since` or later, -Infinity for all. `pause` is waited for after every batch. */
  constructor(
    topics: ReadableTopics,
    topic: N,
    since: EpochMillis,
    pause: (signal: AbortSignal) => Promise<void>,
    visit: (record: RecordByTopic[N], at: EpochMillis) => void,
  ) {
    this.#topics = topics;
    this.#topic = topic;
    this.#since = since;
    this.#pause = pause;
    this.#visit = visit;
  }

  /** To the end that stands now, or until `signal` aborts. */
  async readOn(signal: AbortSignal): Promise<void> {
    const { log, codec } = this.#topics;
    this.#next ??= this.#since === -Infinity ? new Map() : new Map(await log.offsetsAt(this.#topic, this.#since));
    if (signal.aborted) return;
    for await (const batch of log.read(this.#topic, { from: new Map(this.#next) })) {
      await prepareBatch(codec, this.#topic, batch);
      for (const { value, timestamp } of batch.records) this.#tell(value, timestamp);
      this.#next.set(batch.partition, batch.nextOffset);
      await this.#pause(signal);
      if (signal.aborted) return;
    }
  }

  #tell(value: Uint8Array | null, timestamp: EpochMillis): void {
    try {
      this.#visit(this.#topics.codec.decode(this.#topic, value), timestamp);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
    }
  }
}
