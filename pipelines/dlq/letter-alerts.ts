/**
 * The alerts of dead letters that wait: one way for `status`, which reads the topics once, and one for a running process, which reads on.
 * Letters that `dlq retry` put back or `dlq discard` gave up wait no longer.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import type { Batch } from '../../ports/event-log.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { letterIdOf } from '../../schemas/ids.ts';
import { TOPICS, type Topic, type TopicName, deadLetterTopicOf } from '../../schemas/topics.ts';
import { type Alert, NAMED_IN_EVIDENCE, earliestOf, firstFew, lookCloser } from '../alerts/alerts.ts';
import { BatchCursor, type ReadableTopics, TopicCursor } from '../runtime/topic-cursor.ts';
import { type DeadLetter, deadLetterFrom, idOfLetter, markedOffset } from './dead-letter.ts';
import { openLetters, readDiscarded } from './read-letters.ts';

/** A stretch of a partition that a group never read; its letter waits for somebody to see it. */
export interface NeverReadFigures {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Its first offset, and the one after its last. */
  readonly from: number;
  readonly to: number;
  /** When it was found. */
  readonly since: EpochMillis;
}

/** A waiting letter that does not hold its record: the log refused it for its size. */
interface LetterWithoutBytes {
  /** The topic of its record. */
  readonly topic: string;
  /** Where the letter lies in the dead-letter topic. */
  readonly partition: number;
  readonly offset: number;
  /** When the record was dead-lettered. */
  readonly since: EpochMillis;
}

/** What waits in one dead-letter topic. */
interface WaitingCount {
  readonly topic: string;
  readonly records: number;
  /** Timestamp of the oldest. */
  readonly since: EpochMillis;
}

interface WaitingLetters {
  /** Letters that nobody has retried or discarded. */
  readonly count: number;
  readonly alerts: readonly Alert[];
  /** What groups never read, each stretch once. */
  readonly neverRead: readonly NeverReadFigures[];
}

/** For `status`: reads every dead-letter topic from its beginning. */
export async function waitingLetters({ log, codec }: ReadableTopics): Promise<WaitingLetters> {
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  const counts: WaitingCount[] = [];
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
    counts.push({ topic: deadLetterTopicOf(topic.name), records, since });
  }
  const stretches = [...neverRead.values()];
  const alerts = [
    deadLettersAlert(counts),
    lettersWithoutBytesAlert(withoutBytes),
    recordsNeverReadAlert(stretches),
  ].filter((alert) => alert !== null);
  return { count: counts.reduce((sum, { records }) => sum + records, 0), alerts, neverRead: stretches };
}

/**
 * For a running process: the letters without their bytes and the stretches that were never read, which need an answer before retention
 * does away with the records. Each call reads what came since the one before. Memory: one entry for each such letter, and the id of every
 * discarded letter.
 */
export class LetterWatch {
  readonly #topics: ReadableTopics;
  readonly #pause: (signal: AbortSignal) => Promise<void>;
  readonly #cursors = new Map<string, BatchCursor>();
  readonly #discardings: TopicCursor<typeof TOPICS.letterDiscarded.name>;
  readonly #withoutBytes = new Map<LetterId, LetterWithoutBytes>();
  readonly #neverRead = new Map<LetterId, NeverReadFigures>();
  readonly #discarded = new Set<LetterId>();

  /** `pause` is waited for after every batch. */
  constructor(topics: ReadableTopics, pause: (signal: AbortSignal) => Promise<void>) {
    this.#topics = topics;
    this.#pause = pause;
    const discarded = TOPICS.letterDiscarded.name;
    this.#discardings = new TopicCursor(topics, discarded, ({ letter_id: id }) => this.#discarded.add(id), { pause });
  }

  /** To the ends that stand now; false when `signal` aborted first. */
  async readOn(signal: AbortSignal): Promise<boolean> {
    for (const topic of Object.values(TOPICS)) await this.#readLetters(topic, signal);
    await this.#discardings.readOn(signal);
    return !signal.aborted;
  }

