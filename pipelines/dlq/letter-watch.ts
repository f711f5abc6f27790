import {
  type Alert,
  type LetterWithoutBytes,
  type NeverReadFigures,
  lettersWithoutBytesAlert,
  recordsNeverReadAlert,
} from '../alerts/alerts.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { TOPICS, type Topic, deadLetterTopicOf } from '../../schemas/topics.ts';
import { letterIdOf } from '../../schemas/ids.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from '../runtime/read-topic.ts';
import { deadLetterFrom, idOfLetter } from './dead-letter.ts';
import { markedOffset } from './retry-headers.ts';
import { neverReadOf, stretchOf } from './waiting-letters.ts';

/**
 * The waiting letters that raise alerts of their own: those without their bytes, and those of records that were never read. For a process
 * that looks again and again: each look reads what came since the last one. Memory: one entry a letter of these kinds, and an id a
 * discarded letter of any.
 */
export class LetterWatch {
  readonly #topics: ReadableTopics;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #next = new Map<string, Map<number, number>>();
  readonly #withoutBytes = new Map<LetterId, LetterWithoutBytes>();
  readonly #neverRead = new Map<LetterId, NeverReadFigures>();
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
    const stretches = new Map(this.#open(this.#neverRead).map((stretch) => [stretchOf(stretch), stretch]));
    return [
      lettersWithoutBytesAlert(this.#open(this.#withoutBytes)),
      recordsNeverReadAlert([...stretches.values()]),
    ].filter((alert) => alert !== null);
  }

  /** The oldest first. */
  #open<L extends { readonly since: EpochMillis }>(letters: ReadonlyMap<LetterId, L>): readonly L[] {
    const open = [...letters].filter(([id]) => !this.#discarded.has(id)).map(([, letter]) => letter);
    return open.toSorted((one, other) => one.since - other.since);
  }

  async #readLetters(topic: Topic, signal: AbortSignal): Promise<void> {
    const name = deadLetterTopicOf(topic.name);
    for await (const { partition, records } of this.#read(name, signal)) {
      for (const at of records) {
        const marked = markedOffset(at);
        if (marked !== null) {
          this.#withoutBytes.delete(letterIdOf({ topic: name, partition, offset: marked }));
          continue;
        }
        const letter = deadLetterFrom(at);
        const id = idOfLetter(topic.name, at);
        const stretch = neverReadOf(topic.name, letter);
        if (stretch !== null) this.#neverRead.set(id, stretch);
        if (letter.leftOut === null) continue;
        this.#withoutBytes.set(id, { topic: topic.name, partition, offset: at.offset, since: at.timestamp });
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
