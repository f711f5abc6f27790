/** Reads dead-letter topics: which letters wait, which were put back or discarded, and the record of a letter. */
import type { EventLog, LogRecord, ReadRange } from '../../ports/event-log.ts';
import type { LetterDiscarded, LetterId } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import { TOPICS, type TopicName, deadLetterTopicOf, type Topic } from '../../schemas/topics.ts';
import { decodeBatch } from '../runtime/topic-cursor.ts';
import { idOfLetter, markedOffset, type DeadLetter } from './dead-letter.ts';
import { sha256Of } from '../runtime/dead-letter.ts';

/** The letters of one dead-letter topic that were put back. Memory: one number for each. */
export class RetriedLetters {
  readonly #offsets = new Map<number, Set<number>>();

  /** Reads every mark up to the end that stands now. */
  static async read(log: EventLog, topic: string): Promise<RetriedLetters> {
    const retried = new RetriedLetters();
    for await (const { partition, records } of log.read(topic)) {
      for (const record of records) {
        const offset = markedOffset(record);
        if (offset !== null) retried.#add(partition, offset);
      }
    }
    return retried;
  }

  has({ partition, offset }: LogRecord): boolean {
    return this.#offsets.get(partition)?.has(offset) ?? false;
  }

  #add(partition: number, offset: number): void {
    const offsets = this.#offsets.get(partition);
    if (offsets === undefined) this.#offsets.set(partition, new Set([offset]));
    else offsets.add(offset);
  }
}

/** The letters that were discarded. Memory: a record for each. */
export type DiscardedLetters = ReadonlyMap<LetterId, LetterDiscarded>;

/** Opens the codec only where a letter was ever discarded: without one no registry is needed to list letters. */
export async function readDiscarded(log: EventLog, codec: () => Promise<RecordCodec>): Promise<DiscardedLetters> {
  const topic = TOPICS.letterDiscarded.name;
  const discarded = new Map<LetterId, LetterDiscarded>();
  for await (const batch of log.read(topic)) {
    await decodeBatch({ codec: await codec() }, topic, batch, (record) => discarded.set(record.letter_id, record));
  }
  return discarded;
}

/** A letter that was not put back; `discarded` is null where it waits. */
export interface FoundLetter {
  readonly at: LogRecord;
  readonly discarded: LetterDiscarded | null;
}

/** The letters of a topic, batch by batch, without those that were put back. */
export async function* lettersOf(
  log: EventLog,
  topic: TopicName,
  discarded: DiscardedLetters,
  range: ReadRange = {},
): AsyncGenerator<readonly FoundLetter[]> {
  const name = deadLetterTopicOf(topic);
  const retried = await RetriedLetters.read(log, name);
  for await (const { records } of log.read(name, range)) {
    const found = records
      .filter((record) => markedOffset(record) === null && !retried.has(record))
      .map((at) => ({ at, discarded: discarded.get(idOfLetter(topic, at)) ?? null }));
    if (found.length > 0) yield found;
  }
}

/** The waiting letters of a topic: neither put back nor discarded. */
export async function* openLetters(
  log: EventLog,
  topic: TopicName,
  discarded: DiscardedLetters,
): AsyncGenerator<readonly LogRecord[]> {
  for await (const letters of lettersOf(log, topic, discarded)) {
    const open = letters.flatMap((letter) => (letter.discarded === null ? [letter.at] : []));
    if (open.length > 0) yield open;
  }
}

/** The record at a place; null where there is none. */
export async function recordAt(
  log: EventLog,
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: number },
): Promise<LogRecord | null> {
  const range = { from: new Map([[partition, offset]]), partitions: [partition] };
  for await (const { records } of log.read(topic, range)) {
    // A later offset comes first where retention removed the record.
    return records[0]?.offset === offset ? records[0] : null;
  }
  return null;
}

/** The record of a letter: the letter itself, or the one on the source topic where the letter does not hold its bytes. */
type Original =
  { readonly kind: 'letter' | 'source'; readonly record: LogRecord } | { readonly kind: 'gone'; readonly why: string };

export async function originalOf(log: EventLog, topic: Topic, letter: DeadLetter): Promise<Original> {
  const { at, source, leftOut } = letter;
  if (leftOut === null) return { kind: 'letter', record: at };
  const gone = (why: string): Original => ({ kind: 'gone', why: `the letter is without its bytes, and ${why}` });
  if (source === null) return gone('its headers do not say where its record lies');
  const place = `${source.topic} ${source.partition}:${source.offset}`;
  const record = await recordAt(log, topic.name, source);
  if (record === null) return gone(`${place} is no longer there: retention has removed it`);
  const same =
    record.topic === source.topic &&
    (leftOut.value === null
      ? isEqual(record.value, at.value)
      : record.value !== null && sha256Of(record.value) === leftOut.value.sha256);
  return same ? { kind: 'source', record } : gone(`another record lies at ${place} now: its SHA-256 differs`);
}

function isEqual(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}
