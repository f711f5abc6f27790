import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deadLetterFrom } from '../../../pipelines/dlq/dead-letter.ts';
import type { ErrorCode } from '../../../errors/codes.ts';
import { HarvestlineError, type Problem } from '../../../errors/harvestline-error.ts';
import {
  DEAD_LETTER_HEADERS,
  type LeftOut,
  MovedStarts,
  boundedMessage,
  deadLetterOf,
  sha256Of,
} from '../../../pipelines/runtime/dead-letter.ts';
import type { Processor } from '../../../pipelines/runtime/processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { LogRecord, OutgoingRecord, Substitute } from '../../../ports/event-log.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { DEAD_LETTER_ROOM_BYTES, TOPICS } from '../../../schemas/topics.ts';

const SET_ASIDE_AT = 1_800_000_000_000;

const RECORD: LogRecord = {
  topic: 'position.snapshot',
  partition: 3,
  offset: 17,
  timestamp: 7,
  key: Buffer.from('main:BTCUSDT'),
  value: Buffer.from('bad'),
  headers: [['trace', Buffer.from('abc')]],
};

function letterOf(record: Partial<LogRecord>, problems: readonly Problem[] = [], onLeftOut?: (left: LeftOut) => void) {
  const error = new HarvestlineError('RECORD_INVALID', 'position.snapshot: does not say why', { problems });
  const { topic: _, ...letter } = deadLetterOf({ ...RECORD, ...record }, error, {
    at: SET_ASIDE_AT,
    ...(onLeftOut === undefined ? {} : { onLeftOut }),
  });
  return letter;
}

/** What is written where the log refuses `letter`; null: the append fails. */
function after(letter: Substitute | null, code: ErrorCode): Substitute | null {
  return letter?.ifRefused?.(new HarvestlineError(code, 'refused')) ?? null;
}

function read({ key, value, timestamp, headers = [], partition = 0 }: Substitute) {
  return deadLetterFrom({ topic: 'position.snapshot.dlq', partition, offset: 5, key, value, timestamp, headers });
}

function text(letter: Substitute, name: keyof typeof DEAD_LETTER_HEADERS): string {
  const found = letter.headers?.findLast((header) => header[0] === DEAD_LETTER_HEADERS[name])?.[1];
  return Buffer.from(found ?? []).toString();
}

function bytesOf({ key, value, headers = [] }: Substitute): number {
  const size = (bytes: Uint8Array | null): number => 10 + (bytes?.length ?? 0);
  return headers.reduce((sum, [name, bytes]) => sum + size(Buffer.from(name)) + size(bytes), size(key) + size(value));
}

describe('RUN-4: the headers that say why', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 3000 });
  const problems = fc.array(fc.record({ path: anyText, why: anyText }), { maxLength: 200 });

  test('stay within their bounds and count what they leave out, whatever fails and however it is named', () => {
    fc.assert(
      fc.property(problems, (all) => {
        const letter = letterOf({}, all);
        const paths = JSON.parse(text(letter, 'paths')) as readonly Problem[];
        expect(text(letter, 'message').length).toBeLessThanOrEqual(2000);
        expect(text(letter, 'paths').length).toBeLessThanOrEqual(4000);
        expect(paths.length).toBeLessThanOrEqual(50);
        expect(text(letter, 'pathsTotal')).toBe(String(all.length));
        expect(paths.length === 0).toBe(all.length === 0);
        expect(bytesOf(letter) - bytesOf({ ...RECORD })).toBeLessThan(DEAD_LETTER_ROOM_BYTES);
        expect([letter.key, letter.value, letter.headers?.[0]]).toEqual([RECORD.key, RECORD.value, RECORD.headers[0]]);
      }),
      { numRuns: 200 },
    );
  });

  test('name the first of 10,000 NaN and how many there are', () => {
    const all = Array.from({ length: 10_000 }, (_, index) => ({
      path: `r_history[${index}]`,
      why: 'must be finite, found NaN',
    }));
    const letter = letterOf({}, all);
    const { problems: named, problemsTotal, message } = read(letter);
    expect([named.length, problemsTotal]).toEqual([50, 10_000]);
    expect(named[49]).toEqual(all[49]);
    expect(message).toContain('r_history[0]: must be finite, found NaN; r_history[1]');
  });

  test('stay within 4,000 characters where each path and reason is long', () => {
    const all = Array.from({ length: 50 }, (_, index) => ({
      path: `p${index}`.padEnd(250, 'x'),
      why: 'y'.repeat(250),
    }));
    const letter = letterOf({}, all);
    expect(text(letter, 'paths').length).toBeLessThanOrEqual(4000);
    const { problems: named, problemsTotal } = read(letter);
    expect([named.length, problemsTotal]).toEqual([7, 50]);
  });

  test('a cut text says how long it was, and is still text', () => {
    const error = new HarvestlineError('AVRO_CORRUPT', '😀'.repeat(3000));
    const message = boundedMessage(error);
    expect([message.length <= 2000, message.isWellFormed()]).toEqual([true, true]);
    expect(message).toContain('(6000 characters)');
  });
});

