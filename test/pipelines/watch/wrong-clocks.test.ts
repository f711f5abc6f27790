import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DAY,
  SNAPSHOT,
  type Step,
  at,
  evidence,
  observations,
  names,
  order,
  snapshot,
  started,
  recorded,
} from './stall-steps.ts';

describe('WAT-10: one snapshot that is stamped 400 days ahead', () => {
  const AHEAD = 400 * DAY;
  const FORTY_FIVE = 45 * 60;
  const held = observations('A', [5, FORTY_FIVE], 8);

  it.each([
    { what: 'of another position', steps: [observations('B', [0, 60], 0), [snapshot('B', AHEAD, 0)], held] },
    { what: 'of a new position', steps: [held, [snapshot('B', AHEAD, 0)]] },
    { what: 'of the position itself', steps: [[snapshot('A', 0, 8), snapshot('A', AHEAD, 8)], held] },
    { what: 'of the position itself, its first', steps: [[snapshot('A', AHEAD, 8)], held] },
    { what: 'of the position itself, its last', steps: [held, [snapshot('A', AHEAD, 8)]] },
  ])('$what blinds nothing', ({ what, steps }) => {
    const watch = recorded(steps);
    const raised = names(watch);
    expect(raised).toContain('winner_held');
    expect(raised).toContain('no_intents');
    expect(evidence(watch, 'winner_held')).toMatch(/A at R 8.00 for (at least )?4[45]\.\d h/);
    watch.forget();
    expect(names(watch), what).toEqual(raised);
  });

  it('makes nothing late', () => {
    const steps = [observations('A', [0, 60], 0), order('A', 60, 'intent'), order('C', 60, 'FILLED')];
    expect(names(recorded([...steps, [snapshot('B', AHEAD, 0), snapshot('A', AHEAD, 0)]]))).toEqual([]);
  });

  it('a cycle of the whole desk that is ahead is forgotten with the next', () => {
    const all = ['A', 'B', 'C'];
    const before = all.flatMap((name) => observations(name, [0, 150], 3));
    const ahead = all.map((name) => snapshot(name, AHEAD, 3));
    const after = all.flatMap((name) => observations(name, [155, 200], 3));
    expect(evidence(recorded([before, ahead, after]), 'winner_held')).toContain('A at R 3.00 for 3.3 h');
  });

  it('WAT-11: read live, a clock that is wrong for an hour changes nothing', () => {
    const all = ['A', 'B', 'C'];
    const before = all.flatMap((name) => observations(name, [0, 60], 0));
    const ahead = all.flatMap((name) => observations(name, [AHEAD, AHEAD + 60], 0));
    // The trade has execution's time, which was right.
    const closed = order('C', 70, 'outcome', { remaining: 0 });
    const after = ['A', 'B'].flatMap((name) => observations(name, [125, 300], 0));
    const live = started();
    live.clock(at(300), { readsLive: false });
    const watch = recorded([before, ahead, closed, after, order('A', 300, 'intent')], live);
    expect(names(watch)).toEqual([]);
    expect([watch.openPositions().size, watch.snapshotsAhead()]).toEqual([2, ahead.length]);
    expect(names(recorded([['A', 'B'].flatMap((name) => observations(name, [305, 310], 0))], watch))).toEqual([
      'intents_without_reports',
    ]);
  });

  it('WAT-11: a snapshot that was observed after its own time stamp changes nothing', () => {
    const seen = observations('A', [0, 60], 0);
    const wrong = snapshot('made up', 60, 9, { observed_at: at(62) });
    const watch = recorded([seen, [wrong, wrong]]);
    expect([watch.openPositions().size, watch.snapshotsAhead(), watch.alerts()]).toEqual([1, 2, []]);
    // Clocks differ by a little.
    expect(recorded([seen, [snapshot('B', 60, 0, { observed_at: at(61) })]]).openPositions().size).toBe(2);
  });

  it('a winner that one snapshot shows held hours later is not, where its account stands elsewhere', () => {
    const winner = observations('A', [0, 60], 3);
    const others = observations('B', [0, 60], 0);
    expect(names(recorded([winner, others, [snapshot('A', 300, 3)]]))).toEqual([]);
    // The whole account paused: the others resume with it.
    expect(names(recorded([winner, others, [snapshot('A', 300, 3), snapshot('B', 300, 0)]]))).toContain('winner_held');
  });
});

describe('WAT-10: one snapshot with any time', () => {
  const POSITIONS = ['A', 'B', 'C', 'D'];
  const cycle = (minutes: number): Step[] => POSITIONS.map((name) => snapshot(name, minutes, 0));
  const desk = Array.from({ length: 12 }, (_, i) => cycle(5 * i)).flat();
  const straight = recorded(desk);

  it('is counted where it waits, and hides and raises nothing', () => {
    const ahead = fc.integer({ min: 121, max: 74 * 366 * DAY });
    const name = fc.constantFrom(...POSITIONS, 'another');
    fc.assert(
      fc.property(name, ahead, fc.nat({ max: desk.length }), fc.boolean(), (position, minutes, place, twice) => {
        const wrong = snapshot(position, minutes, 0);
        const watch = recorded(desk.toSpliced(place, 0, ...(twice ? [wrong, wrong] : [wrong])));
        expect(watch.openPositions().size).toBe(POSITIONS.length);
        expect(watch.alerts()).toEqual(straight.alerts());
        expect(watch.watermarks().of(SNAPSHOT.account)).toBe(straight.watermarks().of(SNAPSHOT.account));
        const waits =
          position === 'another' || desk.slice(place).every((_, i) => (place + i) % 4 !== POSITIONS.indexOf(position));
        expect(watch.snapshotsAhead()).toBe(waits ? 1 : 0);
      }),
    );
  });

  it('a whole cycle at the end of a log, too', () => {
    const watch = recorded([desk, cycle(74 * 366 * DAY)]);
    expect(watch.openPositions().size).toBe(POSITIONS.length);
    expect(watch.snapshotsAhead()).toBe(POSITIONS.length);
    expect(names(watch)).toEqual([]);
  });
});
