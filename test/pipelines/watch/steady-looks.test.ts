import { describe, expect, it } from 'vitest';
import { SteadyLooks, timeOf } from '../../../pipelines/watch/steady-looks.ts';

const LEAP = 60;

/** The times that are believed, in the order in which they are; `anew` where those before are given up. */
function believed(times: readonly number[]) {
  const looks = new SteadyLooks<{ readonly at: number }>(LEAP);
  let taken: number[] = [];
  for (const at of times) {
    const { looks: told, anew } = looks.tell({ at });
    taken = [...(anew ? [] : taken), ...told.map((look) => look.at)];
  }
  return { taken, at: looks.at };
}

describe('looks whose times may be off', () => {
  it.each([
    { what: 'T1: repeats', times: [0, 5, 0, 5, 10], taken: [0, 5, 10] },
    { what: 'T2: one ahead', times: [0, 5, 9999, 10, 15], taken: [0, 5, 10, 15] },
    { what: 'T2: one ahead that comes again', times: [0, 5, 9999, 9999, 10], taken: [0, 5, 10] },
    { what: 'T2: the last', times: [0, 5, 9999], taken: [0, 5] },
    { what: 'T2: a pause', times: [0, 5, 500, 505], taken: [0, 5, 500, 505] },
    { what: 'T2: a pause, after one that is further ahead', times: [0, 5, 9999, 500, 505], taken: [0, 5, 500, 505] },
    { what: 'T2: candles of a day', times: [0, 1440, 2880, 4320], taken: [1440, 2880] },
    { what: 'T3: the first ahead', times: [9999, 0, 5], taken: [0, 5] },
    { what: 'T3: the first far behind', times: [-9999, 0, 5], taken: [0, 5] },
    {
      what: 'T4: a clock that is wrong for a while',
      times: [0, 5, 999, 1004, 1009, 20, 25, 30],
      taken: [20, 25, 30],
    },
    { what: 'T4: two behind', times: [500, 505, 20, 25, 510], taken: [500, 505, 510] },
    { what: 'T4: two behind, twice', times: [500, 505, 20, 25, 510, 30, 35, 515], taken: [500, 505, 510, 515] },
    { what: 'T4: the same again and again', times: [500, 505, 20, 20, 20, 20, 510], taken: [500, 505, 510] },
    { what: 'T4: behind, but not going on', times: [500, 505, 20, 25, 15, 20, 510], taken: [500, 505, 510] },
    { what: 'T1: one far behind', times: [0, 5, -9999, 10], taken: [0, 5, 10] },
  ])('$what', ({ times, taken }) => {
    expect(believed(times)).toEqual({ taken, at: taken.at(-1) });
  });

  it.each([
    { what: 'none', times: [], time: -Infinity },
    {
      what: 'steady ones',
      times: [
        [5, true],
        [7, true],
      ],
      time: 7,
    },
    {
      what: 'a first look near',
      times: [
        [5, true],
        [60, false],
      ],
      time: 60,
    },
    {
      what: 'a first look ahead',
      times: [
        [5, true],
        [66, false],
      ],
      time: 5,
    },
    { what: 'one first look', times: [[66, false]], time: 66 },
    {
      what: 'first looks, one ahead',
      times: [
        [5, false],
        [9999, false],
        [7, false],
      ],
      time: 7,
    },
    {
      what: 'two first looks apart',
      times: [
        [5, false],
        [9999, false],
      ],
      time: 5,
    },
  ] as const)('of $what: $time', ({ times, time }) => {
    expect(
      timeOf(
        times.map(([at, steady]) => ({ at, steady })),
        LEAP,
      ),
    ).toBe(time);
  });
});
