import { expect, test } from 'vitest';
import { sliceFigures } from '../../../pipelines/calibration/slice-figures.ts';
import type { ClmOutcome, ModelId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

const HOUR_MS = 3_600_000;
const MONDAY = Date.parse('2026-02-02');

function outcome(index: number, patch: Partial<ClmOutcome> = {}): ClmOutcome {
  const closed_at = MONDAY + index * 24 * HOUR_MS;
  return {
    ...GOOD_RECORDS[TOPICS.clmOutcome.name],
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

test('outcomes are parted by what is asked for, with the figures of each part', () => {
  const outcomes = [
    outcome(0, { symbol: 'A', regime_at_entry: 'TREND_UP' }),
    outcome(1, { symbol: 'A', regime_at_entry: null }),
    outcome(2, { symbol: 'A', side: 'SHORT', policy_at_close: 'legacy' }),
    outcome(7, { symbol: 'B', opened_at: MONDAY + 161 * HOUR_MS }),
  ];
  const [model] = sliceFigures(outcomes, ['symbol', 'age']);
  expect(model?.all).toMatchObject({ n: 4, wins: 2, hit_rate: 0.5, mean_confidence: 0.75, gap: 0.25, gap_low: null });
  expect(model?.all.brier).toBeCloseTo((2 * 0.0625 + 2 * 0.5625) / 4, 12);
  expect(model?.slices.map(({ by, name, n, wins }) => [by, name, n, wins])).toEqual([
    ['symbol', 'A', 3, 2],
    ['symbol', 'B', 1, 0],
    ['age', 'below 1 h', 3, 2],
    ['age', '6 to 24 h', 1, 0],
  ]);
  expect(model?.weeks.map(({ name, n }) => [name, n])).toEqual([
    ['2026-02-02', 3],
    ['2026-02-09', 1],
  ]);
  const [byRegime] = sliceFigures(outcomes, ['regime', 'policy', 'side']);
  expect(byRegime?.slices.map(({ name }) => name)).toContain('unknown');
});

test('only what calibration learns from counts, and models are apart', () => {
  const models = sliceFigures(
    [
      outcome(0),
      outcome(1, { model_id: 'n' as ModelId }),
      outcome(2, { label: 'NEUTRAL' }),
      outcome(3, { excluded_from_calibration: 'EXTERNAL' }),
      outcome(4, { confidence: null }),
      outcome(5, { status: 'ACCUMULATING', label: null, closed_at: null }),
      outcome(6, { model_id: null }),
    ],
    [],
  );
  expect(models.map(({ model_id, all }) => [model_id, all.n])).toEqual([
    ['m', 1],
    ['n', 1],
  ]);
});

test('a duration that no recorder knew is unknown', () => {
  const [model] = sliceFigures([outcome(0, { opened_at: MONDAY })], ['age']);
  expect(model?.slices[0]?.name).toBe('unknown');
});
