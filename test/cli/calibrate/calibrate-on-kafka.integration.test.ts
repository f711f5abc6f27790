import { afterAll, describe, expect, test, vi } from 'vitest';
import { openKafka } from '../../../cli/log-session/log-session.ts';
import { kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { HarvestIntent, ModelId } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram, startProgram } from '../program.ts';
import { overConfidentTrades } from './over-confident-trades.ts';

/** A process starts, joins its group and reads its topics well within this. Unit: milliseconds. */
const PATIENCE = { timeout: 60_000, interval: 200 };

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('calibration on Kafka', () => {
  const { brokers, registryUrl } = started(broker);
  const kafka = ['--brokers', String(brokers), '--registry', registryUrl];
  const settings = { KAFKA_BROKERS: brokers?.join(','), SCHEMA_REGISTRY_URL: registryUrl };

  test('imported, proposed, approved and rolled back: running scorers follow without a restart', async () => {
    const data = folderForTest();
    const harvestline = async (...args: readonly string[]) => {
      const { code, stdout } = await runProgram([...args, '--data', data, ...kafka]);
      return { code, json: JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') };
    };
    await runProgram(['topics', 'apply', ...kafka]);
    await runProgram(['schemas', 'register', ...kafka]);
    const imported = await runProgram(['clm', 'import', '-', '--data', data, ...kafka], overConfidentTrades(200));
    expect(JSON.parse(imported.stdout)).toMatchObject({ imported: 200, outcomes: 'by the clm processor' });

    const processors = startProgram(['run', 'scoring', 'clm', '--data', data, ...kafka]);
    const version = await vi.waitFor(async () => {
      const { code, json } = await harvestline('calibrate', 'propose', '--json', '--method', 'sigmoid');
      expect(code).toBe(0);
      expect(json.counts.usable).toBe(200);
      return String(json.version);
    }, PATIENCE);
    expect((await harvestline('calibrate', 'verify', version)).json.verified).toBe(true);

    const { log, registry } = openKafka(kafkaConnection(settings), SILENT_LOGGER);
    try {
      const codec = await RecordCodec.open(registry);
      const source = new TopicWriter('snapshots', codec);
      let observedAt = new SystemClock().now();
      /** The version that the intent of a new snapshot names. */
      const versionInUse = async (): Promise<string | null> => {
        observedAt += 1000;
        const snapshot = aSnapshot({ r: 9 }, { observed_at: observedAt, model_id: 'm-1' as ModelId });
        await log.append([source.encode(TOPICS.positionSnapshot, snapshot, observedAt)]);
        const intent = await vi.waitFor(async () => {
          const found: HarvestIntent[] = [];
          for await (const batch of log.read(TOPICS.harvestIntent.name)) {
            for (const at of batch.records) found.push(codec.decode(TOPICS.harvestIntent.name, at));
          }
          const own = found.find(({ observed_at }) => observed_at === observedAt);
          if (own === undefined) throw new Error('not scored yet');
          return own;
        }, PATIENCE);
        return intent.calibration_version;
      };
      expect(await versionInUse()).toBeNull();
      const decision = ['--by', 'Ada', '--reason', 'test'];
      expect((await harvestline('calibrate', 'approve', version, '--override', ...decision)).code).toBe(0);
      await vi.waitFor(async () => expect(await versionInUse()).toBe(version), PATIENCE);
      expect((await harvestline('calibrate', 'rollback', ...decision)).code).toBe(0);
      await vi.waitFor(async () => expect(await versionInUse()).toBeNull(), PATIENCE);
    } finally {
      await log.close();
      processors.process.kill('SIGTERM');
    }
    expect(await processors.ended).toBe(0);
  });
});
