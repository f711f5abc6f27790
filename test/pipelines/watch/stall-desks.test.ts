import { describe, expect, it } from 'vitest';
import {
  DAY,
  SNAPSHOT,
  type Step,
  at,
  commandOf,
  evidence,
  observations,
  names,
  order,
  snapshot,
  recorded,
} from './stall-steps.ts';

const YEARS = 5 * 365 * DAY;

describe('desks in one log', () => {
  const held = observations('A', [0, 150], 3, { account: 'now' });
  const past = observations('P', [-YEARS, -YEARS + 150], 3, { account: 'past' });
  const quiet = observations('P', [-YEARS, -YEARS + 150], 0, { account: 'past' });

  it.each([
    { what: 'one that lives years earlier', steps: [held, quiet] },
    { what: 'one that lives years later', steps: [observations('A', [0, 150], 0, { account: 'now' }), past] },
  ])('WAT-1: $what hides no alert', ({ steps }) => {
    expect(names(recorded(steps))).toEqual(['winner_held', 'no_intents']);
    expect(names(recorded(steps.toReversed()))).toEqual(['winner_held', 'no_intents']);
  });

  it('WAT-1: one makes no record of another late, nor its positions unobserved', () => {
    const steps = [
      quiet,
      observations('A', [0, 10], 0, { account: 'now' }),
      order('P', -YEARS + 150, 'intent', { account: 'past' }),
    ];
    expect(names(recorded(steps))).toEqual([]);
  });

  it('WAT-1: intents of one do not count for another', () => {
    const intents = order('P', 140, 'SUPPRESSED', { account: 'past' });
    expect(names(recorded([held, intents]))).toEqual(['winner_held', 'no_intents']);
  });

  it('names the silent account that waits longest, and how many there are', () => {
    const watch = recorded([held, past, observations('B', [0, 200], 3, { account: 'third' })]);
    expect(evidence(watch, 'no_intents')).toMatch(/3\.3 h on account third.*2 other accounts/);
  });
});

describe('snapshots_ceased', () => {
  const others = (minutes: number) => observations('B', [0, minutes], 0, { source: 'other' });
  const held = observations('A', [0, 150], 3);

  it('WAT-16: a winner that is observed no longer is still held, and named as unobserved', () => {
    const watch = recorded([held, others(215)]);
    expect(names(recorded([held, others(210)]))).toEqual(['winner_held', 'no_intents']);
    expect(names(watch)).toEqual(['winner_held', 'snapshots_ceased']);
    expect(evidence(watch, 'winner_held')).toContain('2.5 h, last seen at 2026-02-02T06:10:00.000Z');
    expect(watch.alerts()[1]).toMatchObject({ name: 'snapshots_ceased', since: at(150) });
    expect(evidence(watch, 'snapshots_ceased')).toMatch(
      /A .*2026-02-02T06:10:00\.000Z by simulated at R 3\.00, 1\.1 h .*snapshot/,
    );
    expect(commandOf(watch, 'snapshots_ceased')).toBe('harvestline explain A');
  });

  it('stands for days, and is over when the position is observed again', () => {
    const watch = recorded([held, others(3 * DAY)]);
    watch.forget();
    expect(names(watch)).toEqual(['winner_held', 'snapshots_ceased']);
    // The first observation after a pause waits for the second.
    recorded([snapshot('A', 3 * DAY, 1)], watch);
    expect(names(watch)).toEqual(['winner_held']);
    recorded([snapshot('A', 3 * DAY + 5, 1), snapshot('B', 3 * DAY + 5, 0)], watch);
    expect(names(watch)).toEqual([]);
  });

  it('at the end of a record nothing goes on', () => {
    expect(names(recorded([observations('A', [0, 60], 0), observations('B', [0, 60], 0)]))).toEqual([]);
  });

  it.each([
    { what: 'its trade', steps: order('A', 60, 'trade', { remaining: 0 }).slice(2) },
    { what: 'its outcome', steps: order('A', 60, 'outcome', { remaining: 0 }).slice(3) },
  ])('a position that $what ended is closed', ({ steps }) => {
    const seen = [observations('A', [0, 60], 3), others(400)];
    expect(names(recorded([...seen, steps])).filter((name) => name !== 'trades_without_outcomes')).toEqual([]);
    expect(names(recorded([steps, ...seen])).filter((name) => name !== 'trades_without_outcomes')).toEqual([]);
  });

  it('a position whose last order is filled waits for its trade, and for nothing else', () => {
    const steps = order('A', 60, 'FILLED', { remaining: 0 });
    expect(names(recorded([observations('A', [0, 60], 0), others(400), steps]))).toEqual(['reports_without_trades']);
  });

  it('a slice is no close; the evidence names the last intent', () => {
    const watch = recorded([
      observations('A', [0, 60], 0),
      others(400),
      order('A', 50, 'outcome'),
      order('A', 55, 'REJECTED', { number: 2 }),
    ]);
    expect(names(watch)).toEqual(['snapshots_ceased']);
    expect(evidence(watch, 'snapshots_ceased')).toContain('REJECTED (NOT_PLACED)');
  });

  const signals = (minutes: readonly number[], account: string = SNAPSHOT.account): Step[] =>
    minutes.map((minute) => (watch) => watch.signal({ account, symbol: 'S' }, at(minute)));

  it('a source that died with all it observed is found by the models that go on', () => {
    expect(names(recorded([held, signals([145, 155, 165])]))).toEqual(['winner_held', 'no_intents']);
    expect(names(recorded([held, signals([145, 205, 210])]))).toEqual(['winner_held', 'no_intents', 'feed_silent']);
    const watch = recorded([held, signals([145, 205, 215])]);
    expect(names(watch)).toEqual(['winner_held', 'snapshots_ceased', 'feed_silent']);
    expect(evidence(watch, 'snapshots_ceased')).toContain('1.1 h before the latest signal');
    expect(names(recorded([held, signals([145, 205, 215], 'another')]))).toEqual(['winner_held', 'no_intents']);
    expect(names(recorded([held, order('A', 150, 'outcome', { remaining: 0 }), signals([145, 205, 215])]))).toEqual([]);
  });

  it.each([
    { what: 'alone', minutes: [400 * DAY] },
    { what: 'after others', minutes: [145, 150, 400 * DAY] },
    { what: 'between others', minutes: [145, 400 * DAY, 150] },
  ])('WAT-10: one signal that is stamped 400 days ahead, $what, changes nothing', ({ minutes }) => {
    expect(names(recorded([held, signals(minutes)]))).toEqual(['winner_held', 'no_intents']);
  });

  it('WAT-1: signals make nothing late', () => {
    expect(
      names(recorded([observations('A', [0, 60], 0), order('A', 60, 'intent'), signals([60, 65, 70, 75])])),
    ).toEqual([]);
  });

  it('a pause of the whole desk is none', () => {
    const seen = [observations('A', [0, 60], 0), observations('B', [0, 60], 0)];
    const watch = recorded([...seen, snapshot('A', 600, 0)]);
    expect(names(watch)).toEqual([]);
    // A batch may end between two positions.
    expect(names(recorded([snapshot('B', 600, 0), snapshot('A', 605, 0)], watch))).toEqual([]);
    expect(names(recorded([snapshot('B', 605, 0)], watch))).toEqual([]);
  });
});
