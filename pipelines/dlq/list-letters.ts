import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import type { Topic } from '../../schemas/topics.ts';
import { deadLetterFrom, idOfLetter, type Place } from './dead-letter.ts';
import { type DiscardedLetters, type FoundLetter, lettersOf } from './open-letters.ts';
import { textOf } from './header-text.ts';

/** The letters of one dead-letter topic that were refused for one reason, and were not put back. */
export interface LetterGroup {
  /** The topic that the records came from, and go back to. */
  readonly topic: string;
  /** The error code; null where a letter has none. */
  readonly code: string | null;
  /** Those that wait. */
  readonly count: number;
  /** Those that a person has given up. */
  readonly discarded: number;
  /** Those that wait without their bytes, because the log refused them for their size. */
  readonly without_bytes: number;
  /** The oldest and the latest of the records' own timestamps. */
  readonly first: EpochMillis;
  readonly last: EpochMillis;
  /** When the first and the last of them were set aside. */
  readonly set_aside: { readonly first: EpochMillis; readonly last: EpochMillis };
  /** The letter read last, one that waits if any does, to look at with `dlq show`. */
  readonly example: Place & {
    readonly id: LetterId;
    readonly key: string | null;
    readonly source: Place | null;
    readonly message: string | null;
    readonly retries: number;
  };
}

/** Groups the letters of these topics by topic and code. Memory: a group each, and a number a letter that was put back. */
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