  alerts(): readonly Alert[] {
    const stretches = new Map(this.#waiting(this.#neverRead).map((stretch) => [stretchOf(stretch), stretch]));
    return [
      lettersWithoutBytesAlert(this.#waiting(this.#withoutBytes)),
      recordsNeverReadAlert([...stretches.values()]),
    ].filter((alert) => alert !== null);
  }

  /** Those that nobody has discarded, oldest first. */
  #waiting<L extends { readonly since: EpochMillis }>(letters: ReadonlyMap<LetterId, L>): readonly L[] {
    const waiting = [...letters].filter(([id]) => !this.#discarded.has(id)).map(([, letter]) => letter);
    return waiting.toSorted((one, other) => one.since - other.since);
  }

  async #readLetters(topic: Topic, signal: AbortSignal): Promise<void> {
    const name = deadLetterTopicOf(topic.name);
    await this.#readOn(name, signal, ({ partition, records }) => {
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
    });
  }

  async #readOn(topic: string, signal: AbortSignal, work: (batch: Batch) => void): Promise<void> {
    const cursor = this.#cursors.get(topic) ?? new BatchCursor(this.#topics.log, topic);
    this.#cursors.set(topic, cursor);
    await cursor.readOn(async (batch) => {
      work(batch);
      await this.#pause(signal);
    }, signal);
  }
}

/** The stretch that a letter reports as never read; null for the letter of a record. */
function neverReadOf(topic: TopicName, { at, neverRead }: DeadLetter): NeverReadFigures | null {
  if (neverRead === null) return null;
  const { group, partition, offset: from, to } = neverRead;
  return { group, topic, partition, from, to, since: at.timestamp };
}

/** Equal for two letters of one loss: a member that died before it went on leaves one, and its successor another. */
function stretchOf({ group, topic, partition, from, to }: NeverReadFigures): string {
  return JSON.stringify([group, topic, partition, from, to]);
}

/** A record that no processor could read or act on waits for a person. One is one too many. */
export function deadLettersAlert(topics: readonly WaitingCount[]): Alert | null {
  const waiting = topics.filter(({ records }) => records > 0);
  if (waiting.length === 0) return null;
  return {
    name: 'dead_letters',
    since: earliestOf(waiting),
    evidence: `Dead letters wait: ${waiting.map(({ topic, records }) => `${records} in ${topic}`).join(', ')}.`,
    next: lookCloser('dlq list'),
  };
}

/** The bytes are on the source topic alone, and gone when retention gets there. */
function lettersWithoutBytesAlert(letters: readonly LetterWithoutBytes[]): Alert | null {
  const [first] = letters;
  if (first === undefined) return null;
  const named = firstFew(
    letters,
    NAMED_IN_EVIDENCE,
    ({ topic, partition, offset }) => `${deadLetterTopicOf(topic)} ${partition}:${offset}`,
  );
  const are = letters.length === 1 ? '1 dead letter is' : `${letters.length} dead letters are`;
  return {
    name: 'letter_without_bytes',
    since: earliestOf(letters),
    evidence:
      `${are} without the bytes, which the log refused for their size (${named.join(', ')}): they are on the source topic ` +
      'until retention removes them there.',
    next: lookCloser('dlq show', first.topic, `${first.partition}:${first.offset}`),
  };
}

/** Retention removed records before a group came to them: positions that nobody scored, intents that nobody executed. */
function recordsNeverReadAlert(stretches: readonly NeverReadFigures[]): Alert | null {
  if (stretches.length === 0) return null;
  const counts = new Map<string, number>();
  for (const { group, topic, from, to } of stretches) {
    const which = `of ${topic} by ${group}`;
    counts.set(which, (counts.get(which) ?? 0) + to - from);
  }
  const named = firstFew(
    stretches,
    NAMED_IN_EVIDENCE,
    ({ topic, partition, from, to }) => `${topic}[${partition}] ${from} to ${to - 1}`,
  );
  return {
    name: 'records_never_read',
    since: earliestOf(stretches),
    evidence:
      `Retention removed records that were never read: ${Array.from(counts, ([which, count]) => `${count} ${which}`).join(', ')} ` +
      `(offsets ${named.join(', ')}). It stands until their letters are discarded.`,
    next: lookCloser('dlq list'),
  };
}
