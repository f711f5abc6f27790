import { afterAll, describe, expect, test } from 'vitest';
import { openKafka } from '../../../cli/log-session/log-session.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { kafkaConnection } from '../../../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { evaluate } from '../../../pipelines/scoring/evaluate.ts';
import { intentOf } from '../../../pipelines/scoring/scoring-processor.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { type EncodedRecord, TopicWriter } from '../../../schemas/topic-writer.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram } from '../program.ts';
import { CURRENT_POLICY, LEGACY_POLICY } from '../../fixtures/policies.ts';

const SNAPSHOTS = 400;
const MINUTE_MS = 60_000;

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('replay on Kafka', () => {
  const { brokers, registryUrl } = started(broker);
  const kafka = ['--brokers', String(brokers), '--registry', registryUrl];
  const settings = { KAFKA_BROKERS: brokers?.join(','), SCHEMA_REGISTRY_URL: registryUrl };

  test('compares over all partitions and a window of time; the audit also follows a redelivered batch', async () => {
    const data = folderForTest();
    await runProgram(['topics', 'apply', ...kafka]);
    await runProgram(['schemas', 'register', ...kafka]);
    const { log, registry } = openKafka(kafkaConnection(settings), SILENT_LOGGER);
    const start = new SystemClock().now() - SNAPSHOTS * MINUTE_MS;
    let flips = 0;
    let intents = 0;
    try {
      const codec = await RecordCodec.open(registry);
      const source = new TopicWriter('snapshots', codec);
      const snapshots = Array.from({ length: SNAPSHOTS }, (_, index) =>
        aSnapshot(
          { symbol: `S${index % 11}USDT`, r: index % 10 },
          { opened_at: start - MINUTE_MS, observed_at: start + index * MINUTE_MS },
        ),
      );
      await log.append(snapshots.map((one) => source.encode(TOPICS.positionSnapshot, one, one.observed_at)));
      const scoring = new TopicWriter('scoring', codec);
      const encoded: EncodedRecord[] = [];
      await forEachRecord({ log, codec }, TOPICS.positionSnapshot.name, {}, (snapshot, at) => {
        const decision = evaluate(snapshot, CURRENT_POLICY);
        if (decision.action !== evaluate(snapshot, LEGACY_POLICY).action) flips += 1;
        const intent = intentOf(snapshot, decision, at);
        if (intent !== null) encoded.push(scoring.encode(TOPICS.harvestIntent, intent, at.timestamp));
      });
      // Twice, as after a crash before the commit: the audit has to step back.
      await log.append([...encoded, ...encoded]);
      intents = 2 * encoded.length;
    } finally {
      await log.close();
    }
    const replay = async (...args: readonly string[]) => {
      const { code, stdout } = await runProgram(['replay', '--data', data, ...kafka, ...args]);
      return { code, json: JSON.parse(stdout) as unknown };
    };
    expect(await replay('--policy', 'legacy')).toMatchObject({ code: 0, json: { snapshots: SNAPSHOTS, flips } });
    const window = ['--from', String(start + 100 * MINUTE_MS), '--to', String(start + 250 * MINUTE_MS)];
    expect(await replay('--policy', 'legacy', ...window)).toMatchObject({ json: { snapshots: 150 } });
    expect(await replay('--audit')).toMatchObject({
      code: 0,
      json: { audited: intents, differing: 0, unverifiable: { total: 0 } },
    });
  }, 120_000);
});
