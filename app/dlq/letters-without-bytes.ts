import { type Alert, type LetterWithoutBytes, lettersWithoutBytesAlert } from '../../pipelines/watch/alerts.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { TOPICS, type Topic, deadLetterTopicOf } from '../../schemas/topics.ts';
import { letterIdOf } from '../../schemas/ids.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from '../read-topic.ts';
import { deadLetterFrom, idOfLetter } from './dead-letter.ts';
import { markedOffset } from './retry-headers.ts';

/**
 * The waiting letters that are without their bytes, for a process that looks again and again: each look reads what came since the last
 * one. Memory: one entry a letter of that kind, and an id a discarded letter of any.
 */
export class LettersWithoutBytes {
  readonly #topics: ReadableTopics;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #next = new Map<string, Map<number, number>>();
  readonly #letters = new Map<LetterId, LetterWithoutBytes>();
  readonly #discarded = new Set<LetterId>();

  /** `pause` is waited for after every batch. */
  constructor(topics: ReadableTopics, pause: (signal: AbortSignal) => Promise<void>) {
    this.#topics = topics;
    this.#pause = pause;
  }

  /** To the ends that stand now; false when `signal` aborted first. */
  async readOn(signal: AbortSignal): Promise<boolean> {
    for (const topic of Object.values(TOPICS)) await this.#readLetters(topic, signal);
    await this.#readDiscarded(signal);
    return !signal.aborted;
  }

  alerts(): readonly Alert[] {
    const open = [...this.#letters].filter(([id]) => !this.#discarded.has(id)).map(([, letter]) => letter);
    const alert = lettersWithoutBytesAlert(open.toSorted((one, other) => one.since - other.since));
    return alert === null ? [] : [alert];
  }

  async #readLetters(topic: Topic, signal: AbortSignal): Promise<void> {
    const name = deadLetterTopicOf(topic.name);
    for await (const { partition, records } of this.#read(name, signal)) {
      for (const at of records) {
        const marked = markedOffset(at);
        if (marked !== null) this.#letters.delete(letterIdOf({ topic: name, partition, offset: marked }));
        else if (deadLetterFrom(at).leftOut !== null) {
          const letter = { topic: topic.name, partition, offset: at.offset, since: at.timestamp };
          this.#letters.set(idOfLetter(topic.name, at), letter);
        }
      }
    }
  }

  async #readDiscarded(signal: AbortSignal): Promise<void> {
    const { codec } = this.#topics;
    const topic = TOPICS.letterDiscarded.name;
    for await (const batch of this.#read(topic, signal)) {
      await prepareBatch(codec, topic, batch);
      for (const at of batch.records) {
        const record = decodedOrNull(codec, topic, at);
        if (record !== null) this.#discarded.add(record.letter_id);
      }
    }
  }

  async *#read(topic: string, signal: AbortSignal) {
    const next = this.#next.get(topic) ?? new Map<number, number>();
    this.#next.set(topic, next);
    const { log } = this.#topics;
    const grown = (await log.offsets(topic)).filter(
      ({ partition, begin, end }) => end > (next.get(partition) ?? begin),
    );
    if (grown.length === 0 || signal.aborted) return;
    const partitions = grown.map(({ partition }) => partition);
    for await (const batch of log.read(topic, { from: new Map(next), partitions })) {
      yield batch;
      next.set(batch.partition, batch.nextOffset);
      await this.#pause(signal);
      if (signal.aborted) return;
    }
  }
}
