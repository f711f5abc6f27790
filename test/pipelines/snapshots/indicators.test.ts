import { describe, expect, test } from 'vitest';
import { Indicators, ObservedRegime } from '../../../pipelines/snapshots/indicators.ts';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { Candle } from '../../../ports/market.ts';

/** A random walk with a constant drift. Units: ratio a candle. */
function walk(count: number, drift: number, volatility = 0.002, seed = 1): Candle[] {
  const stream = new SeededRandom(seed).stream('walk');
  let close = 100;
  return Array.from({ length: count }, (_, index) => {
    const open = close;
    close *= Math.exp(drift + volatility * stream.normal());
    const reach = 1 + volatility * stream.uniform();
    return {
      closedAt: index,
      open,
      high: Math.max(open, close) * reach,
      low: Math.min(open, close) / reach,
      close,
      volume: 1,
    };
  });
}

/** Wilder's average true range, computed as his book does: a mean of the first 14, then 13/14 of the old and 1/14 of the new. */
function averageTrueRanges(candles: readonly Candle[]): number[] {
  const ranges = candles.map(({ high, low }, index) => {
    const before = candles[index - 1]?.close ?? low;
    return Math.max(high, before) - Math.min(low, before);
  });
  ranges[0] = (candles[0]?.high ?? 0) - (candles[0]?.low ?? 0);
  let average = ranges.slice(0, 14).reduce((sum, range) => sum + range, 0) / 14;
  const averages = Array.from({ length: 13 }, () => NaN).concat(average);
  for (const range of ranges.slice(14)) averages.push((average = (13 * average + range) / 14));
  return averages;
}

const flat = (price: number): Candle => ({
  closedAt: 0,
  open: price,
  high: price,
  low: price,
  close: price,
  volume: 0,
});

function observed(regime: ObservedRegime, candles: number, strength: number, slope: number): string | null {
  for (let index = 0; index < candles; index++) regime.update(strength, slope);
  return regime.value;
}

describe('Indicators', () => {
  test('range and gradient are those of the definition, and null before there is history for them', () => {
    const candles = walk(60, 0);
    const expected = averageTrueRanges(candles);
    const indicators = new Indicators();
    for (const [index, candle] of candles.entries()) {
      indicators.update(candle);
      if (index < 13) expect(indicators.averageTrueRange).toBeNull();
      else expect(indicators.averageTrueRange).toBeCloseTo(expected[index] ?? NaN, 10);
      if (index < 23) expect(indicators.volatilityGradient).toBeNull();
      else
        expect(indicators.volatilityGradient).toBeCloseTo(
          (expected[index] ?? NaN) / (expected[index - 10] ?? NaN) - 1,
          10,
        );
    }
  });

  test('wider candles expand, narrower ones contract', () => {
    const indicators = new Indicators();
    const feed = (candles: readonly Candle[]) => candles.forEach((candle) => indicators.update(candle));
    feed(walk(40, 0, 0.001));
    feed(walk(10, 0, 0.004));
    expect(indicators.volatilityGradient).toBeGreaterThan(0.3);
    feed(walk(40, 0, 0.004));
    feed(walk(10, 0, 0.001));
    expect(indicators.volatilityGradient).toBeLessThan(-0.2);
  });

  test.each([
    ['TREND_UP', 0.002],
    ['TREND_DOWN', -0.002],
    ['RANGE', 0],
  ] as const)('48 candles are enough to see a %s', (regime, drift) => {
    const indicators = new Indicators();
    for (const candle of walk(48, drift, 0.001)) indicators.update(candle);
    expect(indicators.regime).toBe(regime);
    expect(Math.sign(indicators.momentum ?? 0)).toBe(
      drift === 0 ? Math.sign(indicators.momentum ?? 0) : Math.sign(drift),
    );
  });

  test('a market that stood still is not known, and is once it moves again', () => {
    const indicators = new Indicators();
    for (let index = 0; index < 60; index++) indicators.update(flat(100));
    expect(indicators).toMatchObject({
      averageTrueRange: null,
      volatilityGradient: null,
      momentum: null,
      regime: null,
    });
    for (const candle of walk(80, 0.002, 0.001)) indicators.update(candle);
    expect(indicators.regime).toBe('TREND_UP');
    expect(indicators.volatilityGradient).not.toBeNull();
  });
});

describe('ObservedRegime', () => {
  test('is null at first, named at once, and changed only when enough candles agree', () => {
    const regime = new ObservedRegime();
    expect(regime.value).toBeNull();
    expect(observed(regime, 1, 40, 0)).toBe('RANGE');
    expect(observed(regime, 8, 40, 2)).toBe('RANGE');
    expect(observed(regime, 1, 40, 2)).toBe('TREND_UP');
  });

  test('a strength that swings about the threshold does not flicker', () => {
    const regime = new ObservedRegime();
    observed(regime, 9, 40, 2);
    for (let index = 0; index < 60; index++) regime.update(index % 2 === 0 ? 30 : 16, 1);
    expect(regime.value).toBe('TREND_UP');
  });

  test('short interruptions do not count towards a change', () => {
    const regime = new ObservedRegime();
    observed(regime, 9, 40, 2);
    for (let round = 0; round < 5; round++) {
      observed(regime, 8, 5, 0);
      expect(observed(regime, 1, 40, 2)).toBe('TREND_UP');
    }
    expect(observed(regime, 9, 5, 0)).toBe('RANGE');
  });

  test('a slope against a trend turns it round', () => {
    const regime = new ObservedRegime();
    observed(regime, 9, 40, 2);
    expect(observed(regime, 9, 40, -2)).toBe('TREND_DOWN');
  });
});
