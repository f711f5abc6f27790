import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differenceInterval, wilsonInterval } from '../../../pipelines/calibration/statistics.ts';

const aCount = fc
  .integer({ min: 1, max: 500 })
  .chain((n) => fc.record({ n: fc.constant(n), successes: fc.integer({ min: 0, max: n }) }));

describe("Wilson's interval", () => {
  // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i in %i', (successes, n, low, high) => {
    const found = wilsonInterval(successes, n);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  test('holds the share, stays within 0 to 1, and mirrors for failures', () => {
    fc.assert(
      fc.property(aCount, ({ successes, n }) => {
        const { low, high } = wilsonInterval(successes, n);
        const mirrored = wilsonInterval(n - successes, n);
        expect(low).toBeLessThanOrEqual(successes / n);
        expect(high).toBeGreaterThanOrEqual(successes / n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(mirrored.low).toBeCloseTo(1 - high, 9);
      }),
    );
  });
});

describe("Newcombe's interval of a difference", () => {
  // Newcombe (1998), "Interval estimation for the difference between independent proportions", table II, method 10.
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [10, 10, 0, 20, 0.6791, 1],
  ])('%i/%i - %i/%i', (x1, n1, x2, n2, low, high) => {
    const found = differenceInterval({ successes: x1, n: n1 }, { successes: x2, n: n2 });
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  test('holds the difference and turns around with its sides', () => {
    fc.assert(
      fc.property(aCount, aCount, (one, other) => {
        const found = differenceInterval(one, other);
        const turned = differenceInterval(other, one);
        const difference = one.successes / one.n - other.successes / other.n;
        expect(found.low).toBeLessThanOrEqual(difference);
        expect(found.high).toBeGreaterThanOrEqual(difference);
        expect(turned.low).toBeCloseTo(-found.high, 9);
      }),
    );
  });
});
