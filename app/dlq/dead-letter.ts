import type { Problem } from '../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS } from '../../pipelines/dead-letter.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { deadLetterTopicOf, findTopic, isDeadLetterTopic, type Topic } from '../../schemas/topics.ts';
import { lastHeader } from './header-text.ts';
import { RETRY_HEADERS } from './retry-headers.ts';

/** Where a record lies. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A dead letter and what its headers say. Whatever they do not say is null: somebody else may have written to the topic. */
export interface DeadLetter {
  readonly at: LogRecord;
  /** Where the record was refused. */
  readonly source: Place | null;
  readonly code: string | null;
  readonly message: string | null;
  /** The failing paths at that time. */
  readonly problems: readonly Problem[];
  /** How often it was put back before it was refused again. */
  readonly retries: number;
}

/** The last header of each name counts: a letter that was retried and refused again carries those of every time. */
export function deadLetterFrom(at: LogRecord): DeadLetter {
  const text = (name: string): string | null => lastHeader(at.headers, name);
  const topic = text(DEAD_LETTER_HEADERS.topic);
  const partition = wholeNumber(text(DEAD_LETTER_HEADERS.partition));
  const offset = wholeNumber(text(DEAD_LETTER_HEADERS.offset));
  return {
    at,
    source: topic === null || partition === null || offset === null ? null : { topic, partition, offset },
    code: text(DEAD_LETTER_HEADERS.code),
    message: text(DEAD_LETTER_HEADERS.message),
    problems: problemsFrom(text(DEAD_LETTER_HEADERS.paths)),
    retries: wholeNumber(text(RETRY_HEADERS.count)) ?? 0,
  };
}

/** The chain's topic whose dead letters are meant by the name of either. */
export function sourceTopicNamed(name: string): Topic | undefined {
  return findTopic(isDeadLetterTopic(name) ? name.slice(0, -deadLetterTopicOf('').length) : name);
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
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
