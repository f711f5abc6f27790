import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { DEAD_LETTER_HEADERS } from '../../../pipelines/runtime/dead-letter.ts';
import { wireProcessor } from '../../../pipelines/runtime/wire-processor.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { Append, LogRecord, OutgoingRecord } from '../../../ports/event-log.ts';
import { NO_OBSERVER } from '../../../pipelines/runtime/processor-observer.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

import { SNAPSHOTS, DEAD, preparedLog, scoring, run, all, headersOf, laxEncoder } from './wired-processor.ts';

describe('RUN-24: no record ends a processor', () => {
  /** What a log appends that refuses some records for their size, as Kafka does. */
  function refusing(isTooLarge: (record: OutgoingRecord) => boolean) {
    const written: OutgoingRecord[] = [];
    const append: Append = (records) => {
      for (const record of records) {
        if (isTooLarge(record)) return Promise.reject(new HarvestlineError('RECORD_TOO_LARGE', 'it is too large'));
        written.push(record);
      }
      return Promise.resolve();
    };
    return { written, append };
  }

  it('a record whose output the log refuses is dead-lettered; the others are processed, and each letter is there once', async () => {
    const { log, codec, source } = await preparedLog();
    const snapshots = [0, 1, 2, 3].map((index) => aSnapshot({ r: 9, symbol: `S${index}USDT` }));
    await log.append([
      { topic: SNAPSHOTS.name, partition: 0, key: null, value: Buffer.from('bad'), timestamp: 1 },
      ...snapshots.map((one) => ({ ...source.encode(SNAPSHOTS, one, one.observed_at), partition: 0 })),
    ]);
    const records = await all(log, SNAPSHOTS.name);
    const batch = { topic: SNAPSHOTS.name, partition: 0, records, nextOffset: 5 };
    const { handler } = wireProcessor({
      processor: scoring(codec),
      log,
      codec,
      clock: new VirtualClock(0),
      logger: SILENT_LOGGER,
    });
    const symbolOf = ({ key }: OutgoingRecord): string => Buffer.from(key ?? []).toString();
    const { written, append } = refusing(
      (record) => record.topic === TOPICS.harvestIntent.name && symbolOf(record).includes('S2USDT'),
    );
    const first = await handler(batch, append);
    const refusal = await append(first).catch((thrown: unknown) => thrown as HarvestlineError);
    if (refusal === undefined) throw new Error('nothing was refused');
    // What was refused was in front of every letter, so none is there yet.
    expect(written.some(({ topic }) => topic === DEAD)).toBe(false);
    await append(await handler(batch, append, refusal));
    const dead = written.filter(({ topic }) => topic === DEAD);
    const codes = dead.map(({ headers = [] }) => headers.find(([name]) => name === DEAD_LETTER_HEADERS.code)?.[1]);
    expect(codes.map(String)).toEqual(['NOT_WIRE_FORMAT', 'RECORD_TOO_LARGE']);
    const symbols = written.filter(({ topic }) => topic === TOPICS.harvestIntent.name).map(symbolOf);
    expect(new Set(symbols)).toEqual(new Set(['desk:S0USDT', 'desk:S1USDT', 'desk:S3USDT']));
    const told = written.filter(({ topic }) => topic === TOPICS.policyApplied.name);
    expect(told.length).toBeGreaterThan(0);
  });

  it('a letter goes to the topic by its name in the table, and says the name that its record came from', async () => {
    const { log, codec } = await preparedLog();
    const observed: string[] = [];
    const { handler } = wireProcessor({
      processor: scoring(codec),
      log,
      codec,
      clock: new VirtualClock(7),
      liveClock: new VirtualClock(55),
      logger: { ...SILENT_LOGGER, error: (_, message) => void observed.push(message) },
      observer: { ...NO_OBSERVER, leftOut: (topic) => void observed.push(topic) },
    });
    const value = Buffer.alloc(100_000, 1);
    const at = {
      topic: 'desk-a.position.snapshot',
      partition: 2,
      offset: 7,
      timestamp: 1,
      key: null,
      value,
      headers: [],
    };
    const batch = { topic: SNAPSHOTS.name, partition: 2, records: [at], nextOffset: 8 };
    const [letter] = await handler(batch, () => Promise.resolve());
    expect(letter).toMatchObject({ topic: DEAD, partition: 2, timestamp: 55 });
    const small = letter?.ifRefused?.(new HarvestlineError('RECORD_TOO_LARGE', 'the broker says so'));
    expect(observed).toEqual([
      SNAPSHOTS.name,
      expect.stringMatching(/^dead letter without its bytes: desk-a\.position\.snapshot\[2\]@7: the broker says so/),
    ]);
    const headers = Object.fromEntries((small?.headers ?? []).map(([name, bytes]) => [name, String(bytes)]));
    expect(headers[DEAD_LETTER_HEADERS.topic]).toBe('desk-a.position.snapshot');
    expect(headers[DEAD_LETTER_HEADERS.valueBytes]).toBe('100000');
  });

  it('the log line of a record with 10,000 failing paths stays short', async () => {
    const { log, codec } = await preparedLog();
    const lax = await laxEncoder(log);
    const value = lax({ ...aSnapshot(), r_history: Array(10_000).fill(Number.NaN) });
    await log.append([{ topic: SNAPSHOTS.name, key: Buffer.from('k'), value, timestamp: 0 }]);
    const lines: string[] = [];
    const { options, handler } = wireProcessor({
      processor: scoring(codec),
      log,
      codec,
      clock: new VirtualClock(0),
      logger: { ...SILENT_LOGGER, warn: (fields, message) => void lines.push(JSON.stringify({ ...fields, message })) },
    });
    const consumer = log.consumer(options, handler);
    await consumer.join();
    await consumer.pump();
    await consumer.stop();
    expect(lines).toHaveLength(1);
    expect(lines[0]?.length).toBeLessThan(8000);
    expect(lines[0]).toContain('"problemsTotal":10000');
    const [letter] = await all(log, DEAD);
    expect(Buffer.compare(letter?.value ?? Buffer.alloc(0), value)).toBe(0);
    expect(headersOf(letter as LogRecord)[DEAD_LETTER_HEADERS.pathsTotal]).toBe('10000');
  });

  it('RUN-7: a dead-letter topic with fewer partitions takes the letter in another', async () => {
    const { log, codec } = await preparedLog();
    log.database.exec(`UPDATE topics SET partitions = 2 WHERE name = '${DEAD}'`);
    await log.append([{ topic: SNAPSHOTS.name, partition: 5, key: null, value: Buffer.from('bad'), timestamp: 0 }]);
    await run(scoring(codec), log, codec);
    const [letter, ...more] = await all(log, DEAD);
    expect(more).toEqual([]);
    expect(headersOf(letter as LogRecord)).toMatchObject({
      [DEAD_LETTER_HEADERS.topic]: SNAPSHOTS.name,
      [DEAD_LETTER_HEADERS.partition]: '5',
      [DEAD_LETTER_HEADERS.offset]: '0',
    });
    expect(letter?.partition).toBeLessThan(2);
  });
});
