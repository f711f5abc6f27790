import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGE_BANDS, R_BANDS, bandIndex } from '../../../pipelines/replay/flip-tally.ts';

describe('bands', () => {
  it.each([
    [-1.6, '< 0'],
    [-0.000_001, '< 0'],
    [0, '0–1'],
    [1, '0–1'],
    [1.000_001, '1–2'],
    [2, '1–2'],
    [2.1, '2–3'],
    [3, '2–3'],
    [5, '3–5'],
    [5.33, '5–8'],
    [8, '5–8'],
    [8.000_001, '> 8'],
    [1e300, '> 8'],
  ])('RPL-13: R %d is in %s', (r, name) => {
    expect(R_BANDS[bandIndex(R_BANDS, r)]?.name).toBe(name);
  });

  it.each([
    [0, '< 1 h'],
    [0.999_999, '< 1 h'],
    [1, '1–6 h'],
    [6, '1–6 h'],
    [6.01, '6–24 h'],
    [24, '6–24 h'],
    [25, '> 24 h'],
  ])('RPL-13: an age of %d h is in %s', (hours, name) => {
    expect(AGE_BANDS[bandIndex(AGE_BANDS, hours)]?.name).toBe(name);
  });

  it('RPL-13: a greater value is never in a lower band', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (one, other) => {
        expect(bandIndex(R_BANDS, Math.min(one, other))).toBeLessThanOrEqual(bandIndex(R_BANDS, Math.max(one, other)));
      }),
    );
  });
});
