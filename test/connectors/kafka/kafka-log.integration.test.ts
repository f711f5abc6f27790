import { describe, expect, it } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';

const broker = await sharedTestBroker();

describe.skipIf('skipped' in broker)('KafkaLog', () => {
  eventLogContract('kafka', () => {
    const options = { brokers: started(broker).brokers, clock: new SystemClock(), logger: SILENT_LOGGER };
    const log = KafkaLog.open(options);
    const other = KafkaLog.open(options);
    return Promise.resolve({
      log,
      other,
      close: async () => {
        await log.close();
        await other.close();
      },
    });
  });

  it('answers questions about many topics at the same time, each with every partition of its own (kafkajs#461)', async () => {
    const options = { brokers: started(broker).brokers, clock: new SystemClock(), logger: SILENT_LOGGER };
    const log = KafkaLog.open(options);
    const topics = Array.from({ length: 12 }, (_, index) => ({
      name: `asked-at-once-${index}`,
      partitions: 1 + index,
    }));
    await log.createTopics(
      topics.map((topic) => ({ ...topic, key: 'as received', cleanup: 'delete', retentionMs: null })),
    );
    // A log of its own: nothing is known about any of them.
    const asking = KafkaLog.open(options);
    const answers = topics.map(async ({ name, partitions }) => {
      const expected = Array.from({ length: partitions }, (_, partition) => ({ partition, begin: 0, end: 0 }));
      const zero = new Map(expected.map(({ partition }) => [partition, 0]));
      const missing = asking.offsets(`${name}-that-is-not-there`);
      await expect(missing).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
      expect(await asking.offsets(name)).toEqual(expected);
      expect(await asking.offsetsAt(name, 1)).toEqual(zero);
      expect(await asking.committed(`${name}-group`, name)).toEqual(new Map());
    });
    await Promise.all(answers);
    await Promise.all([log.close(), asking.close()]);
  });
});
