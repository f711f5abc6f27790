import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeadlineFigures, headlineOf } from '../../../pipelines/status/headline.ts';

const WELL: HeadlineFigures = {
  halted: [],
  alerts: [],
  late: {},
  dead_letters: 0,
  processes: 3,
  open_positions: 15,
  gate: { usable: 31, needed: 50, open: false },
};

const WRONG: readonly Partial<HeadlineFigures>[] = [
  { halted: [{ scope: 'desk' }] },
  { alerts: [{ name: 'winner_held' }] },
  { late: { clm: 1200 } },
  { dead_letters: 4 },
  { processes: 0 },
  { alerts: [{ name: 'calibration_worse' }] },
  { alerts: [{ name: 'halted' }] },
  { alerts: [{ name: 'dead_letters' }] },
];

describe('STS-1: all is well', () => {
  it('with positions, gate and no alerts', () => {
    expect(headlineOf(WELL)).toEqual({ state: 'well', text: 'all is well: 15 positions, gate 31 of 50, no alerts' });
    const { text } = headlineOf({ ...WELL, open_positions: 1, gate: { usable: 94, needed: 50, open: true } });
    expect(text).toBe('all is well: 1 position, gate open, no alerts');
  });

  it('where no process can be known to work', () => {
    expect(headlineOf({ ...WELL, processes: null }).state).toBe('well');
  });

  it.each(WRONG)('not with %o', (wrong) => {
    const { state, text } = headlineOf({ ...WELL, ...wrong });
    expect(state).not.toBe('well');
    expect(text).not.toContain('well');
  });
});

describe('STS-2: what is the matter', () => {
  it('comes from the gravest on, and each alert is named once', () => {
    const { state, text } = headlineOf({
      ...WELL,
      halted: [{ scope: 'desk' }, { scope: 'ma\u001Bin' }],
      alerts: [{ name: 'calibration_worse' }, { name: 'dead_letters' }, { name: 'winner_held' }, { name: 'halted' }],
      late: { clm: 1200, execution: 1 },
      dead_letters: 4,
      processes: 0,
    });
    expect(state).toBe('critical');
    expect(text).toBe(
      'HALTED: desk, ma\uFFFDin; 1 critical alert: winner_held; clm is 1,200 records behind; execution is 1 record behind; ' +
        '4 dead letters; no process works an account; 1 other alert: calibration_worse; 15 positions, gate 31 of 50',
    );
  });

  it('is all there, whatever else is', () => {
    const parts = fc.subarray([...WRONG.entries()].slice(0, 5));
    fc.assert(
      fc.property(parts, (chosen) => {
        const { text } = headlineOf(Object.assign({}, WELL, ...chosen.map(([, wrong]) => wrong)));
        const words = ['HALTED', 'winner_held', 'clm is', 'dead letters', 'no process'];
        const expected = words.filter((_, index) => chosen.some(([at]) => at === index));
        expect(words.filter((word) => text.includes(word))).toEqual(expected);
      }),
    );
  });
});
