import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Progress, Series, SeriesWatermark, SignalSeries } from '../../../pipelines/watch/account-watermarks.ts';
import { silentFeeds } from '../../../pipelines/watch/silence.ts';
import { MINUTE_MS, stallLimits } from '../../../pipelines/watch/stall-limits.ts';
import { IntentTally } from '../../../pipelines/watch/topic-joins.ts';
import { WatchedPositions } from '../../../pipelines/watch/watched-positions.ts';
import type { IntentId, PositionId } from '../../../schemas/generated/records.ts';
import { PlainPositions, plainWatermark } from './plain-positions.ts';
import { type Step, at, order, recorded, snapshot, started } from './stall-steps.ts';

/** Mostly a moment after the record before; now and then far off, which is what a wrong time or a pause looks like. Unit: minutes. */
const offset = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: -300, max: -1 }) },
  { weight: 1, arbitrary: fc.constantFrom(4000, 600_000) },
);

/** Half of the times that are off stay so: the records that follow are as late, so it was a pause. */
function timed<T extends { readonly off: number; readonly stays: boolean }>(events: readonly T[]) {
  let now = 0;
  return events.map((event) => {
    const minutes = Math.max(0, now + event.off);
    if (event.stays || event.off <= 4) now = Math.max(now, minutes);
    return { ...event, minutes };
  });
}

const moment = { off: offset, stays: fc.boolean() };

