/** A dead letter as its headers describe it, the record that goes back to its topic, and the mark that it went back. */
import type { Problem } from '../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS } from '../runtime/dead-letter.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord, Headers, OutgoingRecord } from '../../ports/event-log.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { letterIdOf } from '../../schemas/ids.ts';
import { deadLetterTopicOf, findTopic, sourceTopicOf, type Topic, type TopicName } from '../../schemas/topics.ts';
import { bufferOf } from '../../schemas/buffer-of.ts';
import { RETRY_OF_HEADER } from '../../schemas/wire-format.ts';

/** The place of a record. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The parts of a record that its letter does not hold, because the log refused them for their size. */
export interface LeftOut {
  readonly value: { readonly sha256: string; readonly bytes: number } | null;
  readonly key_bytes: number | null;
  /** How many of the record's headers are missing. */
  readonly headers: number;
}

/** A dead letter. What its headers do not say is null: another program may have written to the topic. */
export interface DeadLetter {
  readonly at: LogRecord;
  /** Where the record was refused. */
  readonly source: Place | null;
  /** The record's own timestamp; that of the letter where no header has it. */
  readonly recordedAt: EpochMillis;
  readonly code: string | null;
  readonly message: string | null;
  /** The failing paths, as many as the header holds, and their true number. */
  readonly problems: readonly Problem[];
  readonly problemsTotal: number;
  /** How often it was put back before it was refused again. */
  readonly retries: number;
  /** Null where the letter holds its record byte for byte. */
  readonly leftOut: LeftOut | null;
  /** For a letter about records that were never read; null for the letter of a record. */
  readonly neverRead: NeverRead | null;
}

/** Records of a partition that a group never read, because retention removed them first. */
interface NeverRead extends Place {
  readonly group: string;
  /** The offset after the last; `offset` is the first. */
  readonly to: number;
}

/** The last header of each name counts: a letter that was retried and refused again has those of every time. */
export function deadLetterFrom(at: LogRecord): DeadLetter {
  const text = (name: string): string | null => lastHeader(at.headers, name);
  const topic = text(DEAD_LETTER_HEADERS.topic);
  const partition = wholeNumber(text(DEAD_LETTER_HEADERS.partition));
  const offset = wholeNumber(text(DEAD_LETTER_HEADERS.offset));
  const problems = problemsFrom(text(DEAD_LETTER_HEADERS.paths));
  const source = topic === null || partition === null || offset === null ? null : { topic, partition, offset };
  const group = text(DEAD_LETTER_HEADERS.group);
  const to = wholeNumber(text(DEAD_LETTER_HEADERS.offsetTo));
  return {
    at,
    source,
    neverRead: source === null || group === null || to === null ? null : { ...source, group, to },
    recordedAt: integer(text(DEAD_LETTER_HEADERS.timestamp)) ?? at.timestamp,
    code: text(DEAD_LETTER_HEADERS.code),
    message: text(DEAD_LETTER_HEADERS.message),
    problems,
    problemsTotal: Math.max(problems.length, wholeNumber(text(DEAD_LETTER_HEADERS.pathsTotal)) ?? 0),
    retries: wholeNumber(text(RETRY_HEADERS.count)) ?? 0,
    leftOut: leftOutOf(at),
  };
}

/** The id of a letter; `topic` is that of its records. */
export function idOfLetter(topic: TopicName, { partition, offset }: Omit<Place, 'topic'>): LetterId {
  return letterIdOf({ topic: deadLetterTopicOf(topic), partition, offset });
}

/** Resolves the name of a topic, or of its dead-letter topic, to the topic. */
export function sourceTopicNamed(name: string): Topic | undefined {
  return findTopic(sourceTopicOf(name) ?? name);
}

