import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { openKafka } from '../../cli/log-session/log-session.ts';
import { kafkaConnection } from '../../connectors/kafka/kafka-connection.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { deadLetterOf } from '../../pipelines/runtime/dead-letter.ts';
import { SILENT_LOGGER } from '../../ports/logger.ts';
import { RecordCodec } from '../../schemas/record-codec.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS, allTopicSpecs } from '../../schemas/topics.ts';
import { aSnapshot } from '../fixtures/a-snapshot.ts';
import { emptiedTestBroker } from '../tools/kafka/emptied-broker.ts';
import { started } from '../tools/kafka/test-broker.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';

const ROOT = join(import.meta.dirname, '../..');
const SNAPSHOTS = TOPICS.positionSnapshot.name;

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('on Kafka', () => {
  const { brokers, registryUrl } = started(broker);
  const settings = { KAFKA_BROKERS: brokers?.join(','), SCHEMA_REGISTRY_URL: registryUrl };
  const env = { ...process.env, ...settings };
  // Kafka deletes what is older than a topic keeps it, so these records are of today.
  const now = new SystemClock().now();

  function harvestline(...args: readonly string[]) {
    const run = spawnSync(process.execPath, [join(ROOT, 'bin/harvestline.mjs'), ...args], { encoding: 'utf8', env });
    const lines = run.stdout.split('\n').filter((line) => line !== '');
    return { status: run.status, lines: lines.map((line) => JSON.parse(line) as unknown) };
  }

  async function withKafka(work: (log: ReturnType<typeof openKafka>['log'], codec: RecordCodec) => Promise<void>) {
    const { log, registry } = openKafka(kafkaConnection(settings), SILENT_LOGGER);
    try {
      await work(log, await RecordCodec.open(registry));
    } finally {
      await log.close();
    }
  }

  test('topics apply and schemas register do their work once', () => {
    const topics = allTopicSpecs().map(({ name }) => name);
    const all = (state: string) => ({ status: 0, lines: topics.map((topic) => ({ topic, state })) });
    expect(harvestline('topics', 'apply', '--dry-run')).toEqual(all('missing'));
    expect(harvestline('topics', 'apply')).toEqual(all('created'));
    expect(harvestline('topics', 'apply')).toEqual(all('unchanged'));
    expect(harvestline('schemas', 'register')).toMatchObject({ status: 0, lines: { 0: { state: 'registered' } } });
    expect(harvestline('schemas', 'register')).toMatchObject({ status: 0, lines: { 0: { state: 'already there' } } });
    expect(harvestline('schemas', 'diff', '--against', 'registry')).toMatchObject({
      status: 0,
      lines: { 0: { held_as: 1, changes: [] } },
    });
  });

  test('a letter goes back to its topic and key, and is not offered again', async () => {
    const error = new HarvestlineError('SCHEMA_UNKNOWN', 'the registry did not know it then');
    const key = Buffer.from('desk:BTCUSDT');
    await withKafka(async (log, codec) => {
      const values = [codec.encode(SNAPSHOTS, aSnapshot()), Buffer.from('not avro')];
      const record = { topic: SNAPSHOTS, partition: 3, timestamp: now, key, headers: [] };
      await log.append(values.map((value, offset) => deadLetterOf({ ...record, offset, value }, error, { at: now })));
    });
    expect(harvestline('dlq', 'list')).toMatchObject({ lines: [{ topic: SNAPSHOTS, count: 2 }] });
    expect(harvestline('dlq', 'retry', SNAPSHOTS, '--all')).toMatchObject({
      status: 1,
      lines: [
        { offset: 0, state: 'retried' },
        { offset: 1, state: 'refused' },
        { retried: 1, refused: 1 },
      ],
    });
    expect(harvestline('dlq', 'list')).toMatchObject({ lines: [{ count: 1, example: { offset: 1 } }] });
    expect(harvestline('dlq', 'retry', SNAPSHOTS, '--all')).toMatchObject({ lines: [{ offset: 1 }, { retried: 0 }] });
    expect(harvestline('tail', SNAPSHOTS, '--from', 'beginning', '--json')).toMatchObject({
      status: 0,
      lines: [{ key: 'desk:BTCUSDT', timestamp: now, value: { symbol: 'BTCUSDT' } }],
    });
  });

  test('the TypeScript example prints intents and trades, and leaves its group on SIGTERM', async () => {
    const { harvestIntent, tradeClosed } = TOPICS;
    const [intent, trade] = [GOOD_RECORDS[harvestIntent.name], GOOD_RECORDS[tradeClosed.name]];
    await withKafka(async (log, codec) => {
      await log.append([
        new TopicWriter(harvestIntent.writer, codec).encode(harvestIntent, intent, now),
        new TopicWriter(tradeClosed.writer, codec).encode(tradeClosed, trade, now),
      ]);
    });
    const example = spawn(process.execPath, [join(ROOT, 'examples/typescript/consume.ts')], { env });
    const ended = once(example, 'exit');
    const lines: string[] = [];
    for await (const line of createInterface(example.stdout)) {
      lines.push(line);
      if (lines.length === 2) example.kill('SIGTERM');
    }
    expect(lines.toSorted()).toEqual([
      expect.stringContaining(`intent BTCUSDT LONG PARTIAL_CLOSE 0.5 exit_over_hold R 3.50 ${intent.intent_id}`),
      expect.stringContaining(trade.trade_id),
    ]);
    expect(await ended).toEqual([0, null]);
  });
});
