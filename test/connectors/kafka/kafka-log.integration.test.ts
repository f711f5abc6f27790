import { describe, expect, it } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { sharedTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { faultsOf, numberedRange, numbersByKey } from './numbered-records.ts';
import { twoLogs } from './two-logs.ts';

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
    // Another log, which has no metadata of any of them.
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

  describe('appends', () => {
    const { log, other, newTopic } = twoLogs(started(broker).brokers ?? []);

    it('appends 5 MB of one key at once, in order', async () => {
      const topic = await newTopic();
      const records = numberedRange(topic, 0, 50).map((record, index) => ({
        ...record,
        key: Buffer.from('one key'),
        value: Buffer.from(String(index).padStart(100_000, '0')),
      }));
      await log.append(records);
      expect([...(await numbersByKey(other, topic)).values()]).toEqual([
        Array.from({ length: 50 }, (_, index) => index),
      ]);
    });

    it('KFK-36: a record that no broker takes is refused alone, whatever is appended at the same time', async () => {
      const topic = await newTopic(1);
      const tooLarge = {
        ...numberedRange(topic, 7, 8)[0],
        topic,
        key: null,
        value: Buffer.alloc(3_000_000),
        timestamp: 0,
      };
      const [before, refused, after, nowhere] = await Promise.allSettled([
        log.append(numberedRange(topic, 0, 2)),
        log.append([tooLarge]),
        log.append(numberedRange(topic, 2, 4)),
        log.append([{ ...tooLarge, value: null, partition: 9 }]),
      ]);
      expect([before?.status, after?.status]).toEqual(['fulfilled', 'fulfilled']);
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'RECORD_TOO_LARGE' } });
      expect(nowhere).toMatchObject({ status: 'rejected', reason: { code: 'PARTITION_MISSING' } });
      expect(await faultsOf(log, topic, 4)).toEqual([]);
    });
  });
});
