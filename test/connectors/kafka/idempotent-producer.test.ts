import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdempotentProducer } from '../../../connectors/kafka/idempotent-producer.ts';
import { KafkaAppender } from '../../../connectors/kafka/kafka-appender.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { OutgoingRecord } from '../../../ports/event-log.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { FakeCluster, type Fault, NO_LEADER } from './fake-cluster.ts';

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

describe('A4, I1: acknowledged is what a leader has acknowledged of its own partition', () => {
  it('a partition whose leader has moved to a broker that has answered already is sent there (kafkajs#1303)', async () => {
    const cluster = new FakeCluster(TOPIC, [1, 2], [{ kind: 'leader-moves', partition: 1, to: 1 }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1), numbered(1, 2)]);
    expect(numbersOf(cluster)).toEqual([[1], [2]]);
    // The partition that was acknowledged is not sent again.
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

  it('A1: where the broker has forgotten the producer, a new one sends it', async () => {
    const cluster = new FakeCluster(TOPIC, [1, 1], [{ kind: 'none' }, { kind: 'producers-forgotten' }]);
    const appender = appenderOn(cluster);
    await appender.append([numbered(0, 1), numbered(1, 2)]);
    await appender.append([numbered(0, 3)]);
    expect(numbersOf(cluster)).toEqual([[1, 3], [2]]);
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

describe('A1, A4: whatever befalls the requests', () => {
  it('each record is on the log once, in the order of the appends', async () => {
    const appends = fc.array(fc.array(fc.nat(LEADERS.length - 1), { minLength: 1, maxLength: 12 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(appends, fc.array(fault, { maxLength: 25 }), fc.boolean(), async (all, faults, atOnce) => {
        const cluster = new FakeCluster(TOPIC, LEADERS, faults);
        const appender = appenderOn(cluster);
        let number = 0;
        const expected: number[][] = LEADERS.map(() => []);
        const running: Promise<void>[] = [];
        for (const partitions of all) {
          const records = partitions.map((partition) => {
            expected[partition]?.push(number);
            return numbered(partition, number++);
          });
          running.push(appender.append(records));
          if (!atOnce) await running.at(-1);
        }
        await Promise.all(running);
        expect(numbersOf(cluster)).toEqual(expected);
        await appender.close();
      }),
    );
  });
});
