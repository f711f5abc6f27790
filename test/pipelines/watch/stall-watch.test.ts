import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import type { IntentId, PositionId, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import {
  DAY,
  MINUTE_MS,
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

const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const OUTCOME = GOOD_RECORDS[TOPICS.clmOutcome.name];

/** A FINAL outcome of an account that nobody observes. */
function closedElsewhere(name: string, minutes: number): Step {
  const outcome = {
    ...OUTCOME,
    account: 'import',
    position_id: name as PositionId,
    slices: [`slice of ${name}` as TradeId],
    status: 'FINAL',
    label: 'WIN',
    closed_at: at(minutes),
  } as const;
  return (watch) => watch.outcome(outcome, at(minutes));
}

describe('a step after which nothing comes', () => {
  it.each([
    { last: 'intent', after: 5, raised: [] },
    { last: 'intent', after: 6, raised: ['intents_without_reports'] },
    { last: 'SUPPRESSED', after: 60, raised: [] },
    { last: 'FILLED', after: 1, raised: [] },
    { last: 'FILLED', after: 2, raised: ['reports_without_trades'] },
    { last: 'trade', after: 5, raised: [] },
    { last: 'trade', after: 6, raised: ['trades_without_outcomes'] },
    { last: 'outcome', after: 60, raised: [] },
  ] as const)('$last, and nothing for $after minutes: $raised', ({ last, after, raised }) => {
    expect(names(recorded([order('A', 0, last), snapshot('B', after, 0)]))).toEqual(raised);
  });

  it('counts, names the oldest and how long it has waited, and shows the questions since then', () => {
    const watch = recorded([3, 1, 2, 4].map((minutes) => order(`P${minutes}`, minutes, 'intent')).flat());
    recorded([snapshot('B', 30, 0)], watch);
    expect(evidence(watch, 'intents_without_reports')).toMatch(
      / 4 intents.* 5 min;.* 29 min: intent of P1, intent of P2, intent of P3, …\.$/,
    );
    expect(commandOf(watch, 'intents_without_reports')).toBe(
      'harvestline tail harvest.intent --from 2026-02-02T03:41:00.000Z --json',
    );
  });

  it('names from when on intents are known', () => {
    const watch = recorded([order('A', 0, 'intent'), snapshot('B', 30, 0)], started(at(-1)));
    expect(evidence(watch, 'intents_without_reports')).toContain('since 2026-02-02T03:39:00.000Z');
  });

  it('a fill that was found without its order id is known by its intent', () => {
    const intent_id = 'intent of A' as IntentId;
    const nameless: Step = (watch) => watch.trade({ ...TRADE, intent_id, client_order_id: null }, at(0));
    expect(names(recorded([order('A', 0, 'FILLED'), nameless, snapshot('B', 2, 0)]))).toEqual([]);
  });

  it.each(['intent', 'trade'] as const)(
    'WAT-23: %s that is written late waits since it was written, where that was seen',
    (last) => {
      const late = [snapshot('B', 20, 0), order('A', 0, last)];
      const seen = started(-Infinity);
      seen.clock(at(20), { readsLive: true });
      recorded(late, seen);
      const raisedAt = (minutes: number): boolean => {
        seen.clock(at(minutes), { readsLive: true });
        return names(seen).length > 0;
      };
      expect([20, 25, 26].map(raisedAt)).toEqual([false, false, true]);
      // A clock that is set back tells nothing of how long it was.
      expect(raisedAt(10)).toBe(true);
      const foundThere = started(-Infinity);
      foundThere.clock(at(20), { readsLive: false });
      expect(names(recorded(late, foundThere))).toHaveLength(1);
    },
  );

  it('an import that CLM has not worked off yet is none', () => {
    const imported = order('A', -100, 'trade', { origin: 'BACKFILL' }).slice(2);
    expect(names(recorded([imported, snapshot('B', 0, 0)]))).toEqual([]);
  });

  it('an intent before it began to watch is not its concern; what is answered around that time is', () => {
    const watch = started(at(0));
    recorded([order('before', -1, 'intent'), order('around', 0, 'intent')], watch);
    watch.report({ ...REPORT, intent_id: 'intent of around' as IntentId, status: 'SUBMITTED' }, at(-1));
    expect(names(recorded([snapshot('B', 60, 0)], watch))).toEqual([]);
  });

  it.each(['intent', 'FILLED', 'trade'] as const)(
    'WAT-13: %s without an answer is late until it has one, days later too',
    (last) => {
      const raised = {
        intent: 'intents_without_reports',
        FILLED: 'reports_without_trades',
        trade: 'trades_without_outcomes',
      };
      const watch = recorded([order('A', 0, last), order('B', 1, 'outcome')]);
      for (let day = 0; day <= 4; day += 1) {
        recorded(observations('C', [day * DAY, day * DAY + 10], 0), watch);
        watch.forget();
      }
      expect(names(watch)).toEqual([raised[last]]);
      expect(evidence(watch, raised[last])).toMatch(/ 1 (intent|FILLED order|trade)/);
      // The next, unrelated one is one more, and no more than that.
      recorded([order('D', 4 * DAY, last), observations('C', [4 * DAY + 15, 4 * DAY + 30], 0)], watch);
      expect(evidence(watch, raised[last])).toMatch(/ 2 (intents|FILLED orders|trades)/);
      recorded([order('A', 0, 'outcome').slice(1), order('D', 4 * DAY, 'outcome').slice(1)], watch);
      expect(names(watch)).toEqual([]);
    },
  );
});

describe('any order', () => {
  const ends = ['intent', 'SUPPRESSED', 'FILLED', 'trade', 'outcome'] as const;
  const observation = fc.record({
    r: fc.integer({ min: 0, max: 5 }),
    confidence: fc.constantFrom(null, 0.6, 0.7),
    ahead: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 70, 400 * DAY),
  });
  /** Snapshots of each position in their order (WAT-15), and orders; each is a lane, merged in any way. */
  const lanes = fc.tuple(
    fc.array(fc.array(observation, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.constantFrom(...ends)), { maxLength: 8 }),
  );

  it('WAT-8, WAT-12: order of topics and repeats change no alert', () => {
    fc.assert(
      fc.property(lanes, fc.infiniteStream(fc.nat()), ([positions, orders], choices) => {
        const account = (p: number) => `account ${p % 2}`;
        const snapshots = positions.map((seen, p) =>
          seen.map(({ r, confidence, ahead }, i) =>
            snapshot(`P${p}`, 30 * i + ahead, r, {
              confidence,
              symbol: `S${p}`,
              account: account(p),
              source: `source ${p % 3}`,
            }),
          ),
        );
        const single = orders.flatMap(([minutes, last], i) =>
          order(`P${i % 4}`, minutes, last, { account: account(i % 4), number: i, remaining: i % 2 }).map((step) => [
            step,
          ]),
        );
        const straight = recorded([...snapshots.flat(), ...single.flat()]);
        const shuffled = started();
        const left = [...snapshots, ...single, ...single].map((lane) => [...lane]);
        while (left.length > 0) {
          const lane = left[(choices.next().value ?? 0) % left.length];
          const step = lane?.shift();
          step?.(shuffled);
          // A repeat at once, as after a batch that came again.
          if ((choices.next().value ?? 0) % 3 === 0) step?.(shuffled);
          if (lane?.length === 0) left.splice(left.indexOf(lane), 1);
        }
        expect(shuffled.alerts()).toEqual(straight.alerts());
      }),
    );
  });

  it('WAT-9, WAT-17: forgets accounts of which nothing is in sight, as an import leaves them', () => {
    const watch = recorded(
      [snapshot('B', 0, 0), order('imported', -3 * DAY, 'outcome', { remaining: 0 })],
      started(at(-2 * DAY)),
    );
    const foreign = recorded(
      Array.from({ length: 50 }, (_, index) => closedElsewhere(`import ${index}`, -3 * DAY)),
      watch,
    );
    expect(foreign.size).toBeGreaterThan(50);
    foreign.forget();
    expect(foreign.size).toBe(1);
  });

  it('WAT-9: holds no positions of what ended before anything is in sight, but those that are observed', () => {
    const closed = (minutes: number) => Array.from({ length: 50 }, (_, index) => closedElsewhere(`${index}`, minutes));
    // The slices, which their trades may still ask about.
    expect(recorded(closed(-3 * DAY), started(at(-2 * DAY))).size).toBe(50);
    expect(recorded(closed(-1 * DAY), started(at(-2 * DAY))).size).toBe(100);
    const winner = { account: 'import' };
    const observed = [snapshot('7', -200, 5, winner), snapshot('7', -60, 5, winner), snapshot('7', 0, 5, winner)];
    expect(names(recorded(observed, started(at(-2 * DAY))))).toContain('winner_held');
    expect(names(recorded([observed, closed(-3 * DAY)].flat(), started(at(-2 * DAY))))).not.toContain('winner_held');
  });

  it('WAT-9: forgets what was answered more than 48 h ago, and keeps what was not', () => {
    const watch = recorded([
      order('old', 0, 'intent'),
      order('done', 0, 'outcome', { remaining: 0 }),
      order('new', 2 * DAY, 'intent'),
    ]);
    recorded([snapshot('B', 2 * DAY + 60, 0)], watch);
    const before = watch.size;
    watch.forget();
    expect(watch.size).toBeLessThan(before);
    // The position B, and the two intents.
    expect(watch.size).toBe(1 + 2);
    expect(evidence(watch, 'intents_without_reports')).toContain('2 intents');
    // A batch that comes again after two days is no news.
    for (const step of order('done', 0, 'trade')) {
      step(watch);
      expect(names(watch)).toEqual(['intents_without_reports']);
      expect(evidence(watch, 'intents_without_reports')).toContain('2 intents');
    }
    expect(DEFAULT_STALL_LIMITS.keptFor).toBe(2 * DAY * MINUTE_MS);
  });
});
