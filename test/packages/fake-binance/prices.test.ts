import { describe, expect, it } from 'vitest';
import { NOW, anExchange, codeOf } from './an-exchange.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { MarketWalk } from '../../../packages/fake-binance/prices.ts';

const FIVE_MINUTES_MS = 300_000;
const NEWEST = Math.floor(NOW / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;

function candles(traits: object = {}, exchange = anExchange().exchange) {
  const query = { interval: '5m', startTime: null, endTime: null, limit: 3, ...traits };
  return exchange.candles.of(exchange.priceLevel('BTCUSDT'), query, exchange.now());
}

const openTimes = (traits: object) => candles(traits).map(([openTime]) => Number(openTime));

describe('candles', () => {
  it('the newest is still forming and closes at the mark', () => {
    const { exchange } = anExchange();
    const past = candles({ endTime: NEWEST - 1 }, exchange);
    exchange.setMark('BTCUSDT', '103.3');
    const now = candles({}, exchange);
    expect(now.map(([openTime]) => openTime)).toEqual([NEWEST - 2 * FIVE_MINUTES_MS, NEWEST - FIVE_MINUTES_MS, NEWEST]);
    expect(now.at(-1)?.[4]).toBe('103.3');
    expect(now.at(-1)?.[6]).toBe(NEWEST + FIVE_MINUTES_MS - 1);
    // Closed candles do not move with the mark price.
    expect(candles({ endTime: NEWEST - 1 }, exchange)).toEqual(past);
  });

  it('follow one another, high above and low below, on ticks', () => {
    const rows = candles({ limit: 200 }).map((row) => row.slice(1, 5).map(Number));
    rows.forEach(([open = 0, high = 0, low = 0, close = 0], index) => {
      expect(Math.max(open, close)).toBeLessThanOrEqual(high);
      expect(Math.min(open, close)).toBeGreaterThanOrEqual(low);
      if (index > 0) expect(open).toBe(rows[index - 1]?.[3]);
      for (const price of [open, high, low, close]) expect(price).toBeCloseTo(Math.round(price * 10) / 10, 9);
    });
    expect(new Set(rows.map(([open]) => open)).size).toBeGreaterThan(3);
  });

  it('from a start on, or up to an end', () => {
    const start = NEWEST - 10 * FIVE_MINUTES_MS;
    expect(openTimes({ startTime: start + 1, limit: 2 })).toEqual([
      start + FIVE_MINUTES_MS,
      start + 2 * FIVE_MINUTES_MS,
    ]);
    expect(openTimes({ startTime: start, endTime: start + FIVE_MINUTES_MS, limit: 9 })).toEqual([
      start,
      start + FIVE_MINUTES_MS,
    ]);
    expect(openTimes({ startTime: NEWEST + 1 })).toEqual([]);
  });

  it('given ones are as they were given', () => {
    const { exchange } = anExchange();
    const openTime = NEWEST - FIVE_MINUTES_MS;
    exchange.candles.set('BTCUSDT', '5m', [{ openTime, open: '1', high: '4', low: '0.5', close: '2', volume: '7' }]);
    expect(candles({}, exchange)[1]?.slice(0, 6)).toEqual([openTime, '1', '4', '0.5', '2', '7']);
    expect(codeOf(() => exchange.candles.set('BTCUSDT', '7m', []))).toBe('-1120');
  });

  it('the same seed makes the same, another others', () => {
    expect(candles()).toEqual(candles());
    expect(candles({}, anExchange({ seed: 2 }).exchange)).not.toEqual(candles());
  });
});

function marksAfter(seed: number, steps: readonly number[]): string {
  const { exchange } = anExchange();
  exchange.setMarket({ symbol: 'ETHUSDT', price: '2500', tick: '0.01', status: 'SETTLING' });
  const walk = new MarketWalk(exchange, new SeededRandom(seed));
  for (const count of steps) walk.step(count);
  expect(exchange.orders.mark('ETHUSDT').toFixed()).toBe('2500');
  return exchange.orders.mark('BTCUSDT').toFixed();
}

it('marks of a walk depend on seed and step, not on how the steps were made', () => {
  const mark = marksAfter(7, [30]);
  expect(mark).not.toBe('100');
  expect(marksAfter(7, [10, 20])).toBe(mark);
  expect(marksAfter(8, [30])).not.toBe(mark);
});
