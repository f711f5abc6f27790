import { expect, test } from 'vitest';
import { PnlSurvey } from '../../../pipelines/clm/pnl-survey.ts';

function surveyed(rows: number): readonly number[] {
  const survey = new PnlSurvey();
  for (let row = 1; row <= rows; row++) if (survey.wants(row)) survey.add(row, { pnl: row, move: 1, leverage: null });
  return survey.samples().map(({ pnl }) => pnl);
}

test('a small input is taken whole', () => {
  expect(surveyed(100_000)).toHaveLength(100_000);
});

test('of a large one a bounded sample is taken, from all of it, whatever pattern it was written in', () => {
  const rows = surveyed(400_000);
  expect(rows.length).toBeGreaterThan(40_000);
  expect(rows.length).toBeLessThanOrEqual(100_000);
  const share = (holds: (row: number) => boolean): number => rows.filter(holds).length / rows.length;
  for (const period of [2, 4, 7, 64]) expect(share((row) => row % period === 0)).toBeCloseTo(1 / period, 1);
  expect(share((row) => row <= 200_000)).toBeCloseTo(0.5, 1);
  expect(surveyed(400_000)).toEqual(rows);
});
