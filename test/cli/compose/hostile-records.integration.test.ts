import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openExchange } from '../../../cli/compose/open-exchange.ts';
import { statusReport } from '../../../pipelines/status/status-reader.ts';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import type { ExecutionLimits } from '../../../pipelines/execution/limits.ts';
import { SILENT_LOGGER } from '../../../ports/logger.ts';
import { avroTypeOf } from '../../../schemas/avro-type.ts';
import type { ExecutionReport, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf, intentIdOf, positionIdOf } from '../../../schemas/ids.ts';
import { loadSchema, schemaText, TOPICS, deadLetterTopicOf, subjectOf } from '../../../schemas/topics.ts';
import { TopicWriter } from '../../../schemas/topic-writer.ts';
import { BinanceServer } from '../../../packages/fake-binance/binance-server.ts';
import { settingsFor } from '../../chaos/exchange/exchange-settings.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { type PreparedLog, preparedLog, rawRecordsOf, recordsOf, startRun } from './run-in-process.ts';

/** Records of others that once moved orders, on the whole chain with a local exchange: shared by all tests of this file. */

const SNAPSHOTS = TOPICS.positionSnapshot;
const HOUR_MS = 60 * 60 * 1000;
const YEAR_2100 = 4_102_444_800_000;
const PATIENCE = { timeout: 60_000, interval: 50 };

let server: BinanceServer;
let openedAt: number;
const clock = new SystemClock();

beforeAll(async () => {
  server = await BinanceServer.start({});
  const { exchange } = server;
  openedAt = exchange.now() - HOUR_MS;
  exchange.setMarket({ symbol: 'BTCUSDT', price: '60000', tick: '0.1', lotStep: '0.001' });
  exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.625', price: '60000', at: openedAt });
  exchange.setMarket({ symbol: 'SOLUSDT', price: '151.2', tick: '0.001', lotStep: '0.1' });
  exchange.open({ symbol: 'SOLUSDT', side: 'SHORT', quantity: '11.9', price: '168.041', at: openedAt });
});

afterAll(() => server.close());

function snapshotOf(traits: Partial<PositionSnapshot>): PositionSnapshot {
  const { symbol = 'BTCUSDT', side = 'LONG' } = traits;
  const mark = traits.mark_price ?? 60_000;
  return {
    position_id: positionIdOf('main', symbol, side, openedAt),
    account: 'main',
    venue: 'binanceusdm',
    symbol,
    side,
    observed_at: clock.now(),
    opened_at: openedAt,
    quantity: 0.625,
    initial_quantity: 0.625,
    entry_price: 60_000,
    mark_price: mark,
    peak_price: mark,
    worst_price: mark,
    initial_stop_price: null,
    stop_price: null,
    take_profit_price: null,
    resting: null,
    settles_at: null,
    dust: null,
    confidence_at_entry: null,
    confidence: null,
    model_id: null,
    regime_at_entry: null,
    regime: null,
    volatility_gradient: -0.01,
    r_history: [3, 3],
    source: 'live',
    ...traits,
  };
}

interface Chain extends PreparedLog {
  /** As any client might write it: Avro in wire format, nothing checked. */
  write(snapshot: PositionSnapshot, timestamp?: number): Promise<void>;
  start(limits?: Partial<ExecutionLimits>): ReturnType<typeof startRun>;
}

async function chain(): Promise<Chain> {
  const prepared = await preparedLog();
  const id = await prepared.log.registry.idOf(subjectOf(SNAPSHOTS), schemaText(SNAPSHOTS));
  const type = avroTypeOf(loadSchema(SNAPSHOTS));
  return {
    ...prepared,
    write: async (snapshot, timestamp = clock.now()) => {
      const header = Buffer.alloc(5);
      header.writeInt32BE(id ?? -1, 1);
      const value = Buffer.concat([header, type.toBuffer(snapshot)]);
      const key = Buffer.from(`${snapshot.account}:${snapshot.symbol}`);
      await prepared.log.append([{ topic: SNAPSHOTS.name, key, value, timestamp }]);
    },
    start: async (limits = {}) => {
      const exchange = await openExchange(settingsFor(server.url), null, clock, SILENT_LOGGER);
      return startRun(prepared.open, {
        exchange: exchange.connect,
        clock: exchange.clock,
        limits,
        desk: {
          account: 'main',
          venue: 'binanceusdm',
          mode: 'DEMO',
          standing: false,
          observes: [],
          machine: `test-${Math.floor(clock.now())}`,
          by: 'tester',
          clock,
        },
      });
    },
  };
}

const ordersBefore = (): number => server.attempts.length;

