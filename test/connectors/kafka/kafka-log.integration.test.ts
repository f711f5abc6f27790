import { describe } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { eventLogContract } from '../../event-log.contract.ts';
import { sharedTestBroker, started } from '../../kafka/test-broker.ts';

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
});
