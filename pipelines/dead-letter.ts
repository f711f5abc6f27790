import { type HarvestlineError, formatProblems } from '../errors/harvestline-error.ts';
import type { LogRecord, OutgoingRecord } from '../ports/event-log.ts';
import { deadLetterTopicOf } from '../schemas/topics.ts';

/** Header names of a dead letter: KIP-1034's, and two of our own for what a tool needs to act on it. */
export const DEAD_LETTER_HEADERS = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  code: 'harvestline.errors.code',
  paths: 'harvestline.errors.paths',
} as const;

/**
 * The record as it was received, byte for byte with key, headers and timestamp, in the same partition of its dead-letter
 * topic, and headers that say why. `paths` is a JSON array of {path, why}.
 */
export function deadLetterOf(record: LogRecord, error: HarvestlineError): OutgoingRecord {
  const why = [
    [DEAD_LETTER_HEADERS.exception, error.name],
    [DEAD_LETTER_HEADERS.message, error.problems.length > 0 ? formatProblems(error.problems) : error.message],
    [DEAD_LETTER_HEADERS.topic, record.topic],
    [DEAD_LETTER_HEADERS.partition, String(record.partition)],
    [DEAD_LETTER_HEADERS.offset, String(record.offset)],
    [DEAD_LETTER_HEADERS.code, error.code],
    [DEAD_LETTER_HEADERS.paths, JSON.stringify(error.problems)],
  ] as const;
  return {
    topic: deadLetterTopicOf(record.topic),
    partition: record.partition,
    key: record.key,
    value: record.value,
    timestamp: record.timestamp,
    headers: [...record.headers, ...why.map(([name, text]) => [name, Buffer.from(text)] as const)],
  };
}
