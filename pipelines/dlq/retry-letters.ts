import { type HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import type { EventLog, LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import { type Topic, deadLetterTopicOf } from '../../schemas/topics.ts';
import { deadLetterFrom, type Place, markOf, markedOffset, retriedRecord } from './dead-letter.ts';
import { type CheckOutcome, type LetterTopics, checkLetter, outcomeOf } from './examine-letter.ts';
import { openLetters, readDiscarded, recordAt, RetriedLetters, originalOf } from './read-letters.ts';

export type LetterSelection =
  | { readonly kind: 'all' }
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'places'; readonly places: readonly { readonly partition: number; readonly offset: number }[] };

/** What became of one letter; `would retry` in a dry run. */
export interface RetryOutcome extends Place {
  readonly state: 'retried' | 'would retry' | 'refused';
  /** The topic that it goes back to. */
  readonly to: string;
  /** How often it has been put back, this time included; null where it was refused. */
  readonly retries: number | null;
  /** The check that still fails; null where it passed. */
  readonly refused: Omit<CheckOutcome, 'passes'> | null;
}

interface RetryOptions {
  readonly dryRun: boolean;
  /** Called for each letter, once its outcome is durable. */
  readonly onOutcome: (outcome: RetryOutcome) => Promise<void> | undefined;
}

interface RetryCounts {
  readonly retried: number;
  readonly refused: number;
}

/**
 * Puts dead letters back to their topics, byte for byte.
 *
 * DLQ-3  The check of the topic's consumers runs first: a letter that still fails it is refused, with every failing path.
 * DLQ-4  A letter that was put back is marked in its own topic, and never offered again.
 * DLQ-5  At least once: the record is appended before the mark, in one append, so a crash between the two offers the letter again; both records
 *        then name the same letter. A record that the topic refuses leaves its letter as it is.
 * DLQ-6  Where the registry or the log does not answer it throws, and every letter without an outcome stays as it is.
 * DLQ-7  A letter without its bytes goes back with those on its source topic, if they are the same (SHA-256).
 * DLQ-8  A letter that was discarded goes back only where it is named itself.
 *
 * The check cannot see that a processor refused a valid record: such a letter goes back, and is dead-lettered again, with its count of retries,
 * if the processor still refuses it.
 */
export async function retryLetters(
  world: LetterTopics,
  topic: Topic,
  selection: LetterSelection,
  options: RetryOptions,
): Promise<RetryCounts> {
  let retried = 0;
  let refused = 0;
  for await (const candidates of candidatesOf(world, topic, selection)) {
    for (const outcome of await retryBatch(world, topic, candidates, options.dryRun)) {
      if (outcome.state === 'refused') refused += 1;
      else retried += 1;
      const full = options.onOutcome(outcome);
      if (full !== undefined) await full;
    }
  }
  return { retried, refused };
}

/** A waiting letter, or a named place without one. */
type Candidate = { readonly letter: LogRecord } | (Place & { readonly letter: null; readonly why: string });

async function* candidatesOf(
  { log, codec }: LetterTopics,
  topic: Topic,
  selection: LetterSelection,
): AsyncGenerator<readonly Candidate[]> {
  if (selection.kind !== 'places') {
    const discarded = await readDiscarded(log, () => Promise.resolve(codec));
    for await (const letters of openLetters(log, topic.name, discarded)) {
      yield letters
        .filter((letter) => selection.kind === 'all' || deadLetterFrom(letter).code === selection.code)
        .map((letter) => ({ letter }));
    }
    return;
  }
  const name = deadLetterTopicOf(topic.name);
  const retried = await RetriedLetters.read(log, name);
  const candidates: Candidate[] = [];
  for (const place of selection.places) {
    const letter = await recordAt(log, name, place);
    if (letter === null || markedOffset(letter) !== null) {
      candidates.push({ letter: null, topic: name, ...place, why: 'there is no letter at this offset' });
    } else if (retried.has(letter)) {
      candidates.push({ letter: null, topic: name, ...place, why: 'it was put back already' });
    } else {
      candidates.push({ letter });
    }
  }
  yield candidates;
}

/** A letter on its way back. */
interface Retry {
  readonly place: Place;
  readonly record: OutgoingRecord;
  readonly mark: OutgoingRecord;
  readonly retries: number;
}

/** A larger record is appended alone, so that no other letter fails with it where the topic refuses it. Unit: bytes. */
const ALONE_BYTES = 256 * 1024;

async function retryBatch(
  world: LetterTopics,
  topic: Topic,
  candidates: readonly Candidate[],
  dryRun: boolean,
): Promise<readonly RetryOutcome[]> {
  const found = await Promise.all(candidates.map((candidate) => retryOf(world, topic, candidate)));
  const retries = found.filter((one) => 'record' in one);
  const failures = dryRun ? new Map<Retry, HarvestlineError>() : await putBack(world.log, retries);
  return found.map((one): RetryOutcome => {
    if (!('record' in one)) return one;
    const failure = failures.get(one);
    if (failure !== undefined) return refusedOutcome(one.place, topic, outcomeOf(failure));
    const state = dryRun ? 'would retry' : 'retried';
    return { ...one.place, state, to: topic.name, retries: one.retries, refused: null };
  });
}

/** The record that goes back, or why none does. */
async function retryOf(
  { log, codec }: LetterTopics,
  topic: Topic,
  candidate: Candidate,
): Promise<Retry | RetryOutcome> {
  if (candidate.letter === null) {
    const { letter: _, why, ...place } = candidate;
    return refusedOutcome(place, topic, { code: null, message: why, problems: [] });
  }
  const { partition, offset } = candidate.letter;
  const place = { topic: deadLetterTopicOf(topic.name), partition, offset };
  const letter = deadLetterFrom(candidate.letter);
  const original = await originalOf(log, topic, letter);
  if (original.kind === 'gone') {
    return refusedOutcome(place, topic, { code: null, message: original.why, problems: [] });
  }
  await codec.prepare(topic.name, [original.record]);
  const { passes, ...refused } = checkLetter(codec, topic, original.record, letter.recordedAt);
  if (!passes) return refusedOutcome(place, topic, refused);
  const record = retriedRecord(letter, original.record, topic.name);
  return { place, record, mark: markOf({ ...candidate.letter, topic: place.topic }), retries: letter.retries + 1 };
}

/** DLQ-5: an append keeps the order of its topics, so no mark is durable before its record. */
async function putBack(log: EventLog, retries: readonly Retry[]): Promise<ReadonlyMap<Retry, HarvestlineError>> {
  const failures = new Map<Retry, HarvestlineError>();
  const isAlone = ({ record }: Retry): boolean => (record.value?.length ?? 0) > ALONE_BYTES;
  const together = retries.filter((retry) => !isAlone(retry));
  const parts = [together, ...retries.filter(isAlone).map((retry) => [retry])];
  for (const part of parts) {
    try {
      if (part.length > 0) await log.append([...part.map(({ record }) => record), ...part.map(({ mark }) => mark)]);
    } catch (thrown) {
      if (!isKind(thrown, 'poison')) throw thrown;
      const [first, ...others] = part;
      if (first === undefined) continue;
      if (others.length === 0) failures.set(first, thrown);
      else parts.push(...part.map((retry) => [retry]));
    }
  }
  return failures;
}

function refusedOutcome(place: Place, topic: Topic, refused: Omit<CheckOutcome, 'passes'>): RetryOutcome {
  return { ...place, state: 'refused', to: topic.name, retries: null, refused };
}
