import { afterAll, describe, expect, it } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { BatchHandler } from '../../../ports/event-log.ts';
import { type Logger, SILENT_LOGGER } from '../../../ports/logger.ts';
import { until } from '../../fixtures/until.ts';
import { type TestBroker, startTestBroker, started } from '../../tools/kafka/test-broker.ts';
import { PARTITIONS, copyOf, faultsOf, numberedRange } from './numbered-records.ts';

const broker = await startTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

const RECORDS = 9000;
const STEP = 100;

describe.skipIf('skipped' in broker)('a broker that is killed', () => {
  it('KFK-35: appends and subscriptions wait, log it, and continue by themselves; nothing is lost or out of order', async () => {
    const kafka = started<TestBroker>(broker);
    const warnings = new Set<unknown>();
    const logger: Logger = {
      ...SILENT_LOGGER,
      warn: (context) => void warnings.add('code' in context ? context.code : null),
    };
    const log = KafkaLog.open({ brokers: kafka.brokers, clock: new SystemClock(), logger });
    const [input, output] = ['outage-input', 'outage-output'];
    const group = 'outage-group';
    await log.createTopics(
      [input, output].map((name) => ({
        name,
        key: 'as received' as const,
        partitions: PARTITIONS,
        cleanup: 'delete' as const,
        retentionMs: null,
      })),
    );
    const handler: BatchHandler = ({ records }) => Promise.resolve(records.map((record) => copyOf(record, output)));
    const subscribe = () => log.subscribe({ group, topics: [input], from: 'beginning', maxBatchRecords: 50 }, handler);
    const members = [await subscribe(), await subscribe()];
    let written = 0;
    const writing = (async () => {
      for (; written < RECORDS; written += STEP) await log.append(numberedRange(input, written, written + STEP));
    })();

    await until(() => written >= RECORDS / 3);
    await kafka.killBroker();
    await until(() => warnings.has('BROKER_AWAY'));
    await expect(log.offsets(input)).rejects.toMatchObject({ code: 'BROKER_AWAY', kind: 'transient' });
    await kafka.startBrokerAgain();
    await writing;
    await until(async () => {
      const committed = await log.committed(group, input);
      return [...committed.values()].reduce((sum, offset) => sum + offset, 0) >= RECORDS;
    });
    await Promise.all(members.map((member) => member.stop()));
    await Promise.all(members.map((member) => member.done));
    expect(await faultsOf(log, input, RECORDS)).toEqual([]);
    expect(await faultsOf(log, output, RECORDS)).toEqual([]);

    // Neither a stop nor a close waits for the broker to come back.
    const last = await subscribe();
    await kafka.killBroker();
    await last.stop();
    const unsent = log.append(numberedRange(input, RECORDS, RECORDS + 1));
    await Promise.all([expect(unsent).rejects.toMatchObject({ code: 'BROKER_AWAY' }), log.close()]);
  });
});
