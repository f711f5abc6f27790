import { describe, expect, it } from 'vitest';
import { DAY, evidence, looks, names, order, snapshot, told } from './stall-steps.ts';

describe('S3: one snapshot that is stamped 400 days ahead', () => {
  const AHEAD = 400 * DAY;
  const FORTY_FIVE = 45 * 60;
  const held = looks('A', [5, FORTY_FIVE], 8);

  it.each([
    { what: 'of another position', steps: [looks('B', [0, 60], 0), [snapshot('B', AHEAD, 0)], held] },
    { what: 'of a new position', steps: [held, [snapshot('B', AHEAD, 0)]] },
    { what: 'of the position itself', steps: [[snapshot('A', 0, 8), snapshot('A', AHEAD, 8)], held] },
    { what: 'of the position itself, its first', steps: [[snapshot('A', AHEAD, 8)], held] },
    { what: 'of the position itself, its last', steps: [held, [snapshot('A', AHEAD, 8)]] },
  ])('$what blinds nothing', ({ what, steps }) => {
    const watch = told(steps);
    const raised = names(watch);
    expect(raised).toContain('winner_held');
    expect(raised).toContain('no_intents');
    expect(evidence(watch, 'winner_held')).toMatch(/A at R 8.00 for (at least )?4[45]\.\d h/);
    watch.forget();
    expect(names(watch), what).toEqual(raised);
  });

  it('makes nothing late', () => {
    const steps = [looks('A', [0, 60], 0), order('A', 60, 'intent'), order('C', 60, 'FILLED')];
    expect(names(told([...steps, [snapshot('B', AHEAD, 0), snapshot('A', AHEAD, 0)]]))).toEqual([]);
  });

  it('a cycle of the whole desk that is ahead is forgotten with the next', () => {
    const all = ['A', 'B', 'C'];
    const before = all.flatMap((name) => looks(name, [0, 150], 3));
    const ahead = all.map((name) => snapshot(name, AHEAD, 3));
    const after = all.flatMap((name) => looks(name, [155, 200], 3));
    expect(evidence(told([before, ahead, after]), 'winner_held')).toContain('A at R 3.00 for 3.3 h');
  });

  it('T4: a clock that was wrong for an hour makes nothing late and nothing unobserved once it is right', () => {
    const all = ['A', 'B', 'C'];
    const before = all.flatMap((name) => looks(name, [0, 60], 0));
    const ahead = all.flatMap((name) => looks(name, [AHEAD, AHEAD + 60], 0));
    // The trade has execution's time, which was right.
    const closed = order('C', 70, 'outcome', { remaining: 0 });
    const after = ['A', 'B'].flatMap((name) => looks(name, [125, 300], 0));
    const watch = told([before, ahead, closed, after, order('A', 300, 'intent')]);
    expect(names(watch)).toEqual([]);
    expect(names(told([['A', 'B'].flatMap((name) => looks(name, [305, 310], 0))], watch))).toEqual([
      'intents_without_reports',
    ]);
  });
});
