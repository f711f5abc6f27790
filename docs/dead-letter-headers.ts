import { RETRY_HEADERS } from '../pipelines/dlq/dead-letter.ts';
import { DEAD_LETTER_HEADERS } from '../pipelines/runtime/dead-letter.ts';

export interface HeaderDoc {
  readonly name: string;
  readonly doc: string;
}

const REFUSAL_DOCS = {
  exception: 'The class of the error. KIP-1034.',
  message: 'Why, in words: the failing paths, or the error; at most 2,000 characters. KIP-1034.',
  topic: 'The topic of the record. KIP-1034.',
  partition: 'The partition of the record, in decimal digits. KIP-1034.',
  offset: 'The offset of the record, in decimal digits. KIP-1034.',
  code: 'A stable code of the error, for example RECORD_INVALID: what tools group by.',
  paths:
    'JSON: a list of {"path", "why"}, one for each failing field, the first 50 of them at most and 4,000 characters; empty where the bytes do not decode.',
  pathsTotal: 'How many paths failed, in decimal digits.',
  timestamp:
    "The record's own timestamp, in milliseconds since 1970-01-01 UTC; that of the letter is when it was set aside.",
  valueSha256: 'Of a letter without its bytes: the SHA-256 of the value, in hexadecimal digits.',
  valueBytes: 'Of a letter without its bytes: how long the value is, in bytes.',
  keyBytes: 'Of a letter without its key, because that is large: how long it is, in bytes.',
  headersLeftOut: 'Of a letter without some of the headers of its record, because they are large: how many.',
  group:
    'Of a letter with the code RECORDS_NEVER_READ: the consumer group that never read the records. It has no key and no value.',
  offsetTo:
    'Of a letter with the code RECORDS_NEVER_READ: the oldest offset that was still kept, in decimal digits. The group never read those from `__streams.errors.offset` to before it.',
} as const satisfies Record<keyof typeof DEAD_LETTER_HEADERS, string>;

const RETRY_DOCS = {
  of: 'On a record that was put back: the letter it was, `<topic>/<partition>/<offset>`; one for each time.',
  count: 'On a record that was put back: how often, in decimal digits.',
  mark: 'On a record without a value in a dead-letter topic: the letter at this offset of the same partition was put back.',
} as const satisfies Record<keyof typeof RETRY_HEADERS, string>;

/** What a dead letter carries beside the headers that its record arrived with. */
export const REFUSAL_HEADER_DOCS: readonly HeaderDoc[] = docsOf(DEAD_LETTER_HEADERS, REFUSAL_DOCS);

/** What `dlq retry` adds. */
export const RETRY_HEADER_DOCS: readonly HeaderDoc[] = docsOf(RETRY_HEADERS, RETRY_DOCS);

function docsOf<K extends string>(names: Readonly<Record<K, string>>, docs: Readonly<Record<K, string>>): HeaderDoc[] {
  return (Object.keys(names) as K[]).map((key) => ({ name: names[key], doc: docs[key] }));
}
