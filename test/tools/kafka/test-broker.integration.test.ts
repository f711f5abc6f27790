import { existsSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { emptyBroker } from './emptied-broker.ts';
import { sharedTestBroker, startTestBroker, started } from './test-broker.ts';

const broker = await startTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

/** The wait for an answer. Longer than any on this machine. Unit: milliseconds. */
const NO_ANSWER_MS = 500;

function clientOf(brokers: string[], retries: number): Kafka {
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries } });
}

describe.skipIf('skipped' in broker)('a test broker', () => {
  const { brokers, registryUrl, ...control } = started(broker);
  const subjects = (): Promise<unknown> =>
    fetch(`${registryUrl}/subjects`, { signal: AbortSignal.timeout(NO_ANSWER_MS) }).then((answer) => answer.json());

  const register = async (subject: string): Promise<void> => {
    const answer = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: '"string"' }),
    });
    expect(answer.status).toBe(200);
  };

  it('BRK-6: comes back after kill -9 with the same address and every acknowledged record', async () => {
    const kafka = clientOf(brokers, 0);
    const admin = kafka.admin();
    const producer = kafka.producer();
    await Promise.all([admin.connect(), producer.connect()]);
    const topic = 'kept';
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await producer.send({ topic, acks: -1, messages: [{ value: 'a' }, { value: 'b' }] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);

    await control.killBroker();
    await expect(clientOf(brokers, 0).admin().connect()).rejects.toThrow('ECONNREFUSED');

    await control.startBrokerAgain();
    const again = clientOf(brokers, 5).admin();
    await again.connect();
    expect(await again.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, low: '0', high: '2' }]);
    await again.disconnect();
  });

  it('creates no topic by itself: a misspelt name is an error', async () => {
    const producer = clientOf(brokers, 1).producer({ allowAutoTopicCreation: true });
    await producer.connect();
    await expect(producer.send({ topic: 'misspelt', messages: [{ value: 'a' }] })).rejects.toThrow(
      'This server does not host this topic-partition',
    );
    await producer.disconnect();
  });

  it('has a registry that hangs while paused, and refuses while killed, and forgets nothing', async () => {
    await register('a-value');
    await control.pauseRegistry();
    // Its threads stop a moment after the signal.
    await vi.waitFor(() => expect(subjects()).rejects.toThrow('timeout'), { timeout: 30_000 });
    await control.resumeRegistry();
    expect(await subjects()).toEqual(['a-value']);

    await register('b-value');
    await control.killRegistry();
    await expect(subjects()).rejects.toThrow('fetch failed');
    await control.startRegistryAgain();
    expect(await subjects()).toEqual(['a-value', 'b-value']);
  });

  it('BRK-7: is emptied of topics, groups and subjects, but not while somebody is in a group', async () => {
    const kafka = clientOf(brokers, 5);
    const consumer = kafka.consumer({ groupId: 'at-work' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'kept', fromBeginning: true });
    await new Promise<void>((resolve) => {
      consumer.on('consumer.group_join', () => resolve());
      void consumer.run({ eachMessage: () => Promise.resolve() });
    });
    expect(await emptyBroker({ brokers, registryUrl })).toBe(false);
    await consumer.disconnect();

    expect(await emptyBroker({ brokers, registryUrl })).toBe(true);
    expect(await subjects()).toEqual([]);
    const admin = kafka.admin();
    await admin.connect();
    expect((await admin.listTopics()).filter((topic) => !topic.startsWith('__'))).toEqual([]);
    expect((await admin.listGroups()).groups).toEqual([]);
    await admin.disconnect();
    await register('a-value');
  });

  it('is another one than the shared broker, which is one however many ask', async () => {
    const [one, other] = await Promise.all([sharedTestBroker(), sharedTestBroker()]);
    expect(one).toEqual(other);
    expect(started(one).brokers).not.toEqual(brokers);
    const admin = clientOf(started(one).brokers, 0).admin();
    await admin.connect();
    expect(await admin.listTopics()).not.toContain('kept');
    await admin.disconnect();
  });

  it('BRK-5: leaves neither process nor folder behind once it is stopped', async () => {
    expect(existsSync(control.folder)).toBe(true);
    await control.stop();
    expect(existsSync(control.folder)).toBe(false);
    await expect(clientOf(brokers, 0).admin().connect()).rejects.toThrow('ECONNREFUSED');
    await expect(subjects()).rejects.toThrow('fetch failed');
  });
});
