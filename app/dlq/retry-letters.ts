import type { EventLog, LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import { type Topic, deadLetterTopicOf } from '../../schemas/topics.ts';
import { deadLetterFrom, type Place } from './dead-letter.ts';
import { type CheckOutcome, type LetterWorld, checkLetter } from './examine-letter.ts';
import { openLetters, recordAt, RetriedLetters } from './open-letters.ts';
import { markOf, markedOffset, retriedRecord } from './retry-headers.ts';

export type LetterSelection =
  | { readonly kind: 'all' }
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'places'; readonly places: readonly { readonly partition: number; readonly offset: number }[] };

/** What became of one letter. `would retry` is a dry run's word for retried. */
export interface RetryOutcome extends Place {
  readonly state: 'retried' | 'would retry' | 'refused';
  /** The topic it goes back to. */
  readonly to: string;
  /** How often it has been put back, this time included; null where it was refused. */
  readonly retries: number | null;
  /** Why it was refused: the code and the paths of the check that still fails. */
  readonly refused: Omit<CheckOutcome, 'passes'> | null;
}

export interface RetryOptions {
  readonly dryRun: boolean;
  /** Told of each letter, after what it says is durable. */
  readonly onOutcome: (outcome: RetryOutcome) => Promise<void> | undefined;
}

export interface RetryCounts {
  readonly retried: number;
  readonly refused: number;
}

/**
 * Puts dead letters back where they came from, byte for byte. Invariants:
 *
 * T1  The check of its consumers runs first: a letter whose cause stands is refused, with everything that still fails.
 * T2  A letter that was put back is marked in its own topic, and never offered again.
 * T3  At least once: the record is appended before the mark, in one append, so that a crash between the two offers the
 *     letter again; both records then name the same letter.
 * T4  A registry or log without an answer throws, and what was not reported yet stays as it is.
 *
 * What the check cannot see is a processor that refused a valid record: such a letter goes back, and comes again with its
 * count of retries if the processor still refuses it.
 */
export async function retryLetters(
  world: LetterWorld,
  topic: Topic,
  selection: LetterSelection,
  options: RetryOptions,
): Promise<RetryCounts> {
  let retried = 0;
  let refused = 0;
  for await (const candidates of candidatesOf(world.log, deadLetterTopicOf(topic.name), selection)) {
    for (const outcome of await retryBatch(world, topic, candidates, options.dryRun)) {
      if (outcome.state === 'refused') refused += 1;
      else retried += 1;
      const full = options.onOutcome(outcome);
      if (full !== undefined) await full;
    }
  }
  return { retried, refused };
}

/** An open letter, or a place that was named and has none. */
type Candidate = { readonly letter: LogRecord } | (Place & { readonly letter: null; readonly why: string });

async function* candidatesOf(
  log: EventLog,
  topic: string,
  selection: LetterSelection,
): AsyncGenerator<readonly Candidate[]> {
  if (selection.kind !== 'places') {
    for await (const letters of openLetters(log, topic)) {
      yield letters
        .filter((letter) => selection.kind === 'all' || deadLetterFrom(letter).code === selection.code)
        .map((letter) => ({ letter }));
    }
    return;
  }
  const retried = await RetriedLetters.read(log, topic);
  const candidates: Candidate[] = [];
  for (const place of selection.places) {
    const letter = await recordAt(log, topic, place);
    if (letter === null || markedOffset(letter) !== null) {
      candidates.push({ letter: null, topic, ...place, why: 'there is no letter at this offset' });
    } else if (retried.has(letter)) {
      candidates.push({ letter: null, topic, ...place, why: 'it was put back already' });
    } else {
      candidates.push({ letter });
    }
  }
  yield candidates;
}

async function retryBatch(
  { log, codec }: LetterWorld,
  topic: Topic,
  candidates: readonly Candidate[],
  dryRun: boolean,
): Promise<readonly RetryOutcome[]> {
  await codec.prepare(
    topic.name,
    candidates.map(({ letter }) => letter?.value ?? null),
  );
  const records: OutgoingRecord[] = [];
  const marks: OutgoingRecord[] = [];
  const outcomes = candidates.map((candidate): RetryOutcome => {
    if (candidate.letter === null) {
      const { letter: _, why, ...place } = candidate;
      return {
        ...place,
        state: 'refused',
        to: topic.name,
        retries: null,
        refused: { code: null, message: why, problems: [] },
      };
    }
    const { letter } = candidate;
    const place = { topic: letter.topic, partition: letter.partition, offset: letter.offset };
    const { passes, ...refused } = checkLetter(codec, topic, letter.value);
    if (!passes) return { ...place, state: 'refused', to: topic.name, retries: null, refused };
    const { retries } = deadLetterFrom(letter);
    records.push(retriedRecord(letter, topic.name, retries));
    marks.push(markOf(letter));
    return { ...place, state: dryRun ? 'would retry' : 'retried', to: topic.name, retries: retries + 1, refused: null };
  });
  // T3: an append keeps the order of its topics, so no mark is there before the record.
  if (!dryRun && records.length > 0) await log.append([...records, ...marks]);
  return outcomes;
}
