import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { type ConfidentOutcome, DayGaps } from '../../../pipelines/calibration/day-gaps.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-01-05');

function gapsOf(outcomes: readonly ConfidentOutcome[]): DayGaps {
  const gaps = new DayGaps();
  for (const outcome of outcomes) gaps.add(outcome);
  return gaps;
}

/** A day's outcomes share their luck with probability `together`; `rate` of a day is the chance of a win. */
function drawn(seed: number, days: number, together: number, rate: (day: number) => number): ConfidentOutcome[] {
  const random = new SeededRandom(seed).stream('desk');
  return Array.from({ length: days }, (_, day) => {
    const shared = random.uniform() < rate(day);
    return Array.from({ length: 6 }, () => ({
      closed_at: START + day * DAY_MS + 1000,
      confidence: 0.7,
      won: random.uniform() < together ? shared : random.uniform() < rate(day),
    }));
  }).flat();
}

describe('DG1: the interval of the gap', () => {
  test.each([0, 0.4, 0.6])('holds the true gap in about 95 of 100 cases, %d of a day alike', (together) => {
    const held = Array.from({ length: 500 }, (_, seed) =>
      gapsOf(drawn(seed, 60, together, () => 0.6)).interval(),
    ).filter((interval) => interval !== null && interval.low <= 0.1 && interval.high >= 0.1).length;
    expect(held / 500).toBeGreaterThan(0.92);
    expect(held / 500).toBeLessThan(0.985);
  });

  test('DG2: fewer than 10 days have none', () => {
    expect(gapsOf(drawn(1, 9, 0, () => 0.6)).interval()).toBeNull();
    expect(gapsOf(drawn(1, 10, 0, () => 0.6)).interval()).not.toBeNull();
  });
});

test('the gap is mean confidence minus the share that won', () => {
  const outcomes = [0.9, 0.7, 0.8, 0.6].map((confidence, index) => ({
    closed_at: START,
    confidence,
    won: index === 0,
  }));
  expect(gapsOf(outcomes).gap).toBeCloseTo(0.75 - 0.25, 12);
});

describe('CUSUM', () => {
  const beyond = (rate: (day: number) => number): number =>
    Array.from({ length: 300 }, (_, seed) => gapsOf(drawn(seed, 80, 0.4, rate)).cusum()).filter(
      (cusum) => cusum !== null && cusum.statistic > cusum.threshold,
    ).length / 300;

  test('is rarely beyond its threshold where nothing changes, and mostly where the gap does', () => {
    expect(beyond(() => 0.6)).toBeLessThan(0.08);
    expect(beyond((day) => (day < 40 ? 0.75 : 0.35))).toBeGreaterThan(0.9);
  });

  test('finds the day, and knows nothing of less than 20', () => {
    const cusum = gapsOf(drawn(3, 80, 0, (day) => (day < 40 ? 0.9 : 0.2))).cusum();
    expect(Math.abs(((cusum?.day ?? 0) - START) / DAY_MS - 40)).toBeLessThanOrEqual(3);
    expect(gapsOf(drawn(3, 19, 0, () => 0.5)).cusum()).toBeNull();
  });
});
