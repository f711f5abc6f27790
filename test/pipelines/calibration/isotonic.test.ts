import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitIsotonic } from '../../../pipelines/calibration/isotonic.ts';
import { calibrate } from '../../../pipelines/scoring/confidence-map.ts';

const aPoint = fc.record({
  x: fc.integer({ min: 0, max: 8 }).map((value) => value / 8),
  y: fc.integer({ min: 0, max: 1 }),
  w: fc.integer({ min: 1, max: 3 }),
});

describe('isotonic', () => {
  test('ascends, and no ascending map of the groups has a smaller weighted error', () => {
    fc.assert(
      fc.property(fc.array(aPoint, { minLength: 1, maxLength: 12 }), (points) => {
        const x = Float64Array.from(points, (point) => point.x);
        const y = Float64Array.from(points, (point) => point.y);
        const w = Float64Array.from(points, (point) => point.w);
        const map = fitIsotonic(x, y, w);
        map.y.forEach((level, at) => expect(level).toBeGreaterThanOrEqual(map.y[at - 1] ?? -Infinity));
        const errorOf = (at: (value: number) => number): number =>
          points.reduce((sum, point) => sum + point.w * (at(point.x) - point.y) ** 2, 0);
        const best = errorOf((value) => calibrate(map, value));
        // Moving every level from some confidence on, a little up or down, and clipping back to ascending, is never better.
        for (const from of x) {
          for (const shift of [-0.01, 0.01]) {
            const moved = (value: number): number => {
              const level = calibrate(map, value);
              if (shift > 0) return value >= from ? level + shift : level;
              return value <= from ? level + shift : level;
            };
            expect(errorOf(moved)).toBeGreaterThanOrEqual(best - 1e-9);
          }
        }
      }),
    );
  });

  test('keeps the total: the weighted mean of the fit is that of the outcomes', () => {
    fc.assert(
      fc.property(fc.array(aPoint, { minLength: 1, maxLength: 30 }), (points) => {
        const map = fitIsotonic(
          Float64Array.from(points, (point) => point.x),
          Float64Array.from(points, (point) => point.y),
          Float64Array.from(points, (point) => point.w),
        );
        const fitted = points.reduce((sum, point) => sum + point.w * calibrate(map, point.x), 0);
        expect(fitted).toBeCloseTo(
          points.reduce((sum, point) => sum + point.w * point.y, 0),
          9,
        );
      }),
    );
  });

  test('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(
        fc
          .array(aPoint, { minLength: 2, maxLength: 15 })
          .chain((points) => fc.tuple(fc.constant(points), fc.shuffledSubarray(points, { minLength: points.length }))),
        ([one, other]) => {
          const fitted = [one, other].map((points) =>
            fitIsotonic(
              Float64Array.from(points, (point) => point.x),
              Float64Array.from(points, (point) => point.y),
            ),
          );
          expect(fitted[0]?.x).toEqual(fitted[1]?.x);
          fitted[0]?.y.forEach((level, at) => expect(fitted[1]?.y[at]).toBeCloseTo(level, 12));
        },
      ),
    );
  });

  test('equal levels of an isotonic fit are one level', () => {
    expect(fitIsotonic(Float64Array.of(0.1, 0.2, 0.3, 0.4), Float64Array.of(1, 0, 1, 0))).toEqual({
      x: [0.1, 0.4],
      y: [0.5, 0.5],
    });
  });

  test('a row of no weight is as good as absent, wherever it stands', () => {
    const x = Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6);
    const y = Float64Array.of(1, 0, 1, 0, 1, 0);
    for (let absent = 0; absent < x.length; absent++) {
      const others = (_: number, at: number): boolean => at !== absent;
      const weights = x.map((_, at) => (at === absent ? 0 : 1));
      expect(fitIsotonic(x, y, weights)).toEqual(fitIsotonic(x.filter(others), y.filter(others)));
    }
  });
});

describe('a map', () => {
  const map = { x: [0.2, 0.4, 0.8], y: [0.1, 0.1, 0.5] };

  test.each([
    [0, 0.1],
    [0.2, 0.1],
    [0.3, 0.1],
    [0.4, 0.1],
    [0.6, 0.3],
    [0.8, 0.5],
    [1, 0.5],
  ])('at %d is %d: linear between, constant beyond', (at, expected) => {
    expect(calibrate(map, at)).toBeCloseTo(expected, 12);
  });

  test('of one point is constant; of none is refused', () => {
    expect(calibrate({ x: [0.5], y: [0.7] }, 0.1)).toBe(0.7);
    expect(() => calibrate({ x: [], y: [] }, 0.1)).toThrow(RangeError);
  });
});
