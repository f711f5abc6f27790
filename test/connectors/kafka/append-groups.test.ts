import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendGroup, chunksOf } from '../../../connectors/kafka/append-groups.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';

const LIMIT_BYTES = 1_000_000;

function record(topic: string, text: string): OutgoingRecord {
  return { topic, key: null, value: Buffer.from(text), timestamp: 0 };
}

/** The records of all chunks, in the order in which they are sent. */
function sent(group: AppendGroup<unknown>): string[] {
  return Array.from(group.topics(), ([topic, entries]) =>
    entries.map((entry) => `${topic}:${String(entry.record.value)}`),
  ).flat();
}

const appends = array(array(constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }), { maxLength: 6 });

describe('AppendGroup', () => {
  it('PORT-1: the topics of every added append are in the order of their first appearance, its records in order', () => {
    assert(
      property(appends, (all) => {
        const group = new AppendGroup();
        const taken = all
          .map((topics, index) => topics.map((topic, at) => record(topic, `${index}.${at}`)))
          .filter((records, index) => group.tryAdd(index, records));
        const order = sent(group);
        expect(order).toHaveLength(taken.flat().length);
        for (const records of taken) {
          const topics = [...new Set(records.map(({ topic }) => topic))];
          const wanted = topics.flatMap((topic) =>
            records.filter((one) => one.topic === topic).map(({ value }) => `${topic}:${String(value)}`),
          );
          expect(order.filter((one) => wanted.includes(one))).toEqual(wanted);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not add an append that needs another order of topics', () => {
    const group = new AppendGroup();
    expect(group.tryAdd('one', [record('a', '1'), record('b', '1')])).toBe(true);
    expect(group.tryAdd('two', [record('b', '2'), record('a', '2')])).toBe(false);
    expect(group.tryAdd('three', [record('b', '3'), record('c', '3')])).toBe(true);
    expect(sent(group)).toEqual(['a:1', 'b:1', 'b:3', 'c:3']);
  });
});

describe('chunksOf', () => {
  let placed = 0;
  /** Thirty records for each of three partitions, one partition after the other. */
  const nextPartition = (): number => Math.floor(placed++ / 30);

  it('keeps the records of a partition in order, and its batch within the limit of a broker', () => {
    const entries = Array.from({ length: 60 }, (_, index) => ({
      record: record('a', `${index}`.padEnd(index % 7 === 0 ? 300_000 : 40_000, '.')),
      owner: index,
    }));
    const chunks = [...chunksOf(entries, ({ value }) => Number.parseInt(String(value), 10) % 3)];
    const order: number[][] = [[], [], []];
    for (const chunk of chunks) {
      for (const [partition, own] of chunk) {
        const bytes = own.reduce((sum, entry) => sum + (entry.record.value?.length ?? 0), 0);
        expect(bytes).toBeLessThan(LIMIT_BYTES);
        order[partition]?.push(...own.map(({ owner }) => owner));
      }
    }
    expect(order).toEqual(
      [0, 1, 2].map((partition) => Array.from({ length: 20 }, (_, index) => partition + 3 * index)),
    );
  });

  it('fills a request from every partition: many of one partition first make no more requests than the largest needs', () => {
    const entries = Array.from({ length: 90 }, (_, owner) => ({ record: record('a', 'x'.repeat(100_000)), owner }));
    const chunks = [...chunksOf(entries, ({ value }) => (value === null ? 0 : nextPartition()))];
    expect(chunks.map((chunk) => chunk.size)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('sends a record that fills a batch alone', () => {
    const entries = [10, 1_000_000, 10].map((length) => ({ record: record('a', 'x'.repeat(length)), owner: length }));
    const sizes = [...chunksOf(entries, () => 0)].map((chunk) => (chunk.get(0) ?? []).map(({ owner }) => owner));
    expect(sizes).toEqual([[10], [1_000_000], [10]]);
  });
});
