import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveMarket } from '../../../../pipelines/snapshots/simulated/snapshot-source.ts';
import { simulatedMarket } from '../../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { countedBranches } from '../../../fixtures/counted-branches.ts';

const ORIGIN = 1_770_000_000_000;

describe('a market on the wall clock', () => {
  it('has the prices of the market at times of its own', () => {
    const market = simulatedMarket(new SeededRandom(1));
    const live = liveMarket(simulatedMarket(new SeededRandom(1)), ORIGIN, 1000);
    for (const index of [-3, 0, 5]) {
      const [there, here] = [market.cycle(index), live.cycle(index)];
      expect(here?.now).toBe(ORIGIN + index * 1000);
      expect(here?.ticks.map(({ candle }) => candle.closedAt)).toEqual(here?.ticks.map(() => here.now));
      expect(here?.ticks.map(({ candle }) => candle.close)).toEqual(there?.ticks.map(({ candle }) => candle.close));
    }
  });

  it('ends where the market ends', () => {
    const market = { ...simulatedMarket(new SeededRandom(1)), cycle: () => undefined };
    expect(liveMarket(market, ORIGIN, 1000).cycle(0)).toBeUndefined();
  });

  it('the next cycle is the first that closes after the time', () => {
    const hit = countedBranches({ 'not the first of all': 10 });
    fc.assert(
      fc.property(
        fc.integer({ min: -10_000, max: 1_000_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        (elapsed, interval) => {
          const live = liveMarket(simulatedMarket(new SeededRandom(1)), ORIGIN, interval);
          const cycle = live.cycleAfter(ORIGIN + elapsed);
          expect(live.closesAt(cycle)).toBeGreaterThan(ORIGIN + elapsed);
          if (cycle === 0) return;
          hit('not the first of all');
          expect(live.closesAt(cycle - 1)).toBeLessThanOrEqual(ORIGIN + elapsed);
        },
      ),
    );
  });
});
