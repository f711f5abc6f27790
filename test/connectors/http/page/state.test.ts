import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changed,
  gravity,
  pictureOf,
  stopIsExpected,
  summaryOf,
  waits,
} from '../../../../connectors/http/page/state.js';
import type { Board } from '../../../../ports/board.ts';
import { VirtualClock } from '../../../../ports/clock.ts';
import { FakeBoard, someAlerts } from '../../../fixtures/fake-board.ts';

const NOW = 1_770_000_000_000;

function byId(board: Board): ReadonlyMap<string, Board['positions'][number]> {
  return new Map(board.positions.map((position) => [position.position_id, position]));
}

describe('the picture', () => {
  it('and every change after it, in order, give the later picture (PAGE-1)', () => {
    const step = fc.record({
      closes: fc.array(fc.nat(19), { maxLength: 3 }),
      headline: fc.option(fc.string(), { nil: undefined }),
      lag: fc.option(fc.dictionary(fc.string(), fc.nat()), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.nat(5), (steps, perChange) => {
        const clock = new VirtualClock(NOW);
        const board = new FakeBoard({ clock, positions: 20, positionsPerChange: perChange, everyMs: null });
        const before = board.now();
        const all = before.positions.map(({ position_id: id }) => id);
        let picture = pictureOf(before);
        for (const { closes, headline, lag } of steps) {
          clock.set(clock.now() + 1000);
          const rest = { ...(headline === undefined ? {} : { headline }), ...(lag === undefined ? {} : { lag }) };
          picture = changed(picture, board.advance({ rest, closed: closes.flatMap((index) => all[index] ?? []) }));
        }
        const { positions: _, ...desk } = board.now();
        expect(picture.desk).toEqual(desk);
        expect(picture.positions).toEqual(byId(board.now()));
      }),
    );
  });

  it('keeps the picture before as it was', () => {
    const board = new FakeBoard({ clock: new VirtualClock(NOW), positions: 3, everyMs: null });
    const before = pictureOf(board.now());
    const kept = new Map(before.positions);
    const [first] = before.positions.values();
    changed(before, board.advance({ closed: first === undefined ? [] : [first.position_id] }));
    expect(before.positions).toEqual(kept);
  });
});

describe('how grave it is', () => {
  const desk = pictureOf(new FakeBoard({ clock: new VirtualClock(NOW), positions: 1 }).now()).desk;

  it('halted and critical are bad, anything else that is not well is a warning', () => {
    const [critical, warning] = someAlerts(NOW);
    const halted = [{ scope: 'desk', by: 'anna', reason: 'maintenance' }];
    expect(gravity(desk)).toBe('good');
    expect(gravity({ ...desk, ok: false })).toBe('warn');
    expect(gravity({ ...desk, ok: false, alerts: warning === undefined ? [] : [warning] })).toBe('warn');
    expect(gravity({ ...desk, ok: false, alerts: critical === undefined ? [] : [critical] })).toBe('bad');
    expect(gravity({ ...desk, halted })).toBe('bad');
  });
});

describe('a position without a stop', () => {
  it('is pointed out where orders go to a venue, and not on paper', () => {
    expect((['LIVE', 'DEMO', 'PAPER', null] as const).map(stopIsExpected)).toEqual([true, true, false, false]);
  });
});

describe('the figures above the table', () => {
  it('count what is open, in profit, to act on and in cooldown, and add up what waits', () => {
    const board = new FakeBoard({ clock: new VirtualClock(NOW), positions: 40 }).now();
    const { open, best, worst, inProfit, toAct, waitsForCooldown, waiting, letters } = summaryOf(pictureOf(board));
    expect([open, waiting, letters]).toEqual([40, 1852, 2]);
    expect([best, worst]).toEqual([board.positions[0]?.r, board.positions.at(-1)?.r]);
    expect(inProfit).toBe(board.positions.filter(({ r }) => r > 0).length);
    const partial = board.positions.filter(({ action }) => action === 'PARTIAL_CLOSE');
    expect(waitsForCooldown).toBe(partial.filter(({ cooldown_until: until }) => (until ?? 0) > NOW).length);
    expect(waitsForCooldown).toBeGreaterThan(0);
    expect(toAct + waitsForCooldown).toBe(board.positions.filter(({ action }) => action !== 'HOLD').length);
  });

  it('count a partial close as waiting until its cooldown ends, and never another decision', () => {
    const waiting = { action: 'PARTIAL_CLOSE', cooldown_until: NOW + 1 } as const;
    expect([NOW, NOW + 1, null].map((at) => waits(waiting, at))).toEqual([true, false, false]);
    expect(waits({ ...waiting, cooldown_until: null }, NOW)).toBe(false);
    expect((['HOLD', 'CLOSE'] as const).map((action) => waits({ ...waiting, action }, NOW))).toEqual([false, false]);
  });

  it('know no best of nothing', () => {
    const board = new FakeBoard({ clock: new VirtualClock(NOW), positions: 0 }).now();
    expect(summaryOf(pictureOf(board))).toMatchObject({ open: 0, best: null, worst: null });
  });
});
