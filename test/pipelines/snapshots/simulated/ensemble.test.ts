import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeskFeed } from '../../../../pipelines/snapshots/simulated/desk-feed.ts';
import { Ensemble, forSide } from '../../../../pipelines/snapshots/simulated/ensemble.ts';
import { simulatedMarket } from '../../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import type { PositionSnapshot } from '../../../../schemas/generated/records.ts';
import { harvest } from './harvest.ts';
import { MemoryBook } from './memory-book.ts';

const slot = { account: 'desk', symbol: 'BTCUSDT' } as const;
const evidence = { regime: 'RANGE', drift: null, momentum: 0.4 } as const;

/** Three hours of five-minute candles. */
const HORIZON = 36;

/** Every opening of a long run, and whether the price was in its favour three hours later. */
function entries(seed: number, cycles: number): { confidence: number; won: boolean }[] {
  const random = new SeededRandom(seed);
  const market = simulatedMarket(random);
  const book = new MemoryBook();
  const feed = new DeskFeed({ desk: 'desk', market, book, random });
  const openings: (PositionSnapshot & { cycle: number })[] = [];
  const closes: Map<string, number>[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const snapshots = feed.run(cycle)?.snapshots ?? [];
    closes.push(new Map(market.cycle(cycle)?.ticks.map(({ symbol, candle }) => [symbol, candle.close])));
    for (const one of snapshots) if (one.opened_at === one.observed_at) openings.push({ ...one, cycle });
    harvest(book, snapshots);
  }
  return openings.flatMap(({ cycle, symbol, side, entry_price, confidence }) => {
    const later = closes[cycle + HORIZON]?.get(symbol);
    if (later === undefined) return [];
    return { confidence: confidence ?? NaN, won: side === 'LONG' ? later > entry_price : later < entry_price };
  });
}

const wins = (some: readonly { won: boolean }[]) => some.filter((entry) => entry.won).length / some.length;

describe('Ensemble', () => {
  test('is far too sure of itself, and yet more often right where it is surer', () => {
    const all = entries(7, 3_000).toSorted((a, b) => a.confidence - b.confidence);
    expect(all.length).toBeGreaterThan(800);
    const mean = all.reduce((sum, entry) => sum + entry.confidence, 0) / all.length;
    expect(mean).toBeGreaterThan(0.74);
    expect(mean).toBeLessThan(0.9);
    expect(wins(all)).toBeGreaterThan(0.5);
    expect(wins(all)).toBeLessThan(0.64);
    expect(mean - wins(all)).toBeGreaterThan(0.12);
    const half = all.length >> 1;
    expect(wins(all.slice(half)) - wins(all.slice(0, half))).toBeGreaterThan(0.04);
  });

  test('the same opinion for the other side is the complement, and twice the complement is the same', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat({ max: 5_000 }),
        fc.double({ min: -5, max: 5, noNaN: true }),
        (seed, cycle, momentum) => {
          const opinion = new Ensemble(new SeededRandom(seed)).opinion(slot, cycle, { ...evidence, momentum });
          if (opinion === null) throw new Error('there was evidence');
          expect(opinion.confidence).toBeGreaterThanOrEqual(0.5);
          expect(opinion.confidence).toBeLessThanOrEqual(0.94);
          const other = forSide(opinion, opinion.side === 'LONG' ? 'SHORT' : 'LONG');
          expect(other.confidence + opinion.confidence).toBeCloseTo(1, 12);
          expect(forSide(other, opinion.side)).toEqual(opinion);
        },
      ),
    );
  });

  test('says nothing without a regime or evidence of a direction', () => {
    const ensemble = new Ensemble(new SeededRandom(1));
    expect(ensemble.opinion(slot, 0, { ...evidence, regime: null })).toBeNull();
    expect(ensemble.opinion(slot, 0, { ...evidence, momentum: null })).toBeNull();
    expect(ensemble.opinion(slot, 0, { ...evidence, momentum: null, drift: 0 })).not.toBeNull();
  });

  test('changes its mind over hours, not from candle to candle', () => {
    const ensemble = new Ensemble(new SeededRandom(4));
    const rises = Array.from({ length: 600 }, (_, cycle) => {
      const opinion = ensemble.opinion(slot, cycle, evidence);
      return opinion === null ? NaN : forSide(opinion, 'LONG').confidence;
    });
    const steps = rises.slice(1).map((rise, index) => Math.abs(rise - (rises[index] ?? NaN)));
    expect(Math.max(...steps)).toBeLessThan(0.1);
    expect(Math.max(...rises) - Math.min(...rises)).toBeGreaterThan(0.3);
  });

  test('slots of one symbol do not share their errors', () => {
    const ensemble = new Ensemble(new SeededRandom(4));
    const one = ensemble.opinion(slot, 0, evidence);
    expect(ensemble.opinion({ ...slot, account: 'desk-2' }, 0, evidence)).not.toEqual(one);
  });
});
