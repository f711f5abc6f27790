import { expect, test } from 'vitest';
import { type SlicedBy, sliceFigures } from '../../../pipelines/calibration/slice-figures.ts';
import { DatasetBuilder } from '../../../pipelines/calibration/dataset.ts';
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
