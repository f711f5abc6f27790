import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brier, decompose, ece, logLoss } from '../../../pipelines/calibration/scores.ts';

const aForecast = fc.record({ p: fc.double({ min: 0, max: 1, noNaN: true }), y: fc.integer({ min: 0, max: 1 }) });
const forecasts = fc.array(aForecast, { minLength: 2, maxLength: 60 }).map((rows) => ({
  p: Float64Array.from(rows, ({ p }) => p),
  y: Float64Array.from(rows, ({ y }) => y),
}));

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

  test('MCB and DSC are never below 0, not by rounding either', () => {
    for (let n = 3; n < 200; n++) {
      const y = Float64Array.from({ length: n }, (_, at) => (at % 3 === 0 ? 1 : 0));
      const mean = y.reduce((sum, outcome) => sum + outcome, 0) / n;
      const { mcb, dsc } = decompose(
        y.map(() => mean),
        y,
      );
      expect(mcb).toBeGreaterThanOrEqual(0);
      expect(dsc).toBeGreaterThanOrEqual(0);
    }
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
