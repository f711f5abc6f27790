import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { DatasetBuilder } from '../../../pipelines/calibration/dataset.ts';
import {
  type ConfidentOutcome,
  DayGaps,
  type SlicedBy,
  sliceFigures,
} from '../../../pipelines/calibration/slice-figures.ts';
import { selectRows } from '../../../pipelines/calibration/usable-rows.ts';
import type { ClmOutcome, ModelId, PositionId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const HOUR_MS = 3_600_000;
const MONDAY = Date.parse('2026-02-02');

function outcome(index: number, patch: Partial<ClmOutcome> = {}): ClmOutcome {
  const closed_at = MONDAY + index * 24 * HOUR_MS;
  return {
    ...GOOD_RECORDS[TOPICS.clmOutcome.name],
    position_id: `p-${index}` as PositionId,
    status: 'FINAL',
    label: index % 2 === 0 ? 'WIN' : 'LOSS',
    confidence: 0.75,
    model_id: 'm' as ModelId,
    excluded_from_calibration: null,
    opened_at: closed_at - HOUR_MS / 2,
    closed_at,
    ...patch,
  };
}

function sliced(outcomes: readonly ClmOutcome[], by: readonly SlicedBy[]) {
  const dataset = new DatasetBuilder();
  outcomes.forEach((one, offset) => dataset.addOutcome(one, { partition: 0, offset }));
  return sliceFigures('m', selectRows(dataset.rows(), 'exclude'), by);
}

test('outcomes are parted by what is asked for, with the figures of each part', () => {
  const outcomes = [
    outcome(0, { symbol: 'A', regime_at_entry: 'TREND_UP' }),
    outcome(1, { symbol: 'A', regime_at_entry: null }),
    outcome(2, { symbol: 'A', side: 'SHORT', policy_at_close: 'legacy' }),
    outcome(7, { symbol: 'B', opened_at: MONDAY + 161 * HOUR_MS }),
  ];
  const model = sliced(outcomes, ['symbol', 'age']);
  expect(model.all).toMatchObject({ n: 4, wins: 2, hit_rate: 0.5, mean_confidence: 0.75, gap: 0.25, gap_low: null });
  expect(model.all.brier).toBeCloseTo((2 * 0.0625 + 2 * 0.5625) / 4, 12);
  expect(model.slices.map(({ by, name, n, wins }) => [by, name, n, wins])).toEqual([
    ['symbol', 'A', 3, 2],
    ['symbol', 'B', 1, 0],
    ['age', 'below 1 h', 3, 2],
    ['age', '6 to 24 h', 1, 0],
  ]);
  expect(model.weeks.map(({ name, n }) => [name, n])).toEqual([
    ['2026-02-02', 3],
    ['2026-02-09', 1],
  ]);
  const byRegime = sliced(outcomes, ['regime', 'policy', 'side']);
  expect(byRegime.slices.map(({ name }) => name)).toContain('unknown');
});

test('only what calibration learns from counts', () => {
  const { all } = sliced(
    [
      outcome(0),
      outcome(2, { label: 'NEUTRAL' }),
      outcome(3, { excluded_from_calibration: 'EXTERNAL' }),
      outcome(4, { confidence: null }),
      outcome(5, { status: 'ACCUMULATING', label: null, closed_at: null }),
    ],
    [],
  );
  expect(all.n).toBe(1);
});

test('what counts as a win is what the label rule says', () => {
  const dataset = new DatasetBuilder();
  for (const [index, pnl_net_quote] of [3, -2, 1].entries())
    dataset.addOutcome(outcome(index, { pnl_net_quote }), { partition: 0, offset: index });
  const selection = selectRows(dataset.rows(), 'exclude', { kind: 'net' });
  expect(sliceFigures('m', selection, []).all).toMatchObject({ n: 3, wins: 2 });
});

test('a duration that no recorder knew is unknown', () => {
  const model = sliced([outcome(0, { opened_at: MONDAY })], ['age']);
  expect(model.slices[0]?.name).toBe('unknown');
});

const DAY_MS = 86_400_000;
const START = Date.parse('2026-01-05');

function gapsOf(outcomes: readonly ConfidentOutcome[]): DayGaps {
  const gaps = new DayGaps();
  for (const one of outcomes) gaps.add(one);
  return gaps;
}

/** Outcomes of a day are all alike with probability `together`; `rate` of a day is the probability of a win. */
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

describe('CAL-4: the interval of the gap', () => {
  test.each([0, 0.4, 0.6])('holds the true gap in about 95 of 100 cases, %d of a day alike', (together) => {
    const held = Array.from({ length: 500 }, (_, seed) =>
      gapsOf(drawn(seed, 60, together, () => 0.6)).interval(),
    ).filter((interval) => interval !== null && interval.low <= 0.1 && interval.high >= 0.1).length;
    expect(held / 500).toBeGreaterThan(0.92);
    expect(held / 500).toBeLessThan(0.985);
  });

  test('CAL-5: fewer than 10 days have none', () => {
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
