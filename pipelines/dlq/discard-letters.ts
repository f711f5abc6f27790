import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { LetterDiscarded, LetterId } from '../../schemas/generated/records.ts';
import { type EncodedRecord, TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, type Topic, deadLetterTopicOf } from '../../schemas/topics.ts';
import type { ReadableTopics } from '../runtime/topic-cursor.ts';
import { deadLetterFrom, idOfLetter, markedOffset } from './dead-letter.ts';
import { type DiscardedLetters, lettersOf, readDiscarded, recordAt, RetriedLetters } from './read-letters.ts';

/** A letter as a person names it: the topic of its records, and its place in their dead-letter topic. */
export interface LetterName {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
}

export type DiscardSelection =
  { readonly kind: 'ids'; readonly letters: readonly LetterName[] } | { readonly kind: 'code'; readonly code: string };

/** What became of one letter; `would discard` in a dry run. */
export interface DiscardOutcome {
  readonly id: LetterId;
  readonly state: 'discarded' | 'would discard' | 'discarded before' | 'put back before' | 'unknown';
  /** Why the record was refused at the time. */
  readonly code: string | null;
  readonly message: string | null;
  /** Who discarded the letter; null where nobody did. */
  readonly by: string | null;
  readonly reason: string | null;
}

interface DiscardOptions {
  readonly by: string;
  readonly reason: string;
  readonly now: EpochMillis;
  readonly dryRun: boolean;
}

/**
 * Discards letters that nobody can mend: they wait no longer, and stay in their topic.
 *
 * DLQ-1  Who, why and when is recorded, once for each letter: one that was discarded before keeps its record.
 * DLQ-2  Only a waiting letter is discarded. An id without a letter is reported as unknown, and the others are discarded.
 */
export async function discardLetters(
  world: ReadableTopics,
  selection: DiscardSelection,
  options: DiscardOptions,
): Promise<readonly DiscardOutcome[]> {
  const discarded = await readDiscarded(world.log, () => Promise.resolve(world.codec));
  const writer = new TopicWriter('desk', world.codec);
  const records: EncodedRecord[] = [];
  const outcomes: DiscardOutcome[] = [];
  const take = (topic: Topic, at: LogRecord): void => {
    const record = recordOf(topic, at, options);
    records.push(writer.encode(TOPICS.letterDiscarded, record, options.now));
    const { message } = deadLetterFrom(at);
    const state = options.dryRun ? 'would discard' : 'discarded';
    outcomes.push({ id: record.letter_id, state, code: record.code, message, by: options.by, reason: options.reason });
  };
  if (selection.kind === 'code') {
    for (const topic of Object.values(TOPICS)) {
      for await (const letters of lettersOf(world.log, topic.name, discarded)) {
        for (const letter of letters) {
          if (letter.discarded === null && deadLetterFrom(letter.at).code === selection.code) take(topic, letter.at);
        }
      }
    }
  } else {
    for (const [name, letter] of await found(world.log, selection.letters, discarded)) {
      if ('at' in letter) take(name.topic, letter.at);
      else outcomes.push(letter.outcome);
    }
  }
  if (!options.dryRun) await world.log.append(records);
  return outcomes;
}

/** A waiting letter, or what became of another one. */
type Found = { readonly at: LogRecord } | { readonly outcome: DiscardOutcome };

/** DLQ-2. */
async function found(
  log: EventLog,
  names: readonly LetterName[],
  discarded: DiscardedLetters,
): Promise<ReadonlyMap<LetterName, Found>> {
  const answers = new Map<LetterName, Found>();
  const retried = new Map<Topic, RetriedLetters>();
  for (const name of names) {
    const { topic } = name;
    const id = idOfLetter(topic.name, name);
    const dead = deadLetterTopicOf(topic.name);
    const marks = retried.get(topic) ?? (await RetriedLetters.read(log, dead));
    retried.set(topic, marks);
    const at = await recordAt(log, dead, name);
    const before = discarded.get(id);
    const byNobody = { by: null, reason: null };
    if (at === null || markedOffset(at) !== null) {
      answers.set(name, { outcome: { id, state: 'unknown', code: null, message: null, ...byNobody } });
      continue;
    }
    const { code, message } = deadLetterFrom(at);
    if (before !== undefined) {
      const { by, reason } = before;
      answers.set(name, { outcome: { id, state: 'discarded before', code, message, by, reason } });
    } else if (marks.has(at)) {
      answers.set(name, { outcome: { id, state: 'put back before', code, message, ...byNobody } });
    } else {
      answers.set(name, { at });
    }
  }
  return answers;
}

/** The schema's bound of `code`: the header of another program may hold anything. Unit: characters. */
const CODE_CHARS = 256;

function recordOf(topic: Topic, at: LogRecord, { by, reason, now }: DiscardOptions): LetterDiscarded {
  const { code } = deadLetterFrom(at);
  return {
    letter_id: idOfLetter(topic.name, at),
    topic: deadLetterTopicOf(topic.name),
    partition: at.partition,
    offset: at.offset,
    code: code === null || code === '' ? null : code.slice(0, CODE_CHARS),
    by,
    reason,
    discarded_at: now,
  };
}