async function letters(world: PreparedLog): Promise<{ code: string | undefined; timestamp: number }[]> {
  return (await rawRecordsOf(world.log, deadLetterTopicOf(SNAPSHOTS.name))).map(({ headers, timestamp }) => ({
    code: headers
      .filter(([name]) => name === 'harvestline.errors.code')
      .map(([, value]) => Buffer.from(value ?? []).toString())
      .at(-1),
    timestamp,
  }));
}

describe('records that no market and no clock can have', () => {
  it.each<[string, string, (world: Chain) => Promise<void>]>([
    [
      'price-bricks-execution: an entry price of 1e308',
      'RECORD_INVALID',
      (world) =>
        world.write(
          snapshotOf({ symbol: 'SOLUSDT', side: 'SHORT', entry_price: 1e308, mark_price: 151.2, quantity: 11.9 }),
        ),
    ],
    [
      'snapshot-ahead-of-the-clock: an hour ahead, the record dated right',
      'TIMESTAMP_AHEAD',
      (world) =>
        world.write(snapshotOf({ observed_at: clock.now() + HOUR_MS, mark_price: 78_000, initial_stop_price: 58_800 })),
    ],
    [
      'one-snapshot-of-2100: with the record dated so, too',
      'TIMESTAMP_AHEAD',
      (world) =>
        world.write(snapshotOf({ observed_at: YEAR_2100, mark_price: 64_800, initial_stop_price: 58_800 }), YEAR_2100),
    ],
    [
      'future-opened-at: a position that opens in five hours',
      'TIMESTAMP_AHEAD',
      (world) =>
        world.write(
          snapshotOf({
            observed_at: clock.now() + 8 * HOUR_MS,
            opened_at: clock.now() + 5 * HOUR_MS,
            mark_price: 78_000,
          }),
        ),
    ],
    [
      'timestamp-micros: microseconds where milliseconds belong',
      'TIMESTAMP_AHEAD',
      (world) =>
        world.write(snapshotOf({ observed_at: clock.now() * 1000, opened_at: openedAt * 1000, mark_price: 78_000 })),
    ],
  ])('%s: a dead letter, no order, and the next record is worked', async (_, code, write) => {
    const world = await chain();
    const before = ordersBefore();
    await write(world);
    // A good one behind it, which is held.
    await world.write(snapshotOf({ volatility_gradient: 0.5 }));
    await world.start();
    await vi.waitFor(async () => {
      expect((await letters(world)).map((letter) => letter.code)).toEqual([code]);
      const committed = await world.log.committed('scoring', SNAPSHOTS.name);
      expect([...committed.values()].reduce((sum, offset) => sum + offset, 0)).toBe(2);
    }, PATIENCE);
    expect(await recordsOf(world, TOPICS.harvestIntent.name)).toEqual([]);
    expect(ordersBefore()).toBe(before);
    const status = await statusReport({
      log: world.log,
      codec: world.codec,
      counts: (topic) => world.log.count(topic),
      liveNow: () => clock.now(),
    });
    expect(status.times_ahead).toEqual(
      code === 'TIMESTAMP_AHEAD' ? [{ account: 'main', source: 'live', records: 1, last: expect.any(Number) }] : [],
    );
  });
});

it('an order of an older version whose intent no schema takes any more is set aside at each start, and others are worked', async () => {
  const world = await chain();
  const { exchange } = server;
  exchange.setMarket({ symbol: 'ADAUSDT', price: '0.4523', tick: '0.00001', lotStep: '1' });
  exchange.open({ symbol: 'ADAUSDT', side: 'LONG', quantity: '1000', price: '0.4', at: openedAt });
  const snapshot = snapshotOf({ symbol: 'ADAUSDT', mark_price: 0.4523, entry_price: 1e308 });
  const intentId = intentIdOf(snapshot.position_id, snapshot.observed_at);
  const clientOrderId = clientOrderIdOf(intentId);
  exchange.submit({
    symbol: 'ADAUSDT',
    side: 'SELL',
    positionSide: 'BOTH',
    type: 'MARKET',
    quantity: '1000',
    price: null,
    reduceOnly: true,
    clientOrderId,
  });
  const submitted: ExecutionReport = {
    ...GOOD_RECORDS[TOPICS.executionReport.name],
    intent_id: intentId,
    position_id: snapshot.position_id,
    client_order_id: clientOrderId,
    account: 'main',
    venue: 'binanceusdm',
    symbol: 'ADAUSDT',
    status: 'SUBMITTED',
    reason: 'ORDER_SENT',
    order_id: null,
    position_quantity: 1000,
    requested_quantity: 1000,
    rounded_quantity: 1000,
    filled_quantity: 0,
    average_price: null,
    fee: null,
    remaining_quantity: null,
    submitted_at: snapshot.observed_at,
    reported_at: snapshot.observed_at,
    latency_ms: null,
  };
  const writer = new TopicWriter('execution', world.codec);
  await world.log.append([writer.encode(TOPICS.executionReport, submitted, snapshot.observed_at)]);
  for (const start of [1, 2]) {
    await world.write(snapshotOf({ mark_price: 64_800, initial_stop_price: 59_000, entry_price: 60_000 + start }));
    const program = await world.start({ symbols: new Set(['ADAUSDT']) });
    await vi.waitFor(async () => {
      const reports = await recordsOf(world, TOPICS.executionReport.name);
      expect(reports.filter(({ reason }) => reason === 'SYMBOL_NOT_ALLOWED')).toHaveLength(start);
      const aside = reports.filter(({ status }) => status === 'UNKNOWN');
      expect(aside).toMatchObject([{ reason: 'ORDER_SET_ASIDE', client_order_id: clientOrderId }]);
      expect(aside[0]?.detail).toMatch(/filled 1000 at 0\.45.*its intent is gone from the log, or cannot be read/);
      expect((await program.get('/metrics')).body).toContain('harvestline_alert{name="order_set_aside"} 1');
    }, PATIENCE);
    program.drain.abort();
    await program.done;
  }
});

