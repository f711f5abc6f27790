import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WARM_UP_CYCLES } from '../../../../ports/market.ts';
import { simulatedMarket } from '../../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';

const market = (seed: number) => simulatedMarket(new SeededRandom(seed));

describe('simulated market', () => {
  test('a cycle is the same however it is reached: stepping, jumping or going back', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: -WARM_UP_CYCLES, max: 60 }), { maxLength: 6 }),
        (seed, asked) => {
          const stepped = market(seed);
          const cycles = new Map<number, unknown>();
          for (let index = -WARM_UP_CYCLES; index <= 60; index++) cycles.set(index, stepped.cycle(index));
          const jumping = market(seed);
          for (const index of asked) expect(jumping.cycle(index)).toEqual(cycles.get(index));
        },
      ),
      { numRuns: 15 },
    );
  });

  test('another seed is another market', () => {
    expect(market(1).cycle(0)?.ticks).not.toEqual(market(2).cycle(0)?.ticks);
  });

  test('candles follow each other without a gap, and their high and low enclose open and close', () => {
    const simulated = market(11);
    const closes = new Map<string, number>();
    for (let index = -WARM_UP_CYCLES; index < 300; index++) {
      const { now, ticks } = simulated.cycle(index) ?? { now: 0, ticks: [] };
      expect(ticks.map((tick) => tick.symbol)).toEqual(simulated.symbols);
      for (const { symbol, candle } of ticks) {
        expect(candle.closedAt).toBe(now);
        expect(candle.open).toBe(closes.get(symbol) ?? candle.open);
        expect(candle.high).toBeGreaterThanOrEqual(Math.max(candle.open, candle.close));
        expect(candle.low).toBeLessThanOrEqual(Math.min(candle.open, candle.close));
        expect(candle.low).toBeGreaterThan(0);
        closes.set(symbol, candle.close);
      }
    }
  });

  test('cycleAfter gives the first later cycle, and cycle 0 for any time before', () => {
    const simulated = market(1);
    expect(simulated.cycleAfter(0)).toBe(0);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 0, max: simulated.intervalMs - 1 }),
        (index, later) => {
          const now = Date.UTC(2026, 0, 1) + index * simulated.intervalMs;
          expect(simulated.cycleAfter(now + later)).toBe(index + 1);
        },
      ),
    );
    expect(simulated.cycle(0)?.now).toBe(Date.UTC(2026, 0, 1));
  });

  test('volatility clusters: large moves follow large moves', () => {
    const simulated = market(5);
    const moves: number[][] = simulated.symbols.map(() => []);
    for (let index = 0; index < 1_500; index++) {
      for (const [place, { candle }] of (simulated.cycle(index)?.ticks ?? []).entries()) {
        moves[place]?.push(Math.abs(Math.log(candle.close / candle.open)));
      }
    }
    const correlations = moves.map((sizes) => {
      const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
      const covariance = sizes.reduce((sum, size, at) => sum + (size - mean) * ((sizes[at - 3] ?? mean) - mean), 0);
      return covariance / sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0);
    });
    // Independent moves would give about 0, and no more than 0.08 by chance.
    expect(correlations.reduce((sum, value) => sum + value, 0) / correlations.length).toBeGreaterThan(0.1);
  });

  test('a drift pushes the price its way', () => {
    const simulated = market(9);
    let along = 0;
    let against = 0;
    for (let index = 0; index < 1_500; index++) {
      for (const { candle, drift } of simulated.cycle(index)?.ticks ?? []) {
        if (drift === null || drift === 0 || candle.close === candle.open) continue;
        if (Math.sign(candle.close - candle.open) === Math.sign(drift)) along++;
        else against++;
      }
    }
    // A drift of 0.16 standard deviations decides 56 % of the candles.
    expect(along / (along + against)).toBeGreaterThan(0.53);
  });
});
