import type { Admin } from 'kafkajs';
import { afterAll } from 'vitest';
import { kafkaClient } from '../../../connectors/kafka/kafka-client.ts';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { PARTITIONS } from './numbered-records.ts';

let topics = 0;

/** Two logs on one broker, as two processes have them, until the end of the suite. */
export function twoLogs(brokers: string[]) {
  const options = { brokers, clock: new SystemClock(), logger: SILENT_LOGGER };
  const log = KafkaLog.open(options);
  const other = KafkaLog.open(options);
  afterAll(async () => {
    await log.close();
    await other.close();
  });
  return {
    options,
    log,
    other,
    newTopic: async (partitions = PARTITIONS): Promise<string> => {
      topics += 1;
      const name = `member-${process.pid}-${topics}`;
      await log.createTopics([{ name, key: 'as received', partitions, cleanup: 'delete', retentionMs: null }]);
      return name;
    },
    withAdmin: async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
      const admin = kafkaClient(options).admin();
      await admin.connect();
      try {
        return await work(admin);
      } finally {
        await admin.disconnect();
      }
    },
    committedSum: async (group: string, topic: string): Promise<number> => {
      return [...(await log.committed(group, topic)).values()].reduce((sum, offset) => sum + offset, 0);
    },
  };
}
