import type { ConsumerConfig } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { GroupMember } from '../../../connectors/kafka/group-member.ts';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { groupConsumer } from '../../../connectors/kafka/kafka-consumer.ts';
import type { Clock } from '../../../ports/clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { until } from '../../fixtures/until.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { numberedRange } from './numbered-records.ts';
import { twoLogs } from './two-logs.ts';

const broker = await sharedTestBroker();

describe.skipIf('skipped' in broker)('a member whose topic gets more partitions', () => {
  const { options, log, newTopic, withAdmin, committedSum } = twoLogs(started(broker).brokers ?? []);
  const { clock } = options;

  it('KFK-24: commits what it has finished before it joins its group again, so that none of it is repeated', async () => {
    const topic = await newTopic(1);
    const group = `${topic}-group`;
    const membership = { group, topics: [topic], from: 'beginning' } as const;
    /** Notices the partitions soon. */
    const kafka = {
      consumer: (config: ConsumerConfig) => kafkaClient(options).consumer({ ...config, metadataMaxAge: 100 }),
    };
    const ended = Promise.withResolvers<undefined>();
    /** The first wait is that before the first commit: so none comes by time. */
    let waits = 0;
    const halting: Clock = {
      now: () => clock.now(),
      sleep: (ms, signal) => ((waits += 1) === 1 ? ended.promise : clock.sleep(ms, signal)),
    };
    const worked: string[] = [];
    const member = new GroupMember(
      groupConsumer(kafka, membership),
      membership,
      ({ partition, records }) => {
        for (const { offset } of records) worked.push(`${partition}/${offset}`);
        return Promise.resolve([]);
      },
      { log, clock: halting, logger: SILENT_LOGGER, known: new Set() },
    );
    const end = member.run();
    await log.append(numberedRange(topic, 0, 1));
    await until(() => worked.length > 0);
    expect(await committedSum(group, topic)).toBe(0);
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }));
    const added = kafkaClient(options).producer({ idempotent: true });
    await added.connect();
    await added.send({ topic, messages: [{ value: 'x', partition: 1 }] });
    await added.disconnect();
    await until(() => worked.includes('1/0'));
    // Whatever is repeated comes before it.
    await log.append([{ topic, key: null, value: null, timestamp: clock.now(), partition: 0 }]);
    await until(() => worked.includes('0/1'));
    member.stop();
    ended.resolve(undefined);
    expect(await end).toEqual({ kind: 'stopped' });
    expect(worked).toEqual(['0/0', '1/0', '0/1']);
    expect(await committedSum(group, topic)).toBe(3);
  });
});
