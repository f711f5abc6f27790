import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  deadLetterFrom,
  RETRY_HEADERS,
  markOf,
  markedOffset,
  retriedRecord,
} from '../../../pipelines/dlq/dead-letter.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS, deadLetterOf } from '../../../pipelines/runtime/dead-letter.ts';
import type { Headers, LogRecord } from '../../../ports/event-log.ts';
import { TOPICS } from '../../../schemas/topics.ts';

const SOURCE = TOPICS.positionSnapshot.name;

const bytes = () => fc.option(fc.uint8Array({ maxLength: 20 }));
const headerName = () =>
  fc.constantFrom('trace', RETRY_HEADERS.mark, RETRY_HEADERS.of, RETRY_HEADERS.count, DEAD_LETTER_HEADERS.code);

/** A record as anybody may produce it, with headers that pretend to be ours. */
const arrived = (): fc.Arbitrary<LogRecord> =>
  fc.record({
    topic: fc.constant(SOURCE),
    partition: fc.nat(5),
    offset: fc.nat(1000),
    timestamp: fc.nat(),
    key: bytes(),
    value: bytes(),
    headers: fc.array(fc.tuple(headerName(), fc.oneof(bytes(), fc.constant(Buffer.from('3')))), { maxLength: 4 }),
  });

/** The letter that the runtime makes of it. */
function letterOf(record: LogRecord, offset = 17): LogRecord {
  const {
    partition = 0,
    headers = [],
    ...letter
  } = deadLetterOf(record, new HarvestlineError('AVRO_CORRUPT', 'lies'), { at: 99 });
  return { ...letter, partition, headers, offset };
}

describe('a letter that goes back', () => {
  test('has the bytes, key, timestamp and headers of the record that arrived', () => {
    fc.assert(
      fc.property(arrived(), (record) => {
        const letter = letterOf(record);
        const back = retriedRecord({ ...deadLetterFrom(letter), retries: 0 }, letter, SOURCE);
        expect([back.key, back.value, back.timestamp]).toEqual([record.key, record.value, record.timestamp]);
        const own = record.headers.filter(([name]) => name !== RETRY_HEADERS.count);
        expect(back.headers?.slice(0, own.length)).toEqual(own);
        // The key chooses the partition, as for any record; without one it goes where it was.
        expect(back.partition).toBe(record.key === null ? record.partition : undefined);
      }),
      { numRuns: 200 },
    );
  });

  test('counts its retries once, and names every letter that it was', () => {
    const record = { topic: SOURCE, partition: 2, offset: 5, timestamp: 7, key: null, value: null, headers: [] };
    const first = letterOf(record, 17);
    const once = retriedRecord(deadLetterFrom(first), first, SOURCE);
    const again = letterOf({ ...record, headers: once.headers ?? [] }, 18);
    const twice = retriedRecord(deadLetterFrom(again), again, SOURCE).headers ?? [];
    const texts = (name: string) => twice.filter((header) => header[0] === name).map(([, value]) => String(value));
    expect(texts(RETRY_HEADERS.count)).toEqual(['2']);
    expect(texts(RETRY_HEADERS.of)).toEqual([`${again.topic}/2/17`, `${again.topic}/2/18`]);
    expect(texts(DEAD_LETTER_HEADERS.code)).toHaveLength(2);
  });
});

describe('a mark', () => {
  test('is distinguished from every letter, whatever headers its record arrived with', () => {
    fc.assert(
      fc.property(arrived(), (record) => {
        const letter = letterOf(record);
        expect(markedOffset(letter)).toBeNull();
        const { headers = [], partition = -1, ...mark } = markOf(letter);
        expect(markedOffset({ ...mark, headers, partition, offset: 99 })).toBe(letter.offset);
        expect([mark.topic, partition, mark.timestamp]).toEqual([letter.topic, letter.partition, letter.timestamp]);
      }),
      { numRuns: 200 },
    );
  });
});

test('headers that somebody else wrote are read as far as they make sense', () => {
  const letter = letterOf({
    topic: SOURCE,
    partition: 2,
    offset: 5,
    timestamp: 7,
    key: null,
    value: null,
    headers: [],
  });
  const headers: Headers = [
    [DEAD_LETTER_HEADERS.topic, Buffer.from(SOURCE)],
    [DEAD_LETTER_HEADERS.partition, Buffer.from('two')],
    [DEAD_LETTER_HEADERS.paths, Buffer.from('{"path"')],
    [RETRY_HEADERS.count, Buffer.from('-1')],
  ];
  expect(deadLetterFrom({ ...letter, headers })).toMatchObject({ source: null, code: null, problems: [], retries: 0 });
});
