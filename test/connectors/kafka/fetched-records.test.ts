import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import type { Batch } from 'kafkajs';
import { expect, it } from 'vitest';
import { FetchedRecords, recordsWithin, slicesOf } from '../../../connectors/kafka/fetch-response.ts';
import type { FetchedBatch } from '../../../connectors/kafka/read-batches.ts';
import type { LogRecord } from '../../../ports/event-log.ts';

/** kafkajs's own batch, which reads the messages as kafkajs does. */
const KafkajsBatch = createRequire(import.meta.url)('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchedOffset: string,
  partition: object,
) => Batch;

const BEGIN = 100;

const recordAt = (offset: number): LogRecord => ({
  topic: 't',
  partition: 0,
  offset,
  timestamp: 0,
  key: null,
  value: null,
  headers: [],
});

/** Consecutive batches. Compaction or transactions may have removed records of each, also the first and the last. */
const aFetch = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), { maxLength: 6 }).map((sizes) => {
  let base = BEGIN;
  const batches = sizes.flatMap((kept): FetchedBatch[] => {
    const first = base;
    base += kept.length;
    const records = kept.flatMap((isKept, index) => (isKept ? [recordAt(first + index)] : []));
    if (records.length === 0) return [];
    return [{ firstOffset: first, lastOffset: base - 1, count: records.length, records: () => records }];
  });
  return { batches, next: sizes.length === 0 ? null : base };
});

const offsetsOf = (batches: readonly FetchedBatch[]): number[] =>
  batches.flatMap((batch) => batch.records().map(({ offset }) => offset));

it('kafkajs sees the records from the requested offset, and continues where the fetch ended', () => {
  fc.assert(
    fc.property(aFetch, fc.nat(40), fc.integer({ min: 1, max: 7 }), ({ batches, next }, ahead, size) => {
      const asked = BEGIN + ahead;
      fc.pre(next === null || asked < next);
      const messages = new FetchedRecords(batches, next);
      const partition = { partition: 0, highWatermark: '1000', abortedTransactions: [], messages };
      const batch = new KafkajsBatch('t', String(asked), partition);
      const wanted = offsetsOf(batches).filter((offset) => offset >= asked);
      expect([batch.isEmpty(), batch.messages.length]).toEqual([wanted.length === 0, wanted.length]);
      if (next !== null) expect(batch.lastOffset()).toEqual(next - 1);
      const slices = [...slicesOf(batch, size)];
      expect(slices.flatMap(({ batch: { records } }) => records.map(({ offset }) => offset))).toEqual(wanted);
      expect(Math.max(0, ...slices.map(({ batch: { records } }) => records.length))).toBeLessThanOrEqual(size);
      for (const [index, { batch: one, commitOffset }] of slices.entries()) {
        const last = one.records.at(-1)?.offset ?? Number.NaN;
        expect(one.nextOffset).toBe(last + 1);
        expect(commitOffset).toBe(index === slices.length - 1 ? next : last + 1);
      }
      expect(recordsWithin(messages, asked, asked + 5).map(({ offset }) => offset)).toEqual(
        wanted.filter((offset) => offset < asked + 5),
      );
    }),
  );
});

it('KFK-39: a batch is decoded when its records are handled, and not before', () => {
  const batches = [0, 1, 2].map((index): FetchedBatch => {
    const firstOffset = BEGIN + 10 * index;
    const records = (): readonly LogRecord[] => {
      decoded.push(firstOffset);
      return Array.from({ length: 10 }, (_, delta) => recordAt(firstOffset + delta));
    };
    return { firstOffset, lastOffset: firstOffset + 9, count: 10, records };
  });
  const decoded: number[] = [];
  const messages = new FetchedRecords(batches, BEGIN + 30);
  const partition = { partition: 0, highWatermark: '1000', abortedTransactions: [], messages };
  const slices = slicesOf(new KafkajsBatch('t', String(BEGIN), partition), 10)[Symbol.iterator]();
  expect(decoded).toEqual([]);
  slices.next();
  expect(decoded).toEqual([BEGIN]);
  slices.next();
  expect(decoded).toEqual([BEGIN, BEGIN + 10]);
});
