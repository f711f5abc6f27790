import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdempotentProducer } from '../../../connectors/kafka/idempotent-producer.ts';
import { KafkaAppender } from '../../../connectors/kafka/kafka-appender.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { FakeCluster, type Fault, LARGEST_BATCH, NO_LEADER } from './fake-cluster.ts';

const TOPIC = 't';

/** Brokers 0, 1 and 2 lead two partitions each. */
const LEADERS = [0, 1, 2, 0, 1, 2];

function appenderOn(cluster: FakeCluster): KafkaAppender {
  const open = (): Promise<IdempotentProducer> => IdempotentProducer.open(cluster.asCluster(), 'none');
  return new KafkaAppender(open, new VirtualClock(0), SILENT_LOGGER);
}

function numbered(partition: number, number: number): OutgoingRecord {
  return { topic: TOPIC, partition, key: null, value: Buffer.from(String(number)), timestamp: number };
}

function numbersOf(cluster: FakeCluster): readonly (readonly number[])[] {
  return cluster.logs.map((log) => log.map(({ value }) => Number(String(Buffer.from(value ?? [])))));
}

describe('KFK-37, KFK-31: only a leader acknowledges records, and only of its own partition', () => {
  it('a partition whose leader has moved to a broker that has answered already is sent there (kafkajs#1303)', async () => {
    const cluster = new FakeCluster(TOPIC, [1, 2], [{ kind: 'leader-moves', partition: 1, to: 1 }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1), numbered(1, 2)]);
    expect(numbersOf(cluster)).toEqual([[1], [2]]);
    // The acknowledged partition is not sent again.
    expect(cluster.requests).toEqual([
      { broker: 1, partitions: [0] },
      { broker: 2, partitions: [1] },
      { broker: 1, partitions: [1] },
    ]);
    await appender.close();
  });

  it.each([true, false])('a partition that the answer leaves out is sent again; written: %s', async (written) => {
    const cluster = new FakeCluster(TOPIC, [1, 1], [{ kind: 'left-out', written }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1), numbered(1, 2)]);
    expect(numbersOf(cluster)).toEqual([[1], [2]]);
    expect(cluster.requests.map(({ partitions }) => partitions)).toEqual([[0, 1], [0]]);
    await appender.close();
  });

  it('KFK-34: where the broker has forgotten the producer, a new one sends it', async () => {
    const cluster = new FakeCluster(TOPIC, [1, 1], [{ kind: 'none' }, { kind: 'producers-forgotten' }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1), numbered(1, 2)]);
    await appender.append([numbered(0, 3)]);
    expect(numbersOf(cluster)).toEqual([[1, 3], [2]]);
    await appender.close();
  });

  it('KFK-32: a batch that may be written is sent again although its append has failed, or the next records under its number would be lost', async () => {
    const cluster = new FakeCluster(TOPIC, [1, 1], [{ kind: 'left-out', written: true }]);
    const appender = appenderOn(cluster);
    const large = { ...numbered(1, 2), value: Buffer.alloc(LARGEST_BATCH) };
    await expect(appender.append([numbered(0, 1), large])).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    await appender.append([numbered(0, 3)]);
    expect(numbersOf(cluster)).toEqual([[1, 3], []]);
    await appender.close();
  });

  it('KFK-32: so is a batch that was given up because its topic was missing', async () => {
    const unknown: Fault = { kind: 'topic-unknown' };
    const lost: Fault = { kind: 'answer-lost' };
    // Written without an answer; then the topic is missing for longer than an append waits for it.
    const cluster = new FakeCluster(TOPIC, [1], [lost, ...Array.from({ length: 60 }, () => unknown)]);
    const appender = appenderOn(cluster);
    await expect(appender.append([numbered(0, 1)])).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    for (;;) {
      const outcome = await appender.append([numbered(0, 2)]).then(
        () => 'written',
        () => 'missing',
      );
      if (outcome === 'written') break;
    }
    expect(numbersOf(cluster)).toEqual([[1, 2]]);
    await appender.close();
  });

  it('a broker that does not know the topic yet is waited for', async () => {
    const cluster = new FakeCluster(TOPIC, [1], [{ kind: 'topic-unknown' }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1)]);
    expect(numbersOf(cluster)).toEqual([[1]]);
    await appender.close();
  });
});

const fault = fc.oneof(
  fc.constant<Fault>({ kind: 'none' }),
  fc.constantFrom<Fault>({ kind: 'request-lost' }, { kind: 'answer-lost' }, { kind: 'topic-unknown' }),
  fc.boolean().map((written): Fault => ({ kind: 'left-out', written })),
  fc
    .record({ partition: fc.nat(LEADERS.length - 1), to: fc.constantFrom(NO_LEADER, 0, 1, 2) })
    .map((move): Fault => ({ kind: 'leader-moves', ...move })),
);

/** The partitions of an append's records, and the partition of one more that no broker accepts. */
const append = fc.record({
  partitions: fc.array(fc.nat(LEADERS.length - 1), { minLength: 1, maxLength: 12 }),
  large: fc.option(fc.nat(LEADERS.length - 1), { freq: 2 }),
});

describe('KFK-33, KFK-34, KFK-36, KFK-37: under any faults of requests', () => {
  it('each record of an append that resolved is on the log once, those of others at most once, all in the order of the appends', async () => {
    const reach = countedBranches({ resolved: 200, refused: 100 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(append, { maxLength: 8 }),
        fc.array(fault, { maxLength: 25 }),
        fc.boolean(),
        async (appends, faults, atOnce) => {
          const cluster = new FakeCluster(TOPIC, LEADERS, faults);
          const appender = appenderOn(cluster);
          let number = 0;
          const acknowledged: number[] = [];
          const running: Promise<void>[] = [];
          for (const { partitions, large } of appends) {
            const records = partitions.map((partition) => numbered(partition, number++));
            const numbers = records.map(({ timestamp }) => timestamp);
            if (large !== null) records.push({ ...numbered(large, -1), value: Buffer.alloc(LARGEST_BATCH) });
            const appending = async (): Promise<void> => {
              try {
                await appender.append(records);
                reach('resolved');
                acknowledged.push(...numbers);
              } catch (refusal) {
                reach('refused');
                expect({ refusal, large }).toMatchObject({
                  refusal: { code: 'RECORD_TOO_LARGE' },
                  large: expect.any(Number),
                });
              }
            };
            running.push(appending());
            if (!atOnce) await running.at(-1);
          }
          await Promise.all(running);
          await appender.close();
          expect(cluster.overtaking).toBe(0);
          const logs = numbersOf(cluster);
          for (const log of logs) {
            expect(log).toEqual([...new Set(log)]);
            expect(log).toEqual(log.toSorted((one, other) => one - other));
          }
          expect(acknowledged.filter((one) => !logs.flat().includes(one))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