function leftOutOf({ value, headers }: LogRecord): LeftOut | null {
  const text = (name: string): string | null => lastHeader(headers, name);
  const sha256 = value !== null && value.length === 0 ? text(DEAD_LETTER_HEADERS.valueSha256) : null;
  const keyBytes = wholeNumber(text(DEAD_LETTER_HEADERS.keyBytes));
  const others = wholeNumber(text(DEAD_LETTER_HEADERS.headersLeftOut)) ?? 0;
  if (sha256 === null && keyBytes === null && others === 0) return null;
  const bytes = wholeNumber(text(DEAD_LETTER_HEADERS.valueBytes)) ?? 0;
  return { value: sha256 === null ? null : { sha256, bytes }, key_bytes: keyBytes, headers: others };
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function integer(text: string | null): number | null {
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

function problemsFrom(text: string | null): readonly Problem[] {
  if (text === null) return [];
  let paths: unknown;
  try {
    paths = JSON.parse(text);
  } catch {
    return [];
  }
  return Array.isArray(paths) ? paths.filter(isProblem) : [];
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null || !('path' in value) || !('why' in value)) return false;
  return typeof value.path === 'string' && typeof value.why === 'string';
}

/** The UTF-8 text of the last header of that name; null where there is none, or where it has no value. */
export function lastHeader(headers: Headers, name: string): string | null {
  return textOf(headers.findLast((header) => header[0] === name)?.[1] ?? null);
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : bufferOf(bytes).toString('utf8');
}

/** The names of the headers that `dlq retry` writes. */
export const RETRY_HEADERS = {
  /** On a retried record: its letter, as `<dead-letter topic>/<partition>/<offset>`; one more for each retry. Two records with the same one were one letter. */
  of: RETRY_OF_HEADER,
  /** On a retried record: how often it has been put back. */
  count: 'harvestline.retry.count',
  /** On a mark: the offset of the letter that was put back, in the partition of the mark. */
  mark: 'harvestline.retry.mark',
} as const;

/**
 * The record as it goes back: its bytes, key, timestamp and headers, those of the refusal included, and two more that name the letter and
 * count the retries. The key chooses the partition; without a key, or with one too large to hash in reasonable time, it is the partition it
 * came from. Where the topic refuses the record for its size, it goes back without the headers of the refusal.
 */
export function retriedRecord(letter: DeadLetter, original: LogRecord, sourceTopic: string): OutgoingRecord {
  const { at, source, recordedAt, retries } = letter;
  const { key, value } = original;
  const of = `${at.topic}/${at.partition}/${at.offset}`;
  const headers = (lineage: Headers): Headers => [
    ...lineage.filter(([name]) => name !== RETRY_HEADERS.count),
    [RETRY_HEADERS.of, Buffer.from(of)],
    [RETRY_HEADERS.count, Buffer.from(String(retries + 1))],
  ];
  const record = {
    key,
    value,
    timestamp: recordedAt,
    ...(key === null || key.length > HASHED_KEY_BYTES ? { partition: source?.partition ?? at.partition } : {}),
  };
  const own = original.headers.filter(([name]) => !REFUSAL_NAMES.has(name));
  return {
    topic: sourceTopic,
    ...record,
    headers: headers(original.headers),
    ifRefused: ({ code }) => (code === 'RECORD_TOO_LARGE' ? { ...record, headers: headers(own) } : null),
  };
}

/** The time of kafkajs's hash grows with the square of the key: a tenth of a second for this. Unit: bytes. */
const HASHED_KEY_BYTES = 10_000;

const REFUSAL_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

/**
 * The mark that a letter was put back: a record without a value in the letter's partition, with the letter's timestamp, so that retention
 * never removes the mark before the letter.
 */
export function markOf(letter: LogRecord): OutgoingRecord {
  const { topic, partition, key, timestamp, offset } = letter;
  const headers: Headers = [[RETRY_HEADERS.mark, Buffer.from(String(offset))]];
  return { topic, partition, key, value: null, timestamp, headers };
}

/**
 * The offset of the letter that this record marks; null for a letter. A letter always names its source topic, so a record that arrived with
 * the header of a mark and was refused is still a letter.
 */
export function markedOffset({ value, headers }: LogRecord): number | null {
  if (value !== null || lastHeader(headers, DEAD_LETTER_HEADERS.topic) !== null) return null;
  const offset = lastHeader(headers, RETRY_HEADERS.mark);
  return offset !== null && /^\d{1,15}$/.test(offset) ? Number(offset) : null;
}
