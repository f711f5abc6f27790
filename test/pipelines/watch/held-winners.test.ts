import { describe, expect, it } from 'vitest';
import { DEFAULT_STALL_LIMITS, HOUR_MS } from '../../../pipelines/watch/stall-limits.ts';
import {
  DAY,
  START,
  at,
  commandOf,
  evidence,
  observations,
  names,
  order,
  snapshot,
  started,
  recorded,
} from './stall-steps.ts';

const HELD = DEFAULT_STALL_LIMITS.heldFor / 60_000;
const FORTY_HOURS = 40 * 60;
const every = (step: number, minutes: number): number[] => Array.from({ length: minutes / step }, (_, i) => i * step);

describe('winner_held and no_intents', () => {
  it.each([
    { held: HELD + 5, r: 2.1, traits: {}, raised: ['winner_held', 'no_intents'] },
    { held: HELD, r: 2.1, traits: {}, raised: [] },
    { held: HELD + 5, r: 2, traits: {}, raised: [] },
    { held: HELD + 5, r: 9, traits: { quantity: 1 }, raised: ['winner_held', 'no_intents'] },
    { held: 10 * HELD, r: -3, traits: {}, raised: [] },
  ])('$held minutes at R $r $traits: $raised', ({ held, r, traits, raised }) => {
    expect(names(recorded([observations('A', [0, held], r, traits)]))).toEqual(raised);
  });

  it.each([[[0, 180]], [[0, 2400]], [[0, 61, 122, 183]], [[0, 90, 180, 270]], [[0, 120, 240]], [[0, 180, 185, 190]]])(
    'WAT-16: observations far apart, at minutes %j, show a hold since the first',
    (minutes) => {
      const watch = recorded(minutes.map((minute) => snapshot('A', minute, 4)));
      expect(names(watch)).toContain('winner_held');
      expect(watch.alerts().find(({ name }) => name === 'winner_held')?.since).toBe(at(0));
    },
  );

  it('WAT-16: an observation far ahead that shows no winner ends no hold before the next one does', () => {
    const seen = [snapshot('A', 0, 4), snapshot('A', 125, 4), snapshot('A', 130, 4)];
    expect(names(recorded([...seen, snapshot('A', 400, 1)]))).toContain('winner_held');
    expect(names(recorded([...seen, snapshot('A', 400, 1), snapshot('A', 405, 1)]))).not.toContain('winner_held');
  });

  it('a position of which a tenth was closed once, and then nothing for 40 h', () => {
    const watch = recorded([
      observations('A', [0, 10], 8),
      order('A', 10, 'outcome'),
      observations('A', [15, FORTY_HOURS + 10], 8, { quantity: 1.8 }),
    ]);
    expect(names(watch)).toEqual(['winner_held', 'no_intents']);
    expect(evidence(watch, 'winner_held')).toContain('40.0 h (no intent)');
  });

  it('every intent of it is refused for 40 h', () => {
    const orders = every(5, FORTY_HOURS).flatMap((minutes, number) => order('A', minutes, 'REJECTED', { number }));
    const watch = recorded([observations('A', [0, FORTY_HOURS], 8), orders]);
    expect(names(watch)).toEqual(['winner_held']);
    expect(evidence(watch, 'winner_held')).toMatch(
      /40\.0 h .*480 .*REJECTED \(NOT_PLACED\).*2026-02-03T19:35:00\.000Z/,
    );
  });

  it('an intent is suppressed now and then for 40 h', () => {
    const orders = every(100, FORTY_HOURS).flatMap((minutes, number) => order('A', minutes, 'SUPPRESSED', { number }));
    const watch = recorded([
      observations('A', [0, FORTY_HOURS], 8),
      orders,
      order('A', 2399, 'REJECTED', { number: 99 }),
    ]);
    expect(names(watch)).toEqual(['winner_held']);
    expect(evidence(watch, 'winner_held')).toMatch(/25 .*24 SUPPRESSED, 1 REJECTED.*\(NOT_PLACED\)/);
  });

  it('an intent of another position ends no_intents only', () => {
    expect(names(recorded([observations('A', [0, 150], 3), order('B', 100, 'SUPPRESSED')]))).toEqual(['winner_held']);
  });

  it('a trade of it starts the time anew, in whatever order it is read; an intent does not', () => {
    const [intent, , trade] = order('A', 60, 'trade');
    for (const step of [intent, trade]) {
      if (step === undefined) continue;
      const raised = step === intent ? ['winner_held'] : [];
      expect(names(recorded([step, observations('A', [0, 180], 3)])).filter((name) => name === 'winner_held')).toEqual(
        raised,
      );
      expect(names(recorded([observations('A', [0, 180], 3), step])).filter((name) => name === 'winner_held')).toEqual(
        raised,
      );
      expect(names(recorded([step, observations('A', [0, 190], 3)]))).toContain('winner_held');
    }
  });

  it('WAT-14: of the reports on an intent the terminal one counts, whichever is redelivered', () => {
    const [, refused] = order('A', 60, 'REJECTED');
    const [, suppressed] = order('A', 60, 'SUPPRESSED');
    const watch = recorded([observations('A', [0, 180], 3), order('A', 60, 'REJECTED')]);
    expect(evidence(watch, 'winner_held')).toContain('REJECTED (NOT_PLACED)');
    recorded(
      [refused, suppressed].flatMap((step) => step ?? []),
      watch,
    );
    expect(evidence(watch, 'winner_held')).toContain('1 intent, REJECTED (NOT_PLACED)');
    expect(evidence(recorded([observations('A', [0, 180], 3), order('A', 60, 'intent')]), 'winner_held')).toContain(
      '1 intent, without a report',
    );
  });

  it.each(['FILLED', 'trade', 'outcome'] as const)('a position that is closed (%s) is held no longer', (last) => {
    const end = order('A', 180, last, { remaining: 0 }).slice(last === 'FILLED' ? 1 : -1);
    expect(names(recorded([observations('A', [0, 180], 3), end]))).toEqual([]);
    expect(names(recorded([end, observations('A', [0, 180], 3)]))).toEqual([]);
  });

  it('WAT-10: a trade that is stamped 400 days ahead hides nothing', () => {
    const ahead = order('A', 400 * DAY, 'trade').slice(2);
    expect(names(recorded([observations('A', [0, 180], 3), ahead]))).toContain('winner_held');
  });

  it('WAT-10: an intent that is stamped 400 days ahead hides no silence', () => {
    expect(names(recorded([observations('A', [0, 180], 3), order('A', 400 * DAY, 'intent')]))).toContain('no_intents');
  });

  it('one observation at R 2 or below starts the time anew', () => {
    const dip = [...observations('A', [0, 60], 3), snapshot('A', 61, 1.9)];
    expect(names(recorded([dip, observations('A', [65, 185], 3)]))).toEqual([]);
    expect(names(recorded([dip, observations('A', [65, 190], 3)]))).toEqual(['winner_held', 'no_intents']);
  });

  it('WAT-15: a batch that comes again changes nothing', () => {
    const again = [snapshot('A', -60, 1), snapshot('A', 0, 3)];
    expect(evidence(recorded([...observations('A', [0, 150], 3), ...again]), 'winner_held')).toContain('for 2.5 h');
    expect(evidence(recorded([...again, ...observations('A', [0, 150], 3), ...again]), 'winner_held')).toContain(
      'for 2.5 h',
    );
  });

  it('a hold that may have begun before the observations is at least as long', () => {
    const opened_at = START - 72 * HOUR_MS;
    const watch = recorded([observations('A', [0, 150], 3, { opened_at })], started(at(0)));
    expect(evidence(watch, 'winner_held')).toContain('at least 2.5 h');
    expect(evidence(watch, 'no_intents')).toContain('at least 2.5 h');
    expect(evidence(watch, 'no_intents')).toContain('there was none in the last 48.0 h');
    const dip = recorded([snapshot('A', -5, 1, { opened_at }), observations('A', [0, 150], 3, { opened_at })]);
    expect(evidence(dip, 'winner_held')).toContain('for 2.5 h');
  });

  it('intents that were forgotten are not counted as none: the evidence names from when on they are known', () => {
    const watch = recorded([observations('A', [0, 3 * DAY], 3), order('A', 10, 'SUPPRESSED')]);
    watch.forget();
    expect(evidence(watch, 'winner_held')).toContain('no intent since 2026-02-03T03:40:00.000Z');
    expect(evidence(watch, 'no_intents')).toContain('2026-02-02T03:50:00.000Z');
  });

  it('a policy that is meant to hold longer gets limits of its own', () => {
    const day = observations('A', [0, 26 * 60], 3);
    expect(names(recorded(day))).toContain('winner_held');
    expect(names(recorded(day, started(-Infinity, { heldFor: 27 * HOUR_MS })))).toEqual([]);
    expect(names(recorded(day, started(-Infinity, { winnerAboveR: 3.5 })))).toEqual([]);
  });

  it('names five positions, the longest held first, and the command that explains the first', () => {
    const watch = recorded(
      ['F', 'E', 'D', 'C', 'B', 'A'].flatMap((name, i) => observations(name, [5 * i, 195], 10 - i)),
    );
    expect(watch.alerts()[0]).toMatchObject({ name: 'winner_held', since: START });
    expect(evidence(watch, 'winner_held')).toMatch(
      /^6 .*F at R 10\.00 for 3\.3 h.*, E at.*, D at.*, C at.*, B at R 6\.00 .*, …\.$/,
    );
    expect(commandOf(watch, 'winner_held')).toBe('harvestline explain F');
    expect(commandOf(watch, 'no_intents')).toBe(
      'harvestline tail position.snapshot --from 2026-02-02T03:40:00.000Z --json',
    );
  });
});
