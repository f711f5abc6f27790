import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished, vi } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { RecordByTopic } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { BybitServer, TEST_KEYS as BYBIT_KEYS } from '../../../packages/fake-bybit/bybit-server.ts';
import { OkxServer, TEST_KEYS as OKX_KEYS } from '../../../packages/fake-okx/okx-server.ts';
import type { Desk } from '../../../packages/fake-exchange/desk.ts';
import type { VenueServer } from '../../../packages/fake-exchange/venue-server.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { folderForTest } from '../../fixtures/temporary-folder.ts';
import { runProgram, startProgram } from '../program.ts';

/** The whole chain as processes on venues besides Binance: ccxt on a local server each, Kafka, and the program as people start it. */

const PATIENCE = { timeout: 90_000, interval: 300 };
const HOUR_MS = 60 * 60 * 1000;

interface Server {
  readonly desk: Desk;
  readonly http: VenueServer;
  readonly url: string;
  close(): Promise<void>;
}

interface Venue {
  readonly id: string;
  readonly start: () => Promise<Server>;
  readonly keys: Readonly<Record<string, string>>;
  readonly placing: string;
  /** Market ids by base. */
  readonly market: (base: string) => string;
  /** Size of a contract. Unit: base currency. */
  readonly contractSize: string;
}

const BYBIT: Venue = {
  id: 'bybit',
  start: () => BybitServer.start({ fills: 130 }),
  keys: { HARVESTLINE_API_KEY: BYBIT_KEYS.key, HARVESTLINE_API_SECRET: BYBIT_KEYS.secret },
  placing: 'POST /v5/order/create',
  market: (base) => `${base}USDT`,
  contractSize: '1',
};

const OKX: Venue = {
  id: 'okx',
  start: () => OkxServer.start({ fills: 130, hedge: true, marginMode: 'isolated' }),
  keys: {
    HARVESTLINE_API_KEY: OKX_KEYS.key,
    HARVESTLINE_API_SECRET: OKX_KEYS.secret,
    HARVESTLINE_API_PASSPHRASE: OKX_KEYS.passphrase,
  },
  placing: 'POST /api/v5/trade/batch-orders',
  market: (base) => `${base}-USDT-SWAP`,
  contractSize: '0.01',
};

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('the chain on other venues', () => {
  const kafka = started(broker);
  const log = KafkaLog.open({ brokers: kafka.brokers, clock: new SystemClock(), logger: SILENT_LOGGER });
  afterAll(() => log.close());
  let codec: RecordCodec;
  const connection = ['--brokers', kafka.brokers.join(','), '--registry', kafka.registryUrl];

  beforeAll(async () => {
    const registry = new ConfluentRegistry({ url: kafka.registryUrl });
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
  });

  async function recordsOf<N extends TopicName>(topic: N, venue: string): Promise<readonly RecordByTopic[N][]> {
    const records: RecordByTopic[N][] = [];
    await forEachRecord({ log, codec }, topic, {}, (record) => records.push(record));
    return records.filter((record) => 'venue' in record && record.venue === venue);
  }

  it.each([BYBIT, OKX])('winners on $id are closed whole, once, whatever becomes of an answer', async (venue) => {
    const server = await venue.start();
    onTestFinished(() => server.close());
    const { desk } = server;
    const contracts = (coins: string): string => new Exact(coins).div(venue.contractSize).toFixed();
    const market = { tick: '0.01', lotStep: contracts('0.01'), contractSize: venue.contractSize, price: '130' };
    // Far in profit, so each is closed whole: a plain one, one of which the answer is lost, and one above the maximum of a market order.
    const coins = { PLAIN: '12.34', LOST: '20', LARGE: '600' };
    for (const [base, quantity] of Object.entries(coins)) {
      const symbol = venue.market(base);
      desk.setMarket({ ...market, symbol, base, marketMaxQuantity: contracts('500') });
      desk.open({
        symbol,
        side: 'LONG',
        quantity: contracts(quantity),
        price: '100',
        at: desk.now() - 20 * 24 * HOUR_MS,
      });
    }
    server.http.fail({ request: venue.placing, taken: true, answer: 'none' });
    const at = ['--venue', venue.id, '--demo', '--venue-url', server.url, '--account', venue.id, '--cycle', '1000'];
    const data = ['--data', folderForTest()];
    const running = startProgram(
      ['run', 'snapshots', 'scoring', 'execution', 'clm', ...at, ...connection, ...data],
      undefined,
      '',
      undefined,
      venue.keys,
    );
    onTestFinished(() => void running.process.kill('SIGKILL'));
    onTestFailed(() => void process.stderr.write(running.stderr().slice(-6000)));

    await vi.waitFor(() => {
      expect([...desk.positions.values()].filter(({ amount }) => !amount.isZero())).toEqual([]);
    }, PATIENCE);
    await vi.waitFor(async () => {
      const closed = (await recordsOf(TOPICS.tradeClosed.name, venue.id)).filter((one) => one.remaining_quantity === 0);
      expect(closed).toHaveLength(3);
    }, PATIENCE);
    running.process.kill('SIGTERM');
    expect(await running.ended).toBe(0);

    const orders = desk.orders.filter(({ hand }) => hand === 'client');
    const sizes = orders.map(({ symbol, filled }) => `${symbol} ${filled.mul(venue.contractSize).toFixed()}`);
    expect(sizes.toSorted()).toEqual(
      [
        `${venue.market('LARGE')} 100`,
        `${venue.market('LARGE')} 500`,
        `${venue.market('LOST')} 20`,
        `${venue.market('PLAIN')} 12.34`,
      ].toSorted(),
    );
    const reports = await recordsOf(TOPICS.executionReport.name, venue.id);
    const trades = await recordsOf(TOPICS.tradeClosed.name, venue.id);
    const ends = reports.filter(({ status }) => status !== 'SUBMITTED' && status !== 'SUPPRESSED');
    expect(ends.map(({ status }) => status)).toEqual(['FILLED', 'FILLED', 'FILLED', 'FILLED']);
    for (const order of orders) {
      const quantity = order.filled.mul(venue.contractSize).toNumber();
      const price = order.value.div(order.filled).toNumber();
      expect(desk.fills.filter((fill) => fill.order === order).length).toBeGreaterThan(100);
      expect(ends.find((report) => report.order_id === order.id)).toMatchObject({
        filled_quantity: quantity,
        average_price: price,
        fee: order.fee.toNumber(),
      });
      expect(trades.find((trade) => trade.order_id === order.id)).toMatchObject({
        quantity,
        exit_price: price,
        entry_price: 100,
        fee_quote: order.fee.toNumber(),
        origin: 'HARVEST',
        account: venue.id,
      });
    }
  });

  it('a mode of the account that this program cannot work ends the start with 1, its code and what to do', async () => {
    const server = await BybitServer.start({ hedge: true });
    onTestFinished(() => server.close());
    const { desk } = server;
    desk.setMarket({ symbol: 'BTCUSDT', base: 'BTC', price: '60000' });
    desk.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1' });
    const at = ['--venue', 'bybit', '--demo', '--venue-url', server.url, '--account', 'hedged'];
    const data = ['--data', folderForTest()];
    for (const [name, value] of Object.entries(BYBIT.keys)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const refused = await runProgram(['run', 'execution', ...at, ...connection, ...data]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/EXCHANGE_UNSUPPORTED: bybit: hedge mode.*switch to one-way mode/);
    expect(server.http.requests.has(BYBIT.placing)).toBe(false);
  });
});
