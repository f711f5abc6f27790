import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { liveLines } from '../../../pipelines/board/live-lines.ts';
import type { Board, BoardAlert } from '../../../ports/board.ts';
import { FakeBoard } from '../../fixtures/fake-board.ts';
import { StandingClock } from './desk-of-board.ts';

const SINCE = Date.parse('2026-01-01T15:00:00Z');
const HEAD = ['harvestline run 1.0.0  ready'];

const evidence = Array.from({ length: 30 }, (_, word) => `word${word}`).join(' ');
const alert = (name: string): BoardAlert => ({
  name,
  severity: 'CRITICAL',
  since: SINCE,
  evidence,
  command: `harvestline explain ${name}`,
});

async function board(positions: number, alerts: readonly BoardAlert[] = []): Promise<Board> {
  return new FakeBoard({ clock: new StandingClock(), positions, alerts, everyMs: null }).state();
}

const textOf = (lines: readonly string[]): string => lines.map((line) => line.trim()).join(' ');

describe('a board on a terminal', () => {
  it.each([
    { width: 60, rows: 20 },
    { width: 80, rows: 24 },
    { width: 130, rows: 40 },
  ])('fills $width x $rows, with positions, events, totals and the gate', async ({ width, rows }) => {
    const state = await board(500);
    const lines = liveLines(state, HEAD, { width, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(lines.length).toBeGreaterThan(rows - 6);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    const text = textOf(lines);
    for (const part of [HEAD[0], state.positions[0]?.symbol, 'more', 'hold', 'suppressed', 'lag', 'gate'])
      expect(text).toContain(part);
  });

  it('cuts no alert: the gravest is whole whatever the room, further ones while there is room, the rest by name', async () => {
    const alerts = ['first', 'second', 'third'].map(alert);
    const state = await board(500, alerts);
    const narrow = textOf(liveLines(state, HEAD, { width: 60, rows: 24 }));
    expect(narrow).toContain(`CRITICAL first since 2026-01-01 15:00:00 ${evidence} harvestline explain first`);
    expect(narrow).toContain('and CRITICAL second, CRITICAL third');
    const wide = textOf(liveLines(state, HEAD, { width: 130, rows: 40 }));
    for (const name of ['first', 'second', 'third']) expect(wide).toContain(`${evidence} harvestline explain ${name}`);
  });

  it('says so where no position is open and nothing was closed', async () => {
    const state = { ...(await board(0)), events: [] };
    const text = textOf(liveLines(state, HEAD, { width: 80, rows: 24 }));
    expect(text).toContain('no position is open');
    expect(text).toContain('nothing was closed yet');
  });

  it('stays within the rows whatever there is, but for alerts', async () => {
    const [some, none] = [await board(40), await board(0)];
    const size = fc.record({ width: fc.integer({ min: 60, max: 200 }), rows: fc.integer({ min: 16, max: 60 }) });
    fc.assert(
      fc.property(size, fc.boolean(), (place, empty) => {
        expect(liveLines(empty ? none : some, HEAD, place).length).toBeLessThanOrEqual(place.rows);
      }),
      { numRuns: 30 },
    );
  });
});