describe('WAT-22: what is kept up to date is what a count of all records gives:', () => {
  it('the watermark of several series', () => {
    const event = fc.record({
      ...moment,
      key: fc.integer({ min: 0, max: 5 }),
      forgets: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        const leap = 60;
        const kept = new Map<number, Series<{ readonly at: number }>>();
        let watermark = new SeriesWatermark(leap);
        for (const { key, minutes, forgets } of timed(events)) {
          if (forgets === key) {
            kept.delete(key);
            watermark = new SeriesWatermark(leap, kept.values());
          }
          const series = kept.get(key) ?? new Series(leap);
          kept.set(key, series);
          series.add({ at: minutes });
          watermark.moved(series);
          const all: readonly Progress[] = [...kept.values()];
          expect(watermark.at).toBe(plainWatermark(all, leap));
          expect(watermark.confirmed).toBe(all.some(({ confirmed }) => confirmed));
        }
      }),
    );
  });

  it('the latest intent of an account', () => {
    const event = fc.record({
      ...moment,
      what: fc.constantFrom('intent', 'intent', 'intent', 'intent', 'forget'),
      position: fc.integer({ min: 0, max: 3 }),
      intent: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        const tally = new IntentTally();
        let kept = new Map<string, { readonly account: string; readonly at: number }>();
        const forgotten = new Map<string, number>();
        for (const { what, position, intent, minutes } of timed(events)) {
          const account = `account ${position % 2}`;
          const id = `intent ${position} ${intent}`;
          if (what === 'forget') {
            const isKept = (one: { readonly account: string; readonly at: number }): boolean =>
              one.account !== account || one.at >= minutes - 20;
            for (const one of kept.values())
              if (!isKept(one)) forgotten.set(account, Math.max(forgotten.get(account) ?? one.at, one.at));
            kept = new Map([...kept].filter(([, one]) => isKept(one)));
            tally.forget((name) => (name === account ? minutes - 20 : -Infinity));
          } else {
            tally.intent(`P${position}` as PositionId, account, id as IntentId, minutes);
            kept.set(id, { account, at: Math.min(minutes, kept.get(id)?.at ?? minutes) });
          }
          for (const until of [minutes - 3, minutes + 60, Infinity]) {
            const times = [...kept.values()]
              .filter((one) => one.account === account && one.at <= until)
              .map((one) => one.at);
            const latest = Math.max(forgotten.get(account) ?? -Infinity, ...times);
            expect(tally.latestAt(account, until)).toBe(latest === -Infinity ? null : latest);
          }
        }
      }),
    );
  });

  it('open positions, winners, the unobserved, usual intervals, and silent feeds', () => {
    const limits = stallLimits({
      unobservedFor: 20 * MINUTE_MS,
      keptFor: 300 * MINUTE_MS,
      silentAtMost: 90 * MINUTE_MS,
    });
    const seen = 'observed' as const;
    const event = fc.record({
      ...moment,
      what: fc.constantFrom(seen, seen, seen, seen, seen, 'traded', 'closed', 'signal', 'forget'),
      position: fc.integer({ min: 0, max: 6 }),
      r: fc.integer({ min: 0, max: 5 }),
      came: fc.boolean(),
    });
    const found = { winners: 0, unobserved: 0, silent: 0 };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80, size: 'max' }), fc.boolean(), (events, live) => {
        const [positions, plain] = [new WatchedPositions(limits), new PlainPositions(limits)];
        const signals = new SignalSeries(limits.leap);
        const cameAt = new Map<string, number>();
        for (const { what, position, r, minutes, came } of timed(events)) {
          const id = `P${position}` as PositionId;
          const account = `account ${position % 2}`;
          const time = at(minutes);
          for (const one of [positions, plain]) {
            const observation = {
              account,
              symbol: 'S',
              side: 'LONG',
              source: id,
              opened_at: at(-5),
              at: time,
              r,
            } as const;
            if (what === 'observed') one.observed(id, observation);
            else if (what === 'traded' || what === 'closed') one[what](id, account, time);
            else if (what === 'forget') one.forget(() => time - limits.keptFor);
          }
          if (what === 'signal') signals.add({ account, symbol: id }, time);
          if (came) cameAt.set(account, time);
          const now = live ? time : null;
          const watermarks = positions.watermarks(signals, now);
          const activeAt = (name: string): number => watermarks.latestActivity(name);
          for (const name of ['account 0', 'account 1']) {
            expect(watermarks.of(name)).toBe(plain.watermark(name));
            expect(positions.usualInterval(name)).toBe(plain.usualInterval(name));
          }
          const [winners, unobserved] = [positions.winners(), positions.unobserved(watermarks)];
          const open = positions.open();
          const usualInterval = (name: string): number | null => positions.usualInterval(name);
          const silent = silentFeeds({ open, usualInterval, watermarks, now, cameAt, limits });
          expect(open).toEqual(plain.open());
          expect(winners).toEqual(plain.winners());
          expect(unobserved).toEqual(plain.unobserved(activeAt));
          expect(silent).toEqual(plain.silentFeeds(activeAt, now, cameAt));
          found.winners += winners.length;
          found.unobserved += unobserved.length;
          found.silent += silent.length;
        }
      }),
    );
    expect(Math.min(...Object.values(found))).toBeGreaterThan(100);
  });

  it('the alerts and figures of a watch that is evaluated after every record, and of one that is evaluated once', () => {
    const ends = ['intent', 'SUPPRESSED', 'FILLED', 'trade', 'outcome'] as const;
    const event = fc.record({
      ...moment,
      what: fc.constantFrom(
        'snapshot',
        'snapshot',
        'snapshot',
        'order',
        'signal',
        'signal',
        'signal',
        'clock',
        'forget',
      ),
      position: fc.integer({ min: 0, max: 4 }),
      r: fc.integer({ min: 0, max: 5 }),
      end: fc.constantFrom(...ends),
      number: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        const steps = timed(events).flatMap(({ what, position, r, end, number, minutes }): readonly Step[] => {
          const account = `account ${position % 2}`;
          const symbol = `S${position}`;
          const name = `P${position}`;
          if (what === 'snapshot') return [snapshot(name, minutes, r, { account, symbol, confidence: 0.6 })];
          if (what === 'order') return order(name, minutes, end, { account, number, remaining: r % 2 });
          if (what === 'signal') return [(watch) => watch.signal({ account, symbol }, at(minutes))];
          if (what === 'forget') return [(watch) => watch.forget()];
          return [(watch) => watch.clock(at(minutes), { readsLive: r > 2 })];
        });
        const seenOf = (watch: ReturnType<typeof started>) => {
          const watermarks = watch.watermarks();
          return {
            alerts: watch.alerts(),
            open: watch.observedOpen(),
            ahead: watch.snapshotsAhead(),
            signalsFrom: watch.signalsFrom(),
            newest: watermarks.newest(),
            latest: ['account 0', 'account 1'].map((account) => watermarks.bounded(account, at(1e9))),
            active: ['account 0', 'account 1'].map((account) => watermarks.latestActivity(account)),
          };
        };
        const limits = { heldFor: 20 * MINUTE_MS, unobservedFor: 20 * MINUTE_MS, keptFor: 300 * MINUTE_MS };
        const often = started(-Infinity, limits);
        for (const step of steps) {
          step(often);
          seenOf(often);
        }
        expect(seenOf(often)).toEqual(seenOf(recorded(steps, started(-Infinity, limits))));
      }),
    );
  });
});
