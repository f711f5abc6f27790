import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY, SNAPSHOT, type Step, at, evidence, looks, names, order, snapshot, started, told } from './stall-steps.ts';

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

  it('S4: read live, a clock that is wrong for an hour changes nothing', () => {
    const all = ['A', 'B', 'C'];
    const before = all.flatMap((name) => looks(name, [0, 60], 0));
    const ahead = all.flatMap((name) => looks(name, [AHEAD, AHEAD + 60], 0));
    // The trade has execution's time, which was right.
    const closed = order('C', 70, 'outcome', { remaining: 0 });
    const after = ['A', 'B'].flatMap((name) => looks(name, [125, 300], 0));
    const live = started();
    live.clock(at(300), { follows: false });
    const watch = told([before, ahead, closed, after, order('A', 300, 'intent')], live);
    expect(names(watch)).toEqual([]);
    expect([watch.openPositions(), watch.snapshotsAhead()]).toEqual([2, ahead.length]);
    expect(names(told([['A', 'B'].flatMap((name) => looks(name, [305, 310], 0))], watch))).toEqual([
      'intents_without_reports',
    ]);
  });

  it('S4: a snapshot that was observed after its own time stamp changes nothing', () => {
    const seen = looks('A', [0, 60], 0);
    const wrong = snapshot('made up', 60, 9, { observed_at: at(62) });
    const watch = told([seen, [wrong, wrong]]);
    expect([watch.openPositions(), watch.snapshotsAhead(), watch.alerts()]).toEqual([1, 2, []]);
    // Clocks differ by a little.
    expect(told([seen, [snapshot('B', 60, 0, { observed_at: at(61) })]]).openPositions()).toBe(2);
  });

  it('a winner that one snapshot shows held hours later is not, where its account stands elsewhere', () => {
    const winner = looks('A', [0, 60], 3);
    const others = looks('B', [0, 60], 0);
    expect(names(told([winner, others, [snapshot('A', 300, 3)]]))).toEqual([]);
    // The whole account paused: the others resume with it.
    expect(names(told([winner, others, [snapshot('A', 300, 3), snapshot('B', 300, 0)]]))).toContain('winner_held');
  });
});

describe('S3: one snapshot with any time', () => {
  const POSITIONS = ['A', 'B', 'C', 'D'];
  const cycle = (minutes: number): Step[] => POSITIONS.map((name) => snapshot(name, minutes, 0));
  const desk = Array.from({ length: 12 }, (_, i) => cycle(5 * i)).flat();
  const straight = told(desk);

  it('is counted where it waits, and hides and raises nothing', () => {
    const ahead = fc.integer({ min: 121, max: 74 * 366 * DAY });
    const name = fc.constantFrom(...POSITIONS, 'another');
    fc.assert(
      fc.property(name, ahead, fc.nat({ max: desk.length }), fc.boolean(), (position, minutes, place, twice) => {
        const wrong = snapshot(position, minutes, 0);
        const watch = told(desk.toSpliced(place, 0, ...(twice ? [wrong, wrong] : [wrong])));
        expect(watch.openPositions()).toBe(POSITIONS.length);
        expect(watch.alerts()).toEqual(straight.alerts());
        expect(watch.watermarks().of(SNAPSHOT.account)).toBe(straight.watermarks().of(SNAPSHOT.account));
        const waits =
          position === 'another' || desk.slice(place).every((_, i) => (place + i) % 4 !== POSITIONS.indexOf(position));
        expect(watch.snapshotsAhead()).toBe(waits ? 1 : 0);
      }),
    );
  });

  it('a whole cycle at the end of a log, too', () => {
    const watch = told([desk, cycle(74 * 366 * DAY)]);
    expect(watch.openPositions()).toBe(POSITIONS.length);
    expect(watch.snapshotsAhead()).toBe(POSITIONS.length);
    expect(names(watch)).toEqual([]);
  });
});
