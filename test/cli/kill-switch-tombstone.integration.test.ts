import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kafkaClient } from '../../connectors/kafka/kafka-client.ts';
import { KafkaLog } from '../../connectors/kafka/kafka-log.ts';
import { ConfluentRegistry } from '../../connectors/kafka/confluent-registry.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { registerSchemas } from '../../schemas/registry.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { emptiedTestBroker } from '../tools/kafka/emptied-broker.ts';
import { started } from '../tools/kafka/test-broker.ts';
import { folderForTest } from '../fixtures/temporary-folder.ts';
import { runProgram } from './program.ts';

const { deskControl } = TOPICS;
const clock = new SystemClock();

const PATIENCE = { timeout: 100_000, interval: 200 };

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('a control topic that compacts quickly', () => {
  const kafka = started(broker);
  const log = KafkaLog.open({ brokers: kafka.brokers, clock, logger: SILENT_LOGGER });
  afterAll(() => log.close());
  const connection = ['--brokers', kafka.brokers.join(','), '--registry', kafka.registryUrl];

  beforeAll(async () => {
    const admin = kafkaClient({ brokers: kafka.brokers, clock, logger: SILENT_LOGGER }).admin();
    await admin.connect();
    const settings = {
      'cleanup.policy': 'compact',
      'retention.ms': '-1',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '100',
    };
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    // `log.createTopics` waits for it: a broker that still removes other topics lists it a moment later.
    const topics = [{ topic: deskControl.name, numPartitions: 6, configEntries }];
    await admin.createTopics({ waitForLeaders: false, topics });
    await admin.disconnect();
    await log.createTopics(allTopicSpecs());
    await registerSchemas(new ConfluentRegistry({ url: kafka.registryUrl }));
  });

  /** The keys that are left, oldest first. */
  async function keysOn(partition: number): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { records } of log.read(deskControl.name, { partitions: [partition] })) {
      keys.push(
        ...records.map(({ key, value }) => `${Buffer.from(key ?? []).toString()}${value === null ? ' gone' : ''}`),
      );
    }
    return keys;
  }

  it('kill-switch-tombstone: a halt stands, before compaction and after it', async () => {
    const words = [...connection, '--data', folderForTest()];
    expect((await runProgram(['halt', '--reason', 'stop', ...words])).code).toBe(1);
    const offsets = await log.offsets(deskControl.name);
    const partition = offsets.find(({ end }) => end > 0)?.partition ?? -1;
    const put = (key: string, value: Uint8Array | null): Promise<void> =>
      log.append([{ topic: deskControl.name, key: Buffer.from(key), value, timestamp: clock.now(), partition }]);
    await put('desk', null);
    const halted = async () => {
      const { stdout } = await runProgram(['status', '--json', ...words]);
      const { halted: stops, kill_switch_unknown: unknown } = JSON.parse(stdout) as {
        halted: object[];
        kill_switch_unknown: object[];
      };
      return [stops, unknown.filter((one) => !('scope' in one) || one.scope === 'desk')];
    };
    const before = await halted();
    expect(before).toEqual([[expect.objectContaining({ scope: 'desk', reason: 'stop' })], []]);
    await vi.waitFor(async () => {
      // So that the segment rolls.
      await put('another', Buffer.from('filler'));
      expect((await keysOn(partition)).filter((key) => key.startsWith('desk'))).toEqual([]);
    }, PATIENCE);
    expect(await keysOn(partition)).toContain('kept:desk');
    expect(await halted()).toEqual(before);
  });
});
