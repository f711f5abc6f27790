import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendGroup } from '../../../connectors/kafka/append-groups.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';

const LIMIT_BYTES = 1_000_000;

function record(topic: string, text: string): OutgoingRecord {
  return { topic, key: null, value: Buffer.from(text), timestamp: 0 };
}

/** What is sent, record by record. */
function sent(group: AppendGroup): string[] {
  return [...group.chunks()].flatMap(({ topic, entries }) =>
    entries.map((entry) => `${topic}:${String(entry.record.value)}`),
  );
}

const appends = array(array(constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }), { maxLength: 6 });

describe('AppendGroup', () => {
  it('L1: every append that is taken finds its topics in the order of their first appearance, its records in order', () => {
    assert(
      property(appends, (all) => {
        const group = new AppendGroup();
        const taken = all
          .map((topics, index) => topics.map((topic, at) => record(topic, `${index}.${at}`)))
          .filter((records) => group.tryAdd(records));
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

  it('takes appends with the same topics together, and leaves one that needs them the other way round', () => {
    const group = new AppendGroup();
    expect(group.tryAdd([record('a', '1'), record('b', '1')])).toBe(true);
    expect(group.tryAdd([record('b', '2')])).toBe(true);
    expect(group.tryAdd([record('b', 'no'), record('a', 'no')])).toBe(false);
    expect(group.tryAdd([record('c', 'no'), record('b', 'no')])).toBe(false);
    expect(sent(group)).toEqual(['a:1', 'b:1', 'b:2']);
  });

  it('cuts into sends well below what a broker takes, and sends a record that is above it alone', () => {
    const group = new AppendGroup();
    const sizes = [400_000, 400_000, 400_000, 3_000_000, 10, 10];
    group.tryAdd(sizes.map((size) => record('a', 'x'.repeat(size))));
    const chunks = [...group.chunks()].map(({ entries }) => entries.map((entry) => entry.record.value?.length ?? 0));
    expect(chunks.flat()).toEqual(sizes);
    for (const chunk of chunks) {
      const bytes = chunk.reduce((sum, size) => sum + size, 0);
      expect(chunk.length === 1 || bytes < LIMIT_BYTES).toBe(true);
    }
  });
});

it('letters of two partitions never share a send: what is refused of one would be sent twice of the other', () => {
  const group = new AppendGroup();
  const letter = (partition: number): OutgoingRecord => ({ ...record('a', 'x'), partition, ifRefused: () => null });
  group.tryAdd([record('a', 'no letter'), letter(0), letter(0), letter(1), letter(0)]);
  const partitions = [...group.chunks()].map(({ entries }) => entries.map((entry) => entry.record.partition));
  expect(partitions).toEqual([[undefined], [0, 0], [1], [0]]);
});
