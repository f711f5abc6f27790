import { afterAll, describe, expect, it, onTestFailed, onTestFinished, vi } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram, startProgram } from '../program.ts';

/** The whole chain on contracts of every name and life: case two-ids-one-name, issue 16 point 11. */

const PATIENCE = { timeout: 90_000, interval: 300 };
const HOUR_MS = 60 * 60 * 1000;

/** Two ids of one ccxt name, a delivery contract beside its perpetual, another quote, another script, a multiple. */
const CLOSED = ['BNXUSDT', 'BTCUSDT', 'BTCUSDT_261225', 'BTCUSDC', '币安人生USDT', '1000PEPEUSDT'];

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('contracts of every name and life', () => {
  const kafka = started(broker);
  const log = KafkaLog.open({ brokers: kafka.brokers, clock: new SystemClock(), logger: SILENT_LOGGER });
  afterAll(() => log.close());
  const connection = ['--brokers', kafka.brokers.join(','), '--registry', kafka.registryUrl];

  it('each is closed under its own id; one that settles within minutes is left to the settlement, and said', async () => {
    const registry = new ConfluentRegistry({ url: kafka.registryUrl });
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    const codec = await RecordCodec.open(registry);
    const recordsOf = async <N extends TopicName>(topic: N): Promise<readonly RecordByTopic[N][]> => {
      const records: RecordByTopic[N][] = [];
      await forEachRecord({ log, codec }, topic, {}, (record) => records.push(record));
      return records;
    };
    const server = await BinanceServer.start({});
    onTestFinished(() => server.close());
    const { exchange } = server;
    const settlesAt = exchange.now() + 4 * 60_000;
    for (const symbol of CLOSED) exchange.setMarket({ symbol, price: '130', tick: '0.01', lotStep: '0.1' });
    exchange.setMarket({ symbol: 'BNXUSDTSETTLED', baseAsset: 'BNX', price: '130', lotStep: '1', status: 'SETTLING' });
    exchange.setMarket({ symbol: 'DOOMEDUSDT', price: '130', lotStep: '0.1', deliveryDate: settlesAt });
    for (const symbol of [...CLOSED, 'DOOMEDUSDT']) {
      exchange.open({ symbol, side: 'LONG', quantity: '10.5', price: '100', at: exchange.now() - HOUR_MS });
    }
    const at = ['--venue', 'binanceusdm', '--demo', '--venue-url', server.url, '--cycle', '1000'];
    const running = startProgram(
      ['run', 'snapshots', 'scoring', 'execution', 'clm', ...at, ...connection, '--data', folderForTest()],
      undefined,
      '',
      undefined,
      { HARVESTLINE_API_KEY: TEST_KEYS.key, HARVESTLINE_API_SECRET: TEST_KEYS.secret },
    );
    onTestFinished(() => void running.process.kill('SIGKILL'));
    onTestFailed(() => void process.stderr.write(running.stderr().slice(-6000)));

    await vi.waitFor(async () => {
      const closed = (await recordsOf(TOPICS.tradeClosed.name)).filter((trade) => trade.remaining_quantity === 0);
      expect(closed.map(({ symbol, quantity }) => `${symbol} ${quantity}`).toSorted()).toEqual(
        CLOSED.map((symbol) => `${symbol} 10.5`).toSorted(),
      );
    }, PATIENCE);
    await vi.waitFor(async () => {
      const reports = (await recordsOf(TOPICS.executionReport.name)).filter(({ symbol }) => symbol === 'DOOMEDUSDT');
      expect(reports.length).toBeGreaterThan(0);
      expect(new Set(reports.map(({ status, reason }) => `${status} ${reason}`))).toEqual(
        new Set(['SUPPRESSED SETTLES_NOW']),
      );
    }, PATIENCE);
    const snapshots = await recordsOf(TOPICS.positionSnapshot.name);
    const ends = new Map(snapshots.map(({ symbol, settles_at }) => [symbol, settles_at]));
    expect(ends.get('DOOMEDUSDT')).toBe(settlesAt);
    expect(ends.get('BTCUSDT_261225')).toBe(Date.UTC(2026, 11, 25, 8));
    expect([ends.get('BTCUSDT'), ends.get('币安人生USDT'), ends.has('BNXUSDTSETTLED')]).toEqual([null, null, false]);
    const status = JSON.parse((await runProgram(['status', '--json', ...connection])).stdout) as {
      alerts: { name: string; evidence: string }[];
    };
    const soon = status.alerts.find(({ name }) => name === 'settles_soon');
    expect(soon?.evidence).toContain('DOOMEDUSDT');
    expect(server.attempts.map(({ symbol }) => symbol)).not.toContain('DOOMEDUSDT');
    running.process.kill('SIGTERM');
    expect(await running.ended).toBe(0);
  });
});
