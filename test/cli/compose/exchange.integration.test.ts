import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KafkaLog } from '../../../connectors/kafka/kafka-log.ts';
import { ConfluentRegistry } from '../../../connectors/kafka/confluent-registry.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import type { ExecutionReport, RecordByTopic, TradeClosed } from '../../../schemas/generated/records.ts';
import { RecordCodec } from '../../../schemas/record-codec.ts';
import { registerSchemas } from '../../../schemas/registry.ts';
import { type TopicName, TOPICS, allTopicSpecs } from '../../../schemas/topics.ts';
import { forEachRecord } from '../../../pipelines/runtime/topic-cursor.ts';
import { BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';
import { openDesk } from '../../../packages/fake-binance/open-desk.ts';
import { emptiedTestBroker } from '../../tools/kafka/emptied-broker.ts';
import { started } from '../../tools/kafka/test-broker.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { type RunningProgram, runProgram, startProgram } from '../program.ts';

/** The whole chain as processes: ccxt on a local server of Binance's API, Kafka, and the program as people start it. */

const PATIENCE = { timeout: 90_000, interval: 300 };
const POSITIONS = 15;

const broker = await emptiedTestBroker();
if (!('skipped' in broker)) afterAll(() => broker.stop());

describe.skipIf('skipped' in broker)('the chain on an exchange', () => {
  const kafka = started(broker);
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const log = KafkaLog.open({ brokers: kafka.brokers, clock: new SystemClock(), logger: SILENT_LOGGER });
  afterAll(() => log.close());
  let codec: RecordCodec;
  let server: BinanceServer;
  let running: RunningProgram;
  const connection = ['--brokers', kafka.brokers.join(','), '--registry', kafka.registryUrl, '--data', folder.path];

  beforeAll(async () => {
    const registry = new ConfluentRegistry({ url: kafka.registryUrl });
    await log.createTopics(allTopicSpecs());
    await registerSchemas(registry);
    codec = await RecordCodec.open(registry);
    server = await BinanceServer.start({ fills: 2 });
    openDesk(server.exchange, POSITIONS);
    server.exchange.setMarket({ symbol: 'NEWUSDT', price: '120', tick: '0.01', lotStep: '0.1' });
    vi.stubEnv('HARVESTLINE_API_KEY', TEST_KEYS.key);
    vi.stubEnv('HARVESTLINE_API_SECRET', TEST_KEYS.secret);
    running = start();
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    running?.process.kill('SIGKILL');
    await server?.close();
  });

  function start(): RunningProgram {
    const venue = ['--venue', 'binanceusdm', '--demo', '--venue-url', server.url, '--cycle', '1000'];
    return startProgram([
      'run',
      'snapshots',
      'scoring',
      'execution',
      'clm',
      ...venue,
      ...connection,
      '--log-level',
      'debug',
    ]);
  }

  async function recordsOf<N extends TopicName>(topic: N): Promise<readonly RecordByTopic[N][]> {
    const records: RecordByTopic[N][] = [];
    await forEachRecord({ log, codec }, topic, {}, (record) => records.push(record));
    return records;
  }

  const reports = (): Promise<readonly ExecutionReport[]> => recordsOf(TOPICS.executionReport.name);
  const trades = (): Promise<readonly TradeClosed[]> => recordsOf(TOPICS.tradeClosed.name);

  it("harvests 15 positions; quantities, prices and fees are the exchange's to the last digit", async () => {
    await vi.waitFor(async () => {
      const snapshots = await recordsOf(TOPICS.positionSnapshot.name);
      expect(new Set(snapshots.map(({ symbol }) => symbol)).size).toBe(POSITIONS);
      const filled = (await reports()).filter(({ status }) => status === 'FILLED');
      expect(new Set(filled.map(({ action }) => action))).toEqual(new Set(['CLOSE', 'PARTIAL_CLOSE']));
      // Every deserving position once: the cooldown bars another partial close.
      expect(filled.length).toBeGreaterThanOrEqual(10);
      expect((await trades()).length).toBe(filled.length);
    }, PATIENCE);
    const filled = (await reports()).filter(({ status }) => status === 'FILLED');
    const byOrder = new Map((await trades()).map((trade) => [trade.order_id, trade]));
    for (const report of filled) {
      const order = server.exchange.orders.find(
        report.symbol,
        { clientOrderId: report.client_order_id },
        server.exchange.now(),
      );
      const fills = server.exchange.orders.account
        .fillsOf(report.symbol)
        .filter(({ orderId }) => orderId === order.orderId);
      const value = Exact.sum(0, ...fills.map(({ price, quantity }) => price.mul(quantity)));
      const fee = Exact.sum(0, ...fills.map(({ commission }) => commission));
      expect(report).toMatchObject({
        order_id: String(order.orderId),
        filled_quantity: order.executedQty.toNumber(),
        average_price: value.div(order.executedQty).toNumber(),
        fee: fee.toNumber(),
        rounded_quantity: order.quantity.toNumber(),
      });
      expect(byOrder.get(report.order_id)).toMatchObject({
        quantity: report.filled_quantity,
        exit_price: report.average_price,
        fee_quote: report.fee,
        remaining_quantity: report.remaining_quantity,
        origin: 'HARVEST',
        venue: 'binanceusdm',
        account: 'main',
      });
      const open = server.exchange.orders.account.position(report.symbol, 'BOTH').amount.abs();
      expect(report.remaining_quantity).toBe(open.toNumber());
    }
    expect((await reports()).filter(({ status }) => status === 'UNKNOWN' || status === 'REJECTED')).toEqual([]);
  });

  it('records what others close: by hand, by a stop, by the exchange; none of it twice', async () => {
    const { exchange } = server;
    const open = [...exchange.orders.account.positions.values()].filter(({ amount }) => !amount.isZero());
    const [byHand, byStop, liquidated, deleveraged] = open;
    if (byHand === undefined || byStop === undefined || liquidated === undefined || deleveraged === undefined) {
      throw new Error('too few positions are open');
    }
    const sideOf = (position: typeof byHand) => (position.amount.isNegative() ? 'SHORT' : 'LONG');
    const { lotStep } = exchange.orders.market(byHand.symbol);
    exchange.close(byHand.symbol, sideOf(byHand), 'web', lotStep);
    const stop = exchange.placeStop({
      symbol: byStop.symbol,
      side: sideOf(byStop),
      orderType: 'STOP_MARKET',
      triggerPrice: exchange.orders.mark(byStop.symbol).toFixed(),
    });
    exchange.trigger(stop);
    exchange.close(liquidated.symbol, sideOf(liquidated), 'liquidation');
    exchange.close(deleveraged.symbol, sideOf(deleveraged), 'adl');
    await vi.waitFor(async () => {
      expect((await trades()).filter(({ origin }) => origin !== 'HARVEST').length).toBeGreaterThanOrEqual(4);
    }, PATIENCE);
    const foreign = (await trades()).filter(({ origin }) => origin !== 'HARVEST');
    expect(Object.fromEntries(foreign.map((trade) => [trade.symbol, [trade.origin, trade.exit_reason]]))).toEqual({
      [byHand.symbol]: ['EXTERNAL', 'external_order'],
      [byStop.symbol]: ['EXTERNAL', 'external_stop'],
      [liquidated.symbol]: ['LIQUIDATION', 'liquidation'],
      [deleveraged.symbol]: ['LIQUIDATION', 'auto_deleveraging'],
    });
    expect(foreign.find(({ symbol }) => symbol === byHand.symbol)).toMatchObject({
      quantity: Number(lotStep),
      remaining_quantity: byHand.amount.abs().toNumber(),
    });
    await vi.waitFor(async () => {
      const outcomes = await recordsOf(TOPICS.clmOutcome.name);
      const gone = outcomes.filter(({ symbol, status }) => symbol === liquidated.symbol && status === 'FINAL');
      expect(gone.at(-1)?.excluded_from_calibration).not.toBeNull();
    }, PATIENCE);
    // Every fill at the exchange but those that opened is in exactly one slice.
    const all = await trades();
    for (const { symbol, amount } of exchange.orders.account.positions.values()) {
      const fills = exchange.orders.account.fillsOf(symbol);
      const opening = fills.filter(({ orderId }) => orderId === fills[0]?.orderId);
      const opened = Exact.sum(0, ...opening.map(({ quantity }) => quantity));
      const closed = Exact.sum(0, ...all.filter((trade) => trade.symbol === symbol).map(({ quantity }) => quantity));
      expect([symbol, opened.sub(closed).toFixed()]).toEqual([symbol, amount.abs().toFixed()]);
    }
  });

  it('halt stops all orders at once, and resume lifts it; status says so', async () => {
    const halted = await runProgram(['halt', '--reason', 'a test', '--by', 'alice', ...connection]);
    expect([halted.code, JSON.parse(halted.stdout)]).toMatchObject([
      0,
      { scope: 'desk', command: 'HALT', issued_by: 'alice' },
    ]);
    const orders = server.attempts.length;
    // A new position far in profit deserves a close at once.
    server.exchange.open({ symbol: 'NEWUSDT', side: 'LONG', quantity: '10', price: '100' });
    await vi.waitFor(async () => {
      const suppressed = (await reports()).filter(
        ({ reason, symbol }) => reason === 'KILL_SWITCH' && symbol === 'NEWUSDT',
      );
      expect(suppressed.at(-1)?.detail).toContain('desk halted by alice');
    }, PATIENCE);
    expect(server.attempts.length).toBe(orders);
    const status = JSON.parse((await runProgram(['status', '--json', ...connection])).stdout) as {
      halted: unknown[];
      alerts: { name: string }[];
    };
    expect(status.halted).toMatchObject([{ scope: 'desk', by: 'alice', reason: 'a test' }]);
    expect(status.alerts.map(({ name }) => name)).toContain('halted');
    await runProgram(['resume', '--by', 'alice', ...connection]);
    await vi.waitFor(async () => {
      expect((await trades()).find(({ symbol }) => symbol === 'NEWUSDT')).toMatchObject({
        quantity: 10,
        remaining_quantity: 0,
      });
    }, PATIENCE);
  });

  it('killed and started again it knows its positions, and drains on SIGTERM; no secret was said', async () => {
    const logs = [running.stderr()];
    running.process.kill('SIGKILL');
    await running.ended;
    const before = await recordsOf(TOPICS.positionSnapshot.name);
    running = start();
    await vi.waitFor(async () => {
      expect((await recordsOf(TOPICS.positionSnapshot.name)).length).toBeGreaterThan(before.length);
    }, PATIENCE);
    const after = (await recordsOf(TOPICS.positionSnapshot.name)).slice(-1);
    const [latest] = after;
    const known = before.filter(({ position_id }) => position_id === latest?.position_id).at(-1);
    expect(latest?.r_history.length).toBeGreaterThan(
      known?.r_history.length === 24 ? 23 : (known?.r_history.length ?? 99),
    );
    running.process.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    logs.push(running.stderr(), running.stdout());
    const said: string[] = [...logs];
    for (const { name } of allTopicSpecs()) {
      for await (const { records } of log.read(name)) {
        for (const { key, value, headers } of records) {
          said.push(Buffer.from(key ?? []).toString(), Buffer.from(value ?? []).toString(), JSON.stringify(headers));
        }
      }
    }
    const everything = said.join('\n');
    expect(everything.length).toBeGreaterThan(10_000);
    for (const secret of Object.values(TEST_KEYS)) {
      const bytes = Buffer.from(secret);
      for (const look of [secret, bytes.toString('base64'), bytes.toString('hex')])
        expect(everything).not.toContain(look);
    }
    expect(everything).not.toMatch(/signature=[0-9a-f]/);
  });

  it('symbol-the-exchange-lacks: a name that the exchange does not have, and keys that it refuses, end the start', async () => {
    const venue = ['--venue', 'binanceusdm', '--demo', '--venue-url', server.url];
    const misspelt = await runProgram(['run', '--symbols', 'newusdt,NEWUSDTT', 'execution', ...venue, ...connection]);
    expect(misspelt.code).toBe(2);
    expect(misspelt.stderr).toContain('newusdt (did you mean NEWUSDT?), NEWUSDTT (did you mean NEWUSDT?)');
    const swallowed = await runProgram(['run', '--symbols', 'NEWUSDT,execution', ...venue, ...connection]);
    expect(swallowed.code).toBe(2);
    expect(swallowed.stderr).toContain('execution: the name of a processor');
    vi.stubEnv('HARVESTLINE_API_SECRET', 'another-secret');
    const refused = await runProgram(['run', 'execution', ...venue, ...connection]);
    vi.stubEnv('HARVESTLINE_API_SECRET', TEST_KEYS.secret);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KEYS_REFUSED: .*HTTP 4\d\d: Signature for this request is not valid/);
  });
});
