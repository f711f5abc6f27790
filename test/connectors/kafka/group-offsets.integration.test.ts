import { describe, expect, it } from 'vitest';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import type { BatchHandler, MovedStart, Subscription } from '../../../ports/event-log.ts';
import { until } from '../../fixtures/until.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { numberedRange, numbersByKey } from './numbered-records.ts';
import { twoLogs } from './two-logs.ts';

const broker = await sharedTestBroker();

describe.skipIf('skipped' in broker)('the offsets of a consumer group', () => {
  const { options, log, other, newTopic, withAdmin, committedSum } = twoLogs(started(broker).brokers ?? []);

  function deleteBefore(topic: string, offset: number): Promise<void> {
    return withAdmin(async (admin) => {
      // kafkajs deletes records only of topics whose metadata it has.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    });
  }

  it('KFK-2, KFK-3: what retention removes before a group reads it is reported, while it is away and while it lags, and no offset is below 0', async () => {
    const topic = await newTopic(2);
    const group = `${topic}-group`;
    const seen: number[] = [];
    const moved: MovedStart[] = [];
    const gates = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const member = (handler: BatchHandler): Promise<Subscription> => {
      const onMoved = (starts: readonly MovedStart[]) => Promise.resolve(void moved.push(...starts));
      return log.subscribe({ group, topics: [topic], from: 'latest', onMoved }, handler);
    };
    const write = (from: number, to: number): Promise<void> =>
      log.append(numberedRange(topic, from, to).map((record) => ({ ...record, partition: 0 })));
    const empty = await member(() => Promise.resolve([]));
    await until(async () => (await log.committed(group, topic)).size === 2);
    await empty.stop();
    await write(0, 10);
    await deleteBefore(topic, 4);
    // After a crash the group still has its committed offset, and the move is not reported again.
    const crashed = await member(() => Promise.reject(new Error('crashed')));
    await expect(crashed.done).rejects.toThrow('crashed');
    await crashed.stop();
    const again = await member(async ({ records }) => {
      seen.push(...records.map(({ offset }) => offset));
      gates[0]?.resolve(undefined);
      await gates[1]?.promise;
      return [];
    });
    await gates[0]?.promise;
    await write(10, 30);
    await deleteBefore(topic, 25);
    gates[1]?.resolve(undefined);
    await until(() => seen.length >= 11);
    await again.stop();
    expect(seen).toEqual([4, 5, 6, 7, 8, 9, 25, 26, 27, 28, 29]);
    expect(moved).toEqual([
      { topic, partition: 0, why: 'overtaken', from: 0, to: 4 },
      { topic, partition: 0, why: 'overtaken', from: 10, to: 25 },
    ]);
    expect(await log.committed(group, topic)).toEqual(
      new Map([
        [0, 30],
        [1, 0],
      ]),
    );
  });

  it('KFK-3: a topic that is deleted and created while a group works is reported, and read from its beginning', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    const seen: string[] = [];
    const moved: MovedStart[] = [];
    const handler: BatchHandler = ({ records }) => {
      seen.push(...records.map(({ offset }) => String(offset)));
      return Promise.resolve([]);
    };
    const asked = { group, topics: [topic], from: 'latest' as const };
    const onMoved = (starts: readonly MovedStart[]) => Promise.resolve(void moved.push(...starts));
    const subscription = await log.subscribe({ ...asked, onMoved }, handler);
    await until(async () => (await log.committed(group, topic)).size === 1);
    await log.append(numberedRange(topic, 0, 10));
    await until(() => seen.length === 10);
    await withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    });
    await other.append(numberedRange(topic, 0, 3));
    const ended = subscription.done.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    const outcome = await Promise.race([until(() => seen.length === 13).then(() => 'went on'), ended]);
    expect([outcome, seen.slice(10), moved]).toEqual([
      'went on',
      ['0', '1', '2'],
      [expect.objectContaining({ topic, why: 'made_anew', to: 0 })],
    ]);
    await subscription.stop();
  });

  it('skips what foreign producers wrote in transactions and aborted, and the lag comes to 0', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    const producer = kafkaClient(options).producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const write = async (value: string): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value }] });
      await (value === 'aborted' ? transaction.abort() : transaction.commit());
    };
    for (const value of ['0', 'aborted', '1', 'aborted']) await write(value);
    // PORT-6: the last offset below the end is a transaction marker.
    expect([...(await numbersByKey(log, topic)).values()]).toEqual([[0, 1]]);
    const seen: string[] = [];
    const subscription = await log.subscribe({ group, topics: [topic], from: 'beginning' }, ({ records }) => {
      seen.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      return Promise.resolve([]);
    });
    const noLag = async (): Promise<boolean> =>
      (await committedSum(group, topic)) === (await log.offsets(topic))[0]?.end;
    await until(noLag);
    // No record for a handler.
    await write('aborted');
    await until(noLag);
    await subscription.stop();
    await producer.disconnect();
    expect(seen).toEqual(['0', '1']);
  });
});
