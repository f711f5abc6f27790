import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Series, SeriesWatermark } from '../../../pipelines/watch/account-watermarks.ts';

const LEAP = 60;

/** The accepted times in their order; an earlier first time voids those before it. */
function accepted(times: readonly number[]) {
  const series = new Series<{ readonly at: number }>(LEAP);
  let taken: number[] = [];
  for (const at of times) {
    const added = series.add({ at }).map((one) => one.at);
    taken = [...(Math.min(...added) < (taken.at(-1) ?? -Infinity) ? [] : taken), ...added];
  }
  return { taken, at: series.last?.at };
}

describe('a series in which some time may be wrong', () => {
  it.each([
    { what: 'repeats', times: [0, 5, 0, 5, 10], taken: [0, 5, 10] },
    { what: 'one ahead', times: [0, 5, 9999, 10, 15], taken: [0, 5, 10, 15] },
    { what: 'one ahead that comes again', times: [0, 5, 9999, 9999, 10], taken: [0, 5, 10] },
    { what: 'the last ahead', times: [0, 5, 9999], taken: [0, 5] },
    { what: 'the last ahead, twice', times: [0, 5, 9999, 9999], taken: [0, 5] },
    { what: 'a pause', times: [0, 5, 500, 505], taken: [0, 5, 500, 505] },
    { what: 'a pause, after one that is further ahead', times: [0, 5, 9999, 500, 505], taken: [0, 5, 500, 505] },
    { what: 'candles of a day', times: [0, 1440, 2880, 4320], taken: [0, 1440, 2880] },
    { what: 'the first ahead', times: [9999, 0, 5], taken: [0, 5] },
    { what: 'the first far behind', times: [-9999, 0, 5], taken: [-9999, 0, 5] },
    { what: 'one far behind', times: [0, 5, -9999, 10], taken: [0, 5, 10] },
  ])('$what', ({ times, taken }) => {
    expect(accepted(times)).toEqual({ taken, at: taken.at(-1) });
  });

  it('WAT-10: one that is ahead, wherever it stands, leaves the time as the others have it', () => {
    const steps = fc.array(fc.integer({ min: 1, max: LEAP }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(steps, fc.nat(), fc.integer({ min: 1, max: 1e12 }), (gaps, place, ahead) => {
        const times = gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap, 0));
        const last = times.at(-1) ?? 0;
        const where = place % (times.length + 1);
        const wrong = last + LEAP + ahead;
        expect(accepted(times.toSpliced(where, 0, wrong)).at).toBe(last);
        expect(accepted(times.toSpliced(where, 0, wrong, wrong)).at).toBe(last);
      }),
    );
  });
});

describe('the watermark', () => {
  it.each([
    { of: 'nothing', times: [], watermark: -Infinity },
    { of: 'what is confirmed for', times: [[5, true] as const, [7, true] as const], watermark: 7 },
    { of: 'a first record near that', times: [[5, true] as const, [60, false] as const], watermark: 60 },
    { of: 'a first record ahead of that', times: [[5, true] as const, [66, false] as const], watermark: 5 },
    { of: 'one first record', times: [[66, false] as const], watermark: 66 },
    {
      of: 'first records, one ahead',
      times: [[5, false] as const, [9999, false] as const, [7, false] as const],
      watermark: 7,
    },
    { of: 'two first records apart', times: [[5, false] as const, [9999, false] as const], watermark: 5 },
  ])('of $of: $watermark', ({ times, watermark }) => {
    const series = times.map(([at, confirmed]) => ({ last: { at }, confirmed }));
    expect(new SeriesWatermark(LEAP, series).at).toBe(watermark);
  });
});
