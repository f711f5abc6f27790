import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../../schemas/topics.ts';
import { DeskOnBinance } from './desk-on-binance.ts';

/** What rests of a position, on the whole chain with a local exchange: the cases stop-left-behind, order-refused-for-good and dust. */

const HOUR_MS = 60 * 60 * 1000;
const BTCUSDT = { symbol: 'BTCUSDT', price: '67000', tick: '0.1', lotStep: '0.001' };
const SNAPSHOTS = TOPICS.positionSnapshot.name;
const REPORTS = TOPICS.executionReport.name;

/** A LONG of 0.1 opened an hour ago at 45000, at 67000 now, with its owner's trailed stop at 66800. */
async function winner(): Promise<DeskOnBinance> {
  const desk = await DeskOnBinance.open({});
  const { exchange } = desk.server;
  exchange.setMarket(BTCUSDT);
  exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', price: '45000', at: exchange.now() - HOUR_MS });
  return desk;
}

const STOP = {
  symbol: 'BTCUSDT',
  side: 'LONG',
  orderType: 'STOP_MARKET',
  triggerPrice: '66800',
  quantity: '0.1',
} as const;

describe('after a whole close', () => {
  it('what rests of the position is cancelled and reported, and is no initial stop of the next one', async () => {
    const desk = await winner();
    const { exchange } = desk.server;
    exchange.placeStop(STOP);
    await desk.run();
    const report = await desk.recordWhere(
      REPORTS,
      ({ status, remaining_quantity: left }) => status === 'FILLED' && left === 0,
    );
    expect(report.resting).toMatchObject([{ kind: 'STOP', quantity: 0.1, price: 66_800, fate: 'CANCELLED' }]);
    expect(report.detail).toContain('cancelled: STOP of 0.1 at 66800');
    expect(exchange.algos.open('BTCUSDT')).toEqual([]);
    const [first] = await desk.records(SNAPSHOTS);
    expect(first).toMatchObject({ initial_stop_price: null, resting: [{ kind: 'STOP', price: 66_800 }] });
  });

  it('it is left where that was asked for, named, and still no initial stop of the next one', async () => {
    const desk = await winner();
    const { exchange } = desk.server;
    exchange.placeStop(STOP);
    await desk.run({ leaveResting: true });
    const report = await desk.recordWhere(
      REPORTS,
      ({ status, remaining_quantity: left }) => status === 'FILLED' && left === 0,
    );
    expect(report.resting).toMatchObject([{ kind: 'STOP', fate: 'LEFT' }]);
    expect(exchange.algos.open('BTCUSDT')).toHaveLength(1);
    exchange.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '0.1', price: '67000' });
    const next = await desk.recordWhere(SNAPSHOTS, ({ entry_price: entry }) => entry === 67_000);
    expect(next).toMatchObject({ initial_stop_price: null, stop_price: 66_800, resting: [{ kind: 'STOP' }] });
    exchange.setMark('BTCUSDT', '67500');
    const later = await desk.recordWhere(SNAPSHOTS, ({ mark_price: mark }) => mark === 67_500);
    expect(later.initial_stop_price).toBeNull();
    expect(later.r_history.at(-1)).toBeCloseTo(500 / 1340, 9);
  });
});

it('a take-profit that bespeaks the position is named in the refusal of the close', async () => {
  const desk = await winner();
  const { exchange } = desk.server;
  exchange.rest({ symbol: 'BTCUSDT', side: 'LONG' }, '70000');
  await desk.run();
  const report = await desk.recordWhere(REPORTS, ({ status }) => status === 'REJECTED');
  expect(report).toMatchObject({
    reason: 'VENUE_REJECTED',
    resting: [{ kind: 'LIMIT', quantity: 0.1, price: 70_000, fate: 'BLOCKS' }],
  });
  expect(report.detail).toMatch(/^-4118: .*; blocks it: LIMIT of 0.1 at 70000/);
});

it('dust below a coarser step is left, said once, and not asked for again', async () => {
  const desk = await DeskOnBinance.open({});
  const { exchange } = desk.server;
  const market = { symbol: 'GTCUSDT', price: '20', tick: '0.001', lotStep: '0.01' };
  exchange.setMarket(market);
  exchange.open({ symbol: 'GTCUSDT', side: 'LONG', quantity: '10.61', price: '10', at: exchange.now() - HOUR_MS });
  exchange.setMarket({ ...market, lotStep: '0.1' });
  await desk.run();
  const report = await desk.recordWhere(REPORTS, ({ status }) => status === 'FILLED');
  expect(report).toMatchObject({
    reason: 'FILLED',
    rounded_quantity: 10.6,
    filled_quantity: 10.6,
    remaining_quantity: 0.01,
  });
  expect(report.detail).toContain('leaves 0.01: dust that no order can close');
  const dust = await desk.recordWhere(SNAPSHOTS, ({ quantity }) => quantity === 0.01);
  expect(dust.dust).toBe(true);
  // Five more observations of it, and no order is wanted.
  await desk.recordWhere(SNAPSHOTS, ({ observed_at: at }) => at > dust.observed_at + 1000);
  const after = (await desk.records(TOPICS.harvestIntent.name)).filter(({ quantity }) => quantity === 0.01);
  expect(after).toEqual([]);
  expect((await desk.records(REPORTS)).filter(({ status }) => status === 'SUPPRESSED').length).toBeLessThanOrEqual(1);
});