describe('RUN-5: a letter that the log refuses for its size', () => {
  test('goes without its value, with SHA-256 and length, an empty value, and says so once', () => {
    const value = Buffer.alloc(1_048_488, 0x41);
    const told: LeftOut[] = [];
    const letter = letterOf({ value }, [], (left) => told.push(left));
    expect(letter.value).toBe(value);
    expect(told).toEqual([]);
    const small = after(letter, 'RECORD_TOO_LARGE');
    if (small === null) throw new Error('no smaller form');
    expect(told).toEqual([{ valueBytes: 1_048_488, keyBytes: null, headers: 0 }]);
    expect(small.value).toHaveLength(0);
    expect([text(small, 'valueSha256'), text(small, 'valueBytes')]).toEqual([sha256Of(value), '1048488']);
    expect(read(small)).toMatchObject({
      source: { topic: 'position.snapshot', partition: 3, offset: 17 },
      leftOut: { value: { bytes: 1_048_488 }, key_bytes: null, headers: 0 },
      code: 'RECORD_INVALID',
    });
    expect(small.key).toBe(RECORD.key);
    expect(small.headers?.[0]).toEqual(RECORD.headers[0]);
  });

  const large = fc.constantFrom(0, 100, 5000, 20_000, 1_000_000);
  const headers = fc.array(fc.tuple(fc.string({ maxLength: 10 }), large), { maxLength: 20 });

  test('fits in the end, whatever of it is large, and counts what it left out', () => {
    fc.assert(
      fc.property(large, large, headers, (key, value, sizes) => {
        const record = {
          key: Buffer.alloc(key),
          value: Buffer.alloc(value, 1),
          headers: sizes.map(([name, size]) => [name, Buffer.alloc(size)] as const),
        };
        const kept = after(letterOf(record), 'RECORD_TOO_LARGE');
        const bare = after(kept, 'RECORD_TOO_LARGE');
        if (kept === null || bare === null) throw new Error('no smaller form');
        expect(bytesOf(kept)).toBeLessThan(60_000);
        expect(bytesOf(bare)).toBeLessThan(2000);
        expect(after(bare, 'RECORD_TOO_LARGE')).toBeNull();
        for (const letter of [kept, bare]) {
          const leftOut = read(letter).leftOut;
          const others = (letter.headers ?? []).filter(([name]) => !name.includes('.errors.')).length;
          expect(leftOut?.value?.bytes ?? value).toBe(value);
          expect(leftOut?.value === undefined || leftOut.value === null).toBe(letter.value?.length === value);
          expect(leftOut?.key_bytes ?? key).toBe(key);
          expect((leftOut?.headers ?? 0) + others).toBe(sizes.length);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('null stays null, and an empty value is told from one that was left out', () => {
    expect(after(letterOf({ value: null, key: null }), 'RECORD_TOO_LARGE')).toMatchObject({ value: null, key: null });
    const empty = letterOf({ value: new Uint8Array(0) });
    expect(read(empty).leftOut).toBeNull();
  });

  test('headers that a record arrived with do not make it a letter without its bytes', () => {
    const lies = [
      [DEAD_LETTER_HEADERS.valueSha256, Buffer.from('00')],
      [DEAD_LETTER_HEADERS.headersLeftOut, Buffer.from('4')],
      [DEAD_LETTER_HEADERS.keyBytes, Buffer.from('4')],
    ] as const;
    for (const value of [new Uint8Array(0), Buffer.from('x'), null]) {
      const letter = letterOf({ value, headers: lies });
      expect(read(letter).leftOut).toBeNull();
      expect(letter.headers?.slice(0, 3)).toEqual(lies);
    }
  });
});

test('RUN-6: set aside now, with the time of the record in a header; that time where the log does not take ours', () => {
  for (const timestamp of [7, 0, -1]) {
    const letter = letterOf({ timestamp });
    expect([letter.timestamp, read(letter).recordedAt]).toEqual([SET_ASIDE_AT, timestamp]);
    const older = after(letter, 'TIMESTAMP_REFUSED');
    expect(older).toMatchObject({ timestamp, value: RECORD.value, partition: 3 });
    expect(after(older, 'TIMESTAMP_REFUSED')).toBeNull();
  }
});

test('RUN-7: where there is no such partition it goes to the first, and the headers say where from', () => {
  const elsewhere = after(letterOf({}), 'PARTITION_MISSING');
  if (elsewhere === null) throw new Error('no other partition');
  expect(elsewhere.partition).toBe(0);
  expect(after(elsewhere, 'PARTITION_MISSING')).toBeNull();
  expect(read(elsewhere).source).toEqual({ topic: 'position.snapshot', partition: 3, offset: 17 });
  // One trouble may come after another.
  const small = after(after(elsewhere, 'RECORD_TOO_LARGE'), 'TIMESTAMP_REFUSED');
  expect(small).toMatchObject({ timestamp: RECORD.timestamp, partition: 0 });
  expect(after(letterOf({}), 'TOPIC_MISSING')).toBeNull();
});

test('RUN-10: a stretch that was never read is logged once, and has its letter each time that the log tells of it', async () => {
  const lines: string[] = [];
  const logger: Logger = { ...SILENT_LOGGER, error: (_: object, line: string) => void lines.push(line) };
  const processor: Processor = {
    name: 'scoring',
    inputs: [TOPICS.positionSnapshot],
    process: () => Promise.resolve([]),
  };
  const starts = new MovedStarts({ processor, clock: new VirtualClock(SET_ASIDE_AT), logger });
  const letters: OutgoingRecord[] = [];
  const append = (records: readonly OutgoingRecord[]): Promise<void> => Promise.resolve(void letters.push(...records));
  const moved = { topic: 'position.snapshot', partition: 2, why: 'overtaken', from: 10, to: 15 } as const;
  await starts.report([moved], append);
  await starts.report([moved], append);
  expect(lines).toHaveLength(1);
  expect(letters).toHaveLength(2);
  await starts.report([{ ...moved, to: 16 }], append);
  expect(lines).toHaveLength(2);
});
