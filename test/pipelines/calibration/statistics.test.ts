import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import {
  argsort,
  cellsOf,
  differenceInterval,
  kolmogorovSmirnov,
  quantileOf,
  studentT95,
  wilsonInterval,
} from '../../../pipelines/calibration/statistics.ts';

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
    const found = wilsonInterval({ successes, n });
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  test('holds the share, stays within 0 to 1, and mirrors for failures', () => {
    fc.assert(
      fc.property(aCount, ({ successes, n }) => {
        const { low, high } = wilsonInterval({ successes, n });
        const mirrored = wilsonInterval({ successes: n - successes, n });
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

describe('argsort', () => {
  test('is the stable ascending order, by radix and by comparison', () => {
    const stream = new SeededRandom(5).stream('argsort');
    for (const n of [1, 50, 4095, 4096, 20_000]) {
      const values = Float64Array.from({ length: n }, (_, at) => (at % 3 === 0 ? 0.5 : stream.uniform()));
      const expected = Array.from(values.keys()).toSorted(
        (one, other) => (values[one] ?? 0) - (values[other] ?? 0) || one - other,
      );
      expect([...argsort(values)]).toEqual(expected);
    }
  });

  test('takes -0 for 0, and sorts far apart magnitudes', () => {
    const values = new Float64Array(5000).fill(1);
    values.set([1e-300, -0, 0, 1e300, 0.1], 100);
    expect([...argsort(values)].slice(0, 4)).toEqual([101, 102, 100, 104]);
    expect(argsort(values).at(-1)).toBe(103);
  });
});

describe('cells', () => {
  test('keep equal values together and ascend', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 80 }), (values) => {
        const p = Float64Array.from(values, (value) => value / 20);
        const { of, mean, rows, length } = cellsOf(p, 5);
        expect(rows.reduce((sum, n) => sum + n, 0)).toBe(values.length);
        for (let cell = 1; cell < length; cell++) expect(mean[cell]).toBeGreaterThan(mean[cell - 1] ?? Infinity);
        values.forEach((value, at) => expect(of[at]).toBe(of[values.indexOf(value)]));
        expect(length).toBeLessThanOrEqual(6);
      }),
    );
  });
});

test('the quantile is linear between neighbours, as numpy has it', () => {
  const values = Float64Array.of(1, 2, 4, 8);
  expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantileOf(values, share))).toEqual([1, 1.75, 3, 5, 8]);
});

test.each([
  [4, 2.7764],
  [9, 2.2622],
  [39, 2.0227],
])("Student's t with %i degrees of freedom: its quantile is right to 0.3 %%", (freedom, t) => {
  expect(Math.abs(studentT95(freedom) / t - 1)).toBeLessThan(0.003);
});

test('Kolmogorov and Smirnov: the largest gap between two distributions, and what chance exceeds', () => {
  expect(kolmogorovSmirnov(Uint32Array.of(1, 1, 2), Uint32Array.of(2, 0, 0))).toEqual({
    distance: 0.75,
    critical: 1.358 * Math.sqrt(6 / 8),
  });
  expect(kolmogorovSmirnov(Uint32Array.of(1), Uint32Array.of(0))).toBeNull();
});
