import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import type { StallWatch } from '../../../pipelines/watch/stall-watch.ts';
import {
  DAY,
  type Step,
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

const MINUTE_MS = 60_000;
const HOUR = 60;

/** Snapshots of a position at those minutes. */
const seen = (name: string, minutes: readonly number[], traits = {}): Step[] =>
  minutes.map((minute) => snapshot(name, minute, 0, traits));

/** What is on the log, read where it is written live at `now`. */
function live(now: number, steps: readonly (Step | readonly Step[])[], limits = stallLimits()): StallWatch {
  const watch = started(-Infinity, limits);
  watch.clock(at(now), { readsLive: false });
  return recorded(steps, watch);
}

describe('feed_silent over what is on the log', () => {
  it.each([
    { what: 'three of its usual cycles', minutes: [0, 10, 20, 30], limit: 30 },
    { what: 'three of them, though one was odd', minutes: [0, 10, 20, 50, 60, 70], limit: 30 },
    {
      what: 'three of the latest, where they are others than before',
      minutes: [...every(0, 1200, 60), ...every(1205, 1245, 5)],
      limit: 15,
    },
    { what: 'a minute, where it observes every second', minutes: [0, 1 / 60, 2 / 60, 3 / 60], limit: 1 },
    { what: 'a day, where days seem usual', minutes: [0, DAY, 2 * DAY], limit: DAY },
    { what: 'an hour, where one snapshot is known', minutes: [0], limit: HOUR },
  ])('waits $what', ({ minutes, limit }) => {
    const last = Math.max(...minutes);
    expect(names(live(last + limit, [seen('A', minutes)]))).toEqual([]);
    const watch = live(last + limit + 0.001, [seen('A', minutes)]);
    expect(watch.alerts()).toMatchObject([{ name: 'feed_silent', since: at(last) }]);
  });

  it('waits as long as its limits say', () => {
    const limits = stallLimits({ silentCycles: 10, silentAtLeast: 5 * MINUTE_MS, silentAtMost: 80 * MINUTE_MS });
    const raised = (now: number, step: number) => names(live(now, [seen('A', every(0, 30, step))], limits));
    expect([raised(32, 0.1), raised(36, 0.1)]).toEqual([[], ['feed_silent']]);
    expect([raised(80, 5), raised(81, 5)]).toEqual([[], ['feed_silent']]);
    expect([raised(110, 10), raised(111, 10)]).toEqual([[], ['feed_silent']]);
  });

  it('no clock: over the log of a market that ended nothing is silent', () => {
    expect(names(recorded([seen('A', [0, 10, 20, 30])]))).toEqual([]);
  });

  it('names the positions that nobody watches, for how long, and how many accounts there are', () => {
    const seven = Array.from({ length: 7 }, (_, i) => seen(`P${i}`, [0, 10, 20]));
    const other = seen('O', [0, 10, 30], { account: 'other' });
    const watch = live(200, [...seven, other]);
    expect(evidence(watch, 'feed_silent')).toMatch(
      /desk-1 .*simulated .*3\.0 h.*10 min.* 7 open positions: P0, P1, P2, P3, P4, …; .*1 other account/,
    );
    expect(commandOf(watch, 'feed_silent')).toBe(
      'harvestline tail position.snapshot --from 2026-02-02T04:00:00.000Z --json',
    );
  });

  it.each([
    { what: 'its positions ended', steps: [seen('A', [0, 10, 20]), order('A', 20, 'outcome', { remaining: 0 })] },
    { what: 'nothing of it was ever open', steps: [order('A', 20, 'outcome', { remaining: 0 })] },
    {
      // It is recorded of as ceased, and an account without open positions has nothing to observe.
      what: 'all that is left was not observed any more before',
      steps: [seen('lost', [0, 10, 20]), observations('A', [0, 200], 0), order('A', 200, 'outcome', { remaining: 0 })],
    },
  ])('is not raised where $what', ({ steps }) => {
    expect(names(live(230, steps))).not.toContain('feed_silent');
  });

  it('WAT-10: one snapshot ahead of the clock does not hide it', () => {
    const ahead = [snapshot('A', 400 * DAY, 0), snapshot('B', 400 * DAY, 0)];
    expect(names(live(230, [seen('A', [0, 10, 20]), ahead]))).toEqual(['feed_silent']);
    const signals: Step[] = [40, 50, 60].map(
      (minute) => (watch) => watch.signal({ account: 'desk-1', symbol: 'S' }, at(minute)),
    );
    expect(names(recorded([seen('A', [0, 10, 20]), ahead, signals]))).toEqual(['feed_silent']);
  });

  it('WAT-8: order of positions and repeats change nothing', () => {
    const lanes = ['A', 'B', 'C'].map((name, i) => seen(name, [i, 10 + i, 25 + i, 30 + i]));
    const straight = live(70, lanes).alerts();
    expect(straight).toMatchObject([{ name: 'feed_silent', since: at(32) }]);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (choices) => {
        const left = lanes.map((lane) => [...lane]);
        const steps: Step[] = [];
        while (left.length > 0) {
          const lane = left[(choices.next().value ?? 0) % left.length] ?? [];
          const step = lane.shift();
          if (step !== undefined) steps.push(step, ...((choices.next().value ?? 0) % 3 === 0 ? [step] : []));
          if (lane.length === 0) left.splice(left.indexOf(lane), 1);
        }
        expect(live(70, [steps]).alerts()).toEqual(straight);
      }),
    );
  });
});

describe('feed_silent while the log is followed', () => {
  it('counts from when a snapshot came, whatever the clocks of source and reader say', () => {
    for (const skew of [-50, 0, 50]) {
      const watch = live(25 + skew, [seen('A', [0, 10, 20])]);
      const follow = (minute: number, steps: readonly Step[] = []) => {
        watch.clock(at(minute + skew), { readsLive: true });
        return names(recorded(steps, watch));
      };
      for (const minute of every(30, 90, 10)) expect(follow(minute + 1, seen('A', [minute]))).toEqual([]);
      expect(follow(121)).toEqual([]);
      expect(follow(121.001)).toEqual(['feed_silent']);
      expect(evidence(watch, 'feed_silent')).toContain('for 30 min');
    }
  });

  it('is over with the first snapshot after a pause', () => {
    const watch = live(20, [seen('A', [0, 10, 20])]);
    watch.clock(at(300), { readsLive: true });
    expect(names(watch)).toEqual(['feed_silent']);
    recorded(seen('A', [300]), watch);
    expect(names(watch)).toEqual([]);
  });
});

function every(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
}
