/** Counts the letters that wait: by topic and code for `dlq list`, by producer for `status`. */
import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import type { Topic } from '../../schemas/topics.ts';
import { deadLetterFrom, idOfLetter, type Place, textOf } from './dead-letter.ts';
import { type DiscardedLetters, type FoundLetter, lettersOf, openLetters, readDiscarded } from './read-letters.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import { KnownProducers, type Producer, producerOf } from '../runtime/processor-observer.ts';
import { TIMED_TOPICS } from '../../schemas/time-bound.ts';
import { type ReadableTopics, decodedOrNull } from '../runtime/topic-cursor.ts';

/** The letters of one topic with one error code, without those that were put back. */
export interface LetterGroup {
  /** The topic of their records. */
  readonly topic: string;
  /** The error code; null where a letter has none. */
  readonly code: string | null;
  /** Those that wait. */
  readonly count: number;
  /** Those that were discarded. */
  readonly discarded: number;
  /** Those that wait without the bytes of their record, which the log refused for their size. */
  readonly without_bytes: number;
  /** The oldest and the newest of the records' own timestamps. */
  readonly first: EpochMillis;
  readonly last: EpochMillis;
  /** When the first and the last of them were dead-lettered. */
  readonly set_aside: { readonly first: EpochMillis; readonly last: EpochMillis };
  /** One of them for `dlq show`: the last one read that waits, else the last one. */
  readonly example: Place & {
    readonly id: LetterId;
    readonly key: string | null;
    readonly source: Place | null;
    readonly message: string | null;
    readonly retries: number;
  };
}

/** Groups the letters of these topics by topic and code. Memory: the groups, and a number for each letter that was put back. */
export async function listLetters(
  log: EventLog,
  topics: readonly Topic[],
  discarded: DiscardedLetters,
): Promise<readonly LetterGroup[]> {
  const groups: LetterGroup[] = [];
  for (const topic of topics) {
    const byCode = new Map<string | null, LetterGroup>();
    for await (const letters of lettersOf(log, topic.name, discarded)) {
      for (const letter of letters) add(byCode, topic, letter);
    }
    groups.push(...byCode.values());
  }
  return groups;
}

function add(byCode: Map<string | null, LetterGroup>, topic: Topic, { at, discarded }: FoundLetter): void {
  const { code, source, message, retries, recordedAt, leftOut } = deadLetterFrom(at);
  const waits = discarded === null ? 1 : 0;
  const { partition, offset } = at;
  const id = idOfLetter(topic.name, at);
  const example = { id, topic: at.topic, partition, offset, key: textOf(at.key), source, message, retries };
  const before = byCode.get(code);
  byCode.set(code, {
    topic: topic.name,
    code,
    count: (before?.count ?? 0) + waits,
    discarded: (before?.discarded ?? 0) + 1 - waits,
    without_bytes: (before?.without_bytes ?? 0) + (leftOut === null ? 0 : waits),
    first: Math.min(before?.first ?? Infinity, recordedAt),
    last: Math.max(before?.last ?? -Infinity, recordedAt),
    set_aside: {
      first: Math.min(before?.set_aside.first ?? Infinity, at.timestamp),
      last: Math.max(before?.set_aside.last ?? -Infinity, at.timestamp),
    },
    example: before === undefined || waits === 1 || before.count === 0 ? example : before.example,
  });
}

/** The waiting letters of one producer with code TIMESTAMP_AHEAD. */
export interface ProducerAhead extends Producer {
  readonly records: number;
  /** When the latest of them was dead-lettered. */
  readonly last: EpochMillis;
}

const CODE: ErrorCode = 'TIMESTAMP_AHEAD';

/** By producer, the most letters first. No other letters are decoded. */
export async function timesAheadByProducer({ log, codec }: ReadableTopics): Promise<readonly ProducerAhead[]> {
  const known = new KnownProducers();
  const found = new Map<string, ProducerAhead>();
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  for (const topic of TIMED_TOPICS) {
    for await (const open of openLetters(log, topic, discarded)) {
      const letters = open.filter((letter) => deadLetterFrom(letter).code === CODE);
      await codec.prepare(topic, letters);
      for (const letter of letters) {
        const record = decodedOrNull(codec, topic, letter);
        const producer = known.bounded(producerOf(record ?? {}));
        const key = JSON.stringify(producer);
        const { records = 0, last = -Infinity } = found.get(key) ?? {};
        found.set(key, { ...producer, records: records + 1, last: Math.max(last, letter.timestamp) });
      }
    }
  }
  return [...found.values()].toSorted((one, other) => other.records - one.records);
}