it('max-notional-by-snapshot-price: the venue has another price, so nothing is sent, and it is raised', async () => {
  const world = await chain();
  const before = ordersBefore();
  await world.write(
    snapshotOf({ entry_price: 0.06, mark_price: 0.078, peak_price: 0.078, initial_stop_price: 0.0588, quantity: 0.5 }),
  );
  const program = await world.start({ maxOrderNotional: 100 });
  await vi.waitFor(async () => {
    const reports = await recordsOf(world, TOPICS.executionReport.name);
    expect(reports.map(({ status, reason }) => `${status} ${reason}`)).toEqual(['SUPPRESSED MARK_PRICE_DIFFERS']);
    expect(reports[0]?.detail).toBe('the snapshot has BTCUSDT at 0.078, the venue at 60000: more than 2 times apart');
  }, PATIENCE);
  expect(ordersBefore()).toBe(before);
  await vi.waitFor(async () => {
    expect((await program.get('/metrics')).body).toContain('harvestline_alert{name="mark_price_differs"} 1');
  }, PATIENCE);
});

it('the limit counts at the price of the venue, also where that of the snapshot is near it', async () => {
  const world = await chain();
  const before = ordersBefore();
  await world.write(
    snapshotOf({ entry_price: 30_000, mark_price: 59_000, peak_price: 59_000, initial_stop_price: 29_000 }),
  );
  await world.start({ maxOrderNotional: 37_000 });
  await vi.waitFor(async () => {
    const reports = await recordsOf(world, TOPICS.executionReport.name);
    expect(reports.map(({ reason, rounded_quantity, detail }) => [reason, rounded_quantity, detail])).toEqual([
      ['MAX_NOTIONAL_SENT', 0.616, '0.625 at 60000 are worth 37500, at most 37000 are allowed'],
      ['MAX_NOTIONAL_CLOSED', 0.616, '0.625 at 60000 are worth 37500, at most 37000 are allowed'],
    ]);
  }, PATIENCE);
  expect(ordersBefore()).toBe(before + 1);
});

it('one-snapshot-of-2100: a partial close behind it is filled, and the one after that waits for it', async () => {
  const world = await chain();
  onTestFinished(() => server.exchange.setMark('BTCUSDT', '60000'));
  server.exchange.setMark('BTCUSDT', '64800');
  const partial = { mark_price: 64_800, peak_price: 64_800, initial_stop_price: 58_800 };
  await world.write(snapshotOf({ ...partial, observed_at: YEAR_2100 }), YEAR_2100);
  await world.write(snapshotOf(partial));
  await world.start();
  const outcomes = async (): Promise<string[]> =>
    (await recordsOf(world, TOPICS.executionReport.name)).map(({ status, reason }) => `${status} ${reason}`);
  await vi.waitFor(async () => expect(await outcomes()).toEqual(['SUBMITTED ORDER_SENT', 'FILLED FILLED']), PATIENCE);
  await world.write(snapshotOf(partial));
  await vi.waitFor(async () => expect((await outcomes()).at(-1)).toBe('SUPPRESSED COOLDOWN'), PATIENCE);
  expect(await recordsOf(world, TOPICS.tradeClosed.name)).toHaveLength(1);
  await vi.waitFor(async () => expect(await recordsOf(world, TOPICS.clmOutcome.name)).toHaveLength(1), PATIENCE);
});
