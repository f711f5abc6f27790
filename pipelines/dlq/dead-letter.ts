import type { Problem } from '../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS } from '../runtime/dead-letter.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { LetterId } from '../../schemas/generated/records.ts';
import { letterIdOf } from '../../schemas/ids.ts';
import { deadLetterTopicOf, findTopic, sourceTopicOf, type Topic, type TopicName } from '../../schemas/topics.ts';
import { lastHeader } from './header-text.ts';
import { RETRY_HEADERS } from './retry-headers.ts';

/** Where a record lies. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a letter does not hold, because the log refused it for its size. */
export interface LeftOut {
  readonly value: { readonly sha256: string; readonly bytes: number } | null;
  readonly key_bytes: number | null;
  /** How many of the record's headers. */
  readonly headers: number;
}

/** A dead letter and what its headers say. Whatever they do not say is null: somebody else may have written to the topic. */
export interface DeadLetter {
  readonly at: LogRecord;
  /** Where the record was refused. */
  readonly source: Place | null;
  /** The record's own timestamp; the letter's where that does not say. */
  readonly recordedAt: EpochMillis;
  readonly code: string | null;
  readonly message: string | null;
  /** The failing paths at that time, as many as the header holds, and how many there were. */
  readonly problems: readonly Problem[];
  readonly problemsTotal: number;
  /** How often it was put back before it was refused again. */
  readonly retries: number;
  /** Null where the letter is its record, byte for byte. */
  readonly leftOut: LeftOut | null;
  /** Null where the letter is of a record. */
  readonly neverRead: NeverRead | null;
}

/** Records of a partition that a group never read, because retention removed them first. */
export interface NeverRead extends Place {
  readonly group: string;
  /** The offset after the last of them; `offset` is that of the first. */
  readonly to: number;
}

/** The last header of each name counts: a letter that was retried and refused again carries those of every time. */
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

/** The id of a letter of that topic's records. */
export function idOfLetter(topic: TopicName, { partition, offset }: Omit<Place, 'topic'>): LetterId {
  return letterIdOf({ topic: deadLetterTopicOf(topic), partition, offset });
}

/** The chain's topic whose dead letters are meant by the name of either. */
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
