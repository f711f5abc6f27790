import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { dependenceOf } from '../../../pipelines/calibration/block-bootstrap.ts';
import { decompose, brier, ece, logLoss } from '../../../pipelines/calibration/scores.ts';
import { evaluateMap } from '../../../pipelines/calibration/evaluation.ts';

const aForecast = fc.record({ p: fc.double({ min: 0, max: 1, noNaN: true }), y: fc.integer({ min: 0, max: 1 }) });
const forecasts = fc.array(aForecast, { minLength: 2, maxLength: 60 }).map((rows) => ({
  p: Float64Array.from(rows, ({ p }) => p),
  y: Float64Array.from(rows, ({ y }) => y),
}));

/** Calibrated forecasts, and the same ones said 0.2 too high. */
function rowsOf(n: number) {
  const stream = new SeededRandom(11).stream('rows');
  const after = Float64Array.from({ length: n }, () => 0.2 + 0.5 * stream.uniform());
  const y = after.map((p) => (stream.uniform() < p ? 1 : 0));
  return { before: after.map((p) => p + 0.2), after, y };
}

describe('the decomposition', () => {
  test('Brier = MCB - DSC + UNC, and none of the three is negative', () => {
    fc.assert(
      fc.property(forecasts, ({ p, y }) => {
        const { mcb, dsc, unc } = decompose(p, y);
        expect(mcb - dsc + unc).toBeCloseTo(brier(p, y), 12);
        for (const part of [mcb, dsc, unc]) expect(part).toBeGreaterThanOrEqual(-1e-12);
      }),
    );
  });

  test('a constant forecast tells nothing apart', () => {
    expect(decompose(Float64Array.of(0.6, 0.6, 0.6, 0.6), Float64Array.of(1, 0, 1, 1))).toMatchObject({ dsc: 0 });
  });
});

describe('scores', () => {
  test('by hand', () => {
    const p = Float64Array.of(0.9, 0.1, 0.6);
    const y = Float64Array.of(1, 0, 0);
    expect(brier(p, y)).toBeCloseTo((0.01 + 0.01 + 0.36) / 3, 12);
    expect(logLoss(p, y)).toBeCloseTo(-(Math.log(0.9) + Math.log(0.9) + Math.log(0.4)) / 3, 12);
    expect(ece(p, y)).toBeCloseTo((0.1 + 0.1 + 0.6) / 3, 12);
  });

  test('a forecast of 1 that was wrong costs much, not infinitely much', () => {
    expect(logLoss(Float64Array.of(1), Float64Array.of(0))).toBeCloseTo(-Math.log(1e-15), 1);
  });
});

describe('an evaluation', () => {
  test.each([60, 1500])('of %d rows: intervals hold the estimate, and the same seed draws them again', (n) => {
    const { before, after, y } = rowsOf(n);
    const one = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1));
    for (const { name, before_interval, after_interval, change_interval, ...score } of one.scores) {
      for (const [value, interval] of [
        [score.before, before_interval],
        [score.after, after_interval],
        [score.change, change_interval],
      ] as const) {
        expect(interval.low, name).toBeLessThanOrEqual(value);
        expect(interval.high, name).toBeGreaterThanOrEqual(value);
      }
    }
    expect(evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1))).toEqual(one);
    expect(evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(2))).not.toEqual(one);
  });

  test('of 1,500 rows sees that a gap of 0.2 was closed, and that the calibrated forecast stays in its band', () => {
    const { before, after, y } = rowsOf(1500);
    const { scores, reliability } = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1));
    const brierScore = scores.find(({ name }) => name === 'brier');
    expect(brierScore?.change_interval.high).toBeLessThan(0);
    expect(scores.find(({ name }) => name === 'ece')?.before).toBeCloseTo(0.2, 1);
    const outside = ({ x, y: fitted, band }: typeof reliability.before): number =>
      x.filter((at, index) => {
        const point = band.x.findIndex((edge) => edge >= at);
        const level = fitted[index] ?? Number.NaN;
        return level < (band.low[point] ?? -Infinity) - 0.05 || level > (band.high[point] ?? Infinity) + 0.05;
      }).length / x.length;
    expect(outside(reliability.after)).toBeLessThan(0.2);
    expect(outside(reliability.before)).toBeGreaterThan(0.5);
  });

  test('an interval narrows with more rows, about as the root of their number', () => {
    const widths = [500, 8000].map((n) => {
      const { before, after, y } = rowsOf(n);
      const interval = evaluateMap(before, after, y, dependenceOf({ x: before, y }), new SeededRandom(1)).scores[0]
        ?.after_interval;
      return (interval?.high ?? Number.NaN) - (interval?.low ?? Number.NaN);
    });
    const ratio = (widths[0] ?? Number.NaN) / (widths[1] ?? Number.NaN);
    expect(ratio).toBeGreaterThan(2.5);
    expect(ratio).toBeLessThan(6.5);
  });
});
