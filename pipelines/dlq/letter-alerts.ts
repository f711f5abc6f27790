import {
  type Alert,
  type LetterWithoutBytes,
  type NeverReadFigures,
  deadLettersAlert,
  lettersWithoutBytesAlert,
  recordsNeverReadAlert,
} from '../alerts/alerts.ts';
import { TOPICS, type TopicName, deadLetterTopicOf, type Topic } from '../../schemas/topics.ts';
import { type ReadableTopics, decodedOrNull, prepareBatch } from '../runtime/topic-cursor.ts';
import { type DeadLetter, deadLetterFrom, idOfLetter, markedOffset } from './dead-letter.ts';
import { openLetters, readDiscarded } from './read-letters.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { letterIdOf } from '../../schemas/ids.ts';

export interface WaitingLetters {
  readonly alerts: readonly Alert[];
  /** What groups never read, as far as nobody has seen it: each stretch once. */
  readonly neverRead: readonly NeverReadFigures[];
}

/** Only letters that still wait: those that `dlq retry` put back, or a person has discarded, are nobody's concern any more. */
export async function waitingLetters({ log, codec }: ReadableTopics): Promise<WaitingLetters> {
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  const figures = [];
  const withoutBytes: LetterWithoutBytes[] = [];
  const neverRead = new Map<string, NeverReadFigures>();
  for (const topic of Object.values(TOPICS)) {
    let records = 0;
    let since = Infinity;
    for await (const letters of openLetters(log, topic.name, discarded)) {
      records += letters.length;
      for (const at of letters) {
        since = Math.min(since, at.timestamp);
        const letter = deadLetterFrom(at);
        const stretch = neverReadOf(topic.name, letter);
        if (stretch !== null) neverRead.set(stretchOf(stretch), neverRead.get(stretchOf(stretch)) ?? stretch);
        if (letter.leftOut === null) continue;
        withoutBytes.push({ topic: topic.name, partition: at.partition, offset: at.offset, since: at.timestamp });
      }
    }
    figures.push({ topic: deadLetterTopicOf(topic.name), records, since });
  }
  const stretches = [...neverRead.values()];
  const alerts = [
    deadLettersAlert(figures),
    lettersWithoutBytesAlert(withoutBytes),
    recordsNeverReadAlert(stretches),
  ].filter((alert) => alert !== null);
  return { alerts, neverRead: stretches };
}

/** What the letter says was never read; null for a letter of a record. */
function neverReadOf(topic: TopicName, { at, neverRead }: DeadLetter): NeverReadFigures | null {
  if (neverRead === null) return null;
  const { group, partition, offset: from, to } = neverRead;
  return { group, topic, partition, from, to, since: at.timestamp };
}

/** The same for two letters of one loss: a member that died before it went on leaves one, and its successor another. */
function stretchOf({ group, topic, partition, from, to }: NeverReadFigures): string {
  return JSON.stringify([group, topic, partition, from, to]);
}

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
