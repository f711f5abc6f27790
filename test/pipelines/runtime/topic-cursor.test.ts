import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  BatchCursor,
  TopicCursor,
  endsOf,
  forEachRecord,
  mergePartitions,
  withinPartition,
} from '../../../pipelines/runtime/topic-cursor.ts';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { Batch } from '../../../ports/event-log.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { proposalOf } from '../../fixtures/calibration-record.ts';
import { MemoryLog, memorySession } from '../../fixtures/memory-log.ts';

const TOPIC = TOPICS.confidenceCalibration;
const AWAY = new HarvestlineError('BROKER_AWAY', 'away');

/** A topic of versions, the cursor under test, and the versions that it has visited. */
async function versions(options: ConstructorParameters<typeof TopicCursor>[3] = {}) {
  const world = await memorySession();
  const seen: string[] = [];
  const cursor = new TopicCursor(world, TOPIC.name, ({ version }) => seen.push(version), options);
  const write = (version: string, partition = 0, at = 1) => world.write(TOPIC, proposalOf(version), at, partition);
  const poison = (partition = 0) =>
    world.log.append([{ topic: TOPIC.name, key: null, value: Buffer.from('not avro'), timestamp: 1, partition }]);
  return { world, seen, cursor, write, poison };
}

describe('TopicCursor', () => {
  it('RUN-18: visits every record once, those of a partition in their order, however often it reads on', async () => {
    const { seen, cursor, write } = await versions();
    for (const version of ['a', 'b', 'c', 'd']) await write(version, 2);
    await cursor.readOn();
    await cursor.readOn();
    await write('e', 2);
    await write('f', 0);
    await cursor.readOn();
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'f', 'e']);
  });

  it('RUN-18: leaves none out wherever the log or a visit fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
        fc.integer({ min: 1, max: 12 }),
        async (draws, n) => {
          const { world, write } = await versions();
          for (let i = 0; i < n; i++) await write(String(i), i % 2);
          const failing = (): void => {
            if (draws.next().value === 0) throw AWAY;
          };
          const log = new (class extends MemoryLog {
            override async *read(...asked: Parameters<MemoryLog['read']>): AsyncIterable<Batch> {
              for await (const batch of world.log.read(...asked)) {
                failing();
                yield batch;
              }
            }
            override offsets(topic: string) {
              return world.log.offsets(topic);
            }
          })();
          const seen = new Set<string>();
          const cursor = new TopicCursor({ log, codec: world.codec }, TOPIC.name, ({ version }) => {
            seen.add(version);
            failing();
          });
          for (let tries = 0; tries < 1000; tries++) {
            try {
              await cursor.readOn();
              break;
            } catch (thrown) {
              expect(thrown).toBe(AWAY);
            }
          }
          expect(seen.size).toBe(n);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('RUN-19: counts what does not decode, tells of it, and goes on', async () => {
    const told: number[] = [];
    const { seen, cursor, write, poison } = await versions({ onPoison: ({ offset }) => told.push(offset) });
    await write('a');
    await poison();
    await write('b');
    await cursor.readOn();
    expect(seen).toEqual(['a', 'b']);
    expect(told).toEqual([1]);
    expect(cursor.undecodable).toBe(1);
  });

  it('starts where it is told to: at a time, or at the end', async () => {
    const { world, seen, write } = await versions();
    await write('early', 0, 10);
    await write('late', 0, 20);
    const since = new TopicCursor(world, TOPIC.name, ({ version }) => seen.push(`since: ${version}`), { since: 15 });
    const end = new TopicCursor(world, TOPIC.name, ({ version }) => seen.push(`end: ${version}`));
    await end.skipToEnd();
    await write('new', 0, 30);
    await since.readOn();
    await end.readOn();
    expect(seen).toEqual(['since: late', 'since: new', 'end: new']);
  });

  it('stops after the batch in hand when its signal aborts, and goes on there', async () => {
    const stop = new AbortController();
    const { seen, cursor, write } = await versions({ pause: () => Promise.resolve(stop.abort()) });
    for (const version of ['a', 'b', 'c', 'd']) await write(version);
    await cursor.readOn(stop.signal);
    expect(seen).toEqual(['a', 'b', 'c']);
    await cursor.readOn();
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('RUN-20: reads a topic that was made anew from its beginning, once it has told so', async () => {
    const { world, write } = await versions();
    for (const version of ['a', 'b']) await write(version);
    let current = world.log;
    const log = Object.assign(Object.create(world.log) as MemoryLog, {
      read: (...asked: Parameters<MemoryLog['read']>) => current.read(...asked),
      offsets: (topic: string) => current.offsets(topic),
    });
    const story: string[] = [];
    const onMadeAnew = (): void => void story.push('made anew');
    const topics = { log, codec: world.codec };
    const cursor = new TopicCursor(topics, TOPIC.name, ({ version }) => story.push(version), { onMadeAnew });
    const seen: string[] = [];
    const untold = new TopicCursor(topics, TOPIC.name, ({ version }) => seen.push(version));
    await cursor.readOn();
    await untold.readOn();
    const other = await memorySession();
    await other.write(TOPIC, proposalOf('c'), 1, 0);
    current = other.log;
    await cursor.readOn();
    await untold.readOn();
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(story).toEqual(['a', 'b', 'made anew', 'c']);
  });
});

describe('BatchCursor', () => {
  it('asks nothing of partitions that have not grown', async () => {
    const { world, write } = await versions();
    const read = vi.spyOn(world.log, 'read');
    const cursor = new BatchCursor(world.log, TOPIC.name);
    await cursor.readOn(() => {});
    await write('a', 1);
    await cursor.readOn(() => {});
    await cursor.readOn(() => {});
    expect(read.mock.calls.map(([, range]) => range?.partitions)).toEqual([[1]]);
  });
});

describe('forEachRecord', () => {
  it('reads one partition between two offsets, and counts what does not decode in between alone', async () => {
    const { world, write, poison } = await versions();
    await poison();
    for (const version of ['a', 'b']) await write(version);
    await poison();
    const seen: string[] = [];
    const visit = ({ version }: { readonly version: string }): void => void seen.push(version);
    const read = (begin: number, end: number) =>
      forEachRecord(world, TOPIC.name, withinPartition({ partition: 0, begin, end }), visit);
    expect(await read(1, 3)).toBe(0);
    expect(await read(2, 4)).toBe(1);
    expect(await read(2, 2)).toBe(0);
    expect(seen).toEqual(['a', 'b', 'b']);
  });

  it('leaves out what was appended after the ends were taken', async () => {
    const { world, write } = await versions();
    await write('a', 0);
    await write('b', 1);
    const ends = (await endsOf(world.log, [TOPIC.name])).get(TOPIC.name);
    await write('c', 0);
    const seen: string[] = [];
    await forEachRecord(world, TOPIC.name, { ends }, ({ version }) => seen.push(version));
    expect(seen).toEqual(['a', 'b']);
  });
});

describe('mergePartitions', () => {
  it('gives all records in the order of time, and those of a partition in their own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ partition: fc.nat({ max: 2 }), at: fc.nat({ max: 9 }) }), { maxLength: 30 }),
        async (records) => {
          const log = new MemoryLog();
          const record = { topic: TOPIC.name, key: null, value: null };
          for (const { partition, at } of records) await log.append([{ ...record, partition, timestamp: at }]);
          const merged: { readonly partition: number; readonly offset: number; readonly timestamp: number }[] = [];
          const range = await log.offsets(TOPIC.name);
          for await (const run of mergePartitions(log, TOPIC.name, range, () => Promise.resolve())) merged.push(...run);
          expect(merged).toHaveLength(records.length);
          for (const partition of [0, 1, 2]) {
            const own = merged.filter((one) => one.partition === partition);
            expect(own.map(({ offset }) => offset)).toEqual(own.map((_, offset) => offset));
          }
          const sorted = (times: readonly number[]): boolean => times.every((time, i) => time >= (times[i - 1] ?? 0));
          const isOrdered = [0, 1, 2].every((one) =>
            sorted(records.flatMap(({ partition, at }) => (partition === one ? [at] : []))),
          );
          fc.pre(isOrdered);
          expect(sorted(merged.map(({ timestamp }) => timestamp))).toBe(true);
        },
      ),
    );
  });
});
