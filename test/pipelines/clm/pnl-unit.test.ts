import { array, assert, double, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PnlSample, findPnlUnit, percentOf, PnlSurvey } from '../../../pipelines/clm/pnl-unit.ts';

/** Moves of some per cent either way, a desk's day. */
const MOVES = [2.1, -0.8, 0.7, 0.12, -1.4, 0.33, -0.45, 3.2, -2.2, 0.91, 0.51, -0.62, 1.15, -0.28, 0.2];

function samples(
  result: (move: number, index: number) => number,
  leverage: (index: number) => number | null = () => null,
) {
  return MOVES.map((move, index): PnlSample => ({ move, pnl: result(move, index), leverage: leverage(index) }));
}

const round = (value: number, decimals: number): number => Number(value.toFixed(decimals));

describe('results that are the move in per cent', () => {
  test.each([
    ['exactly', (move: number) => move],
    ['rounded to two decimals', (move: number) => round(move, 2)],
    ['rounded to one decimal', (move: number) => round(move, 1)],
    ['with the wrong sign (CLM-23)', (move: number) => -move],
    ['after costs (CLM-22)', (move: number) => move - 0.12],
    ['after costs and rounded (CLM-22)', (move: number) => round(move - 0.3, 2)],
    ['but for two odd rows (CLM-21)', (move: number, index: number) => (index < 2 ? 10 * move : move)],
  ])('%s pass without a word', (_, result) => {
    expect(findPnlUnit(samples(result))).toBeNull();
  });

  test('whatever they are', () => {
    const move = double({ min: -20, max: 20, noNaN: true });
    assert(
      property(array(move, { maxLength: 40 }), double({ min: 0, max: 0.2, noNaN: true }), (moves, costs) => {
        expect(findPnlUnit(moves.map((of) => ({ move: of, pnl: of, leverage: null })))).toBeNull();
        const net = moves.map((of) => ({ move: of, pnl: round(of - costs, 2), leverage: null }));
        expect(findPnlUnit(net)?.kind).not.toBe('factor');
      }),
    );
  });
});

describe('results in another unit', () => {
  test.each([
    [5, 'exactly', (move: number) => 5 * move],
    [20, 'rounded', (move: number) => round(20 * move, 2)],
    [3, 'after costs', (move: number) => 3 * (move - 0.1)],
    [2, 'in some signs wrong', (move: number, index: number) => 2 * move * (index % 4 === 0 ? -1 : 1)],
    [0.01, 'as a ratio', (move: number) => move / 100],
    [0.01, 'as a ratio of four decimals', (move: number) => round(move / 100, 4)],
    [0.05, 'as a ratio with leverage', (move: number) => (5 * move) / 100],
    [10, 'in most rows', (move: number, index: number) => (index % 5 === 0 ? 0 : 10 * move)],
  ])('by %d %s are found', (factor, _, result) => {
    expect(findPnlUnit(samples(result))).toMatchObject({ kind: 'factor', factor });
  });

  test('in half of the rows are found, and how many they are', () => {
    const found = findPnlUnit(samples((move, index) => (index % 2 === 0 ? 5 * move : move)));
    expect(found).toMatchObject({ kind: 'factor', factor: 5, rows: 8, measured: 15 });
  });

  test('by the leverage of each row', () => {
    const leverages = [3, 5, 10];
    const leverage = (index: number): number => leverages[index % 3] ?? 1;
    expect(findPnlUnit(samples((move, index) => leverage(index) * move, leverage))).toMatchObject({
      kind: 'leverage',
      rows: 15,
    });
  });

  test('by no one factor', () => {
    const found = findPnlUnit(samples((_, index) => [3, 7, 20, 50][index % 4] ?? 1));
    expect(found).toMatchObject({ kind: 'scattered' });
  });
});

test.each([
  [2.25, { kind: 'leveraged', by: 5 } as const, null, 0.45],
  [0.007, { kind: 'ratio' } as const, null, 0.7],
  [-0.0075, { kind: 'ratio' } as const, null, -0.75],
  [3, { kind: 'leveraged', by: null } as const, 10, 0.3],
  [3, { kind: 'leveraged', by: null } as const, null, null],
  [3, { kind: 'percent' } as const, 10, 3],
])('%d as %j is %s and %s per cent', (pnl, unit, leverage, expected) => {
  expect(percentOf(pnl, unit, leverage)).toBe(expected);
});

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
