import type { Headers, LogRecord, OutgoingRecord } from '../../ports/event-log.ts';
import { DEAD_LETTER_HEADERS } from '../runtime/dead-letter.ts';
import type { DeadLetter } from './dead-letter.ts';
import { RETRY_OF_HEADER } from '../../schemas/wire-format.ts';
import { lastHeader } from './header-text.ts';

/** Header names of what `dlq retry` writes. */
export const RETRY_HEADERS = {
  /** On a retried record: the letter it was, `<dead-letter topic>/<partition>/<offset>`; one more for each retry. Equal on two records: retried twice. */
  of: RETRY_OF_HEADER,
  /** On a retried record: how often it has been put back. */
  count: 'harvestline.retry.count',
  /** On a mark: the offset, in the mark's own partition, of the letter that was put back. */
  mark: 'harvestline.retry.mark',
} as const;

/**
 * The record as it goes back: its bytes, key, timestamp and headers, those of the refusal among them, and two that name the
 * letter and count. The key chooses the partition; without one, or with one too large to be hashed in reasonable time, it is the
 * partition it came from. What the refusal said stays in the
 * letter where the topic takes no record with it.
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

/** kafkajs's hash takes a time that grows with the square of the key: a tenth of a second for this. Unit: bytes. */
const HASHED_KEY_BYTES = 10_000;

const REFUSAL_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

/**
 * The mark of a letter that was put back: a record without a value in the letter's own partition, with the letter's own
 * timestamp, so that retention never removes the mark before the letter.
 */
export function markOf(letter: LogRecord): OutgoingRecord {
  const { topic, partition, key, timestamp, offset } = letter;
  const headers: Headers = [[RETRY_HEADERS.mark, Buffer.from(String(offset))]];
  return { topic, partition, key, value: null, timestamp, headers };
}

/**
 * The offset of the letter that this record marks; null for a letter. A letter always names its source topic, so a record
 * that arrived with a mark's header and was refused is still a letter.
 */
export function markedOffset({ value, headers }: LogRecord): number | null {
  if (value !== null || lastHeader(headers, DEAD_LETTER_HEADERS.topic) !== null) return null;
  const offset = lastHeader(headers, RETRY_HEADERS.mark);
  return offset !== null && /^\d{1,15}$/.test(offset) ? Number(offset) : null;
}
