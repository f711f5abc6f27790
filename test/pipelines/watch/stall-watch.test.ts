import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../pipelines/scoring/policy.ts';
import { STALL_LIMITS } from '../../../pipelines/watch/stall-limits.ts';
import { StallWatch } from '../../../pipelines/watch/stall-watch.ts';
import type { IntentId, PositionId, PositionSnapshot, TradeId } from '../../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

const START = 1_770_003_600_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SNAPSHOT = GOOD_RECORDS[TOPICS.positionSnapshot.name];
const INTENT = GOOD_RECORDS[TOPICS.harvestIntent.name];
const REPORT = GOOD_RECORDS[TOPICS.executionReport.name];
const TRADE = GOOD_RECORDS[TOPICS.tradeClosed.name];
const HELD_MINUTES = STALL_LIMITS.heldFor.value / MINUTE_MS;

const at = (minutes: number): number => START + minutes * MINUTE_MS;
const position = (name: string) => name as PositionId;
const started = (from = -Infinity): StallWatch => new StallWatch(defaultPolicy(), from);
const names = (watch: StallWatch): readonly string[] => watch.alerts().map(({ name }) => name);
const evidence = (watch: StallWatch, wanted: string): string =>
  watch.alerts().find(({ name }) => name === wanted)?.evidence ?? 'none';

/** What a record does to a watch. */
type Step = (watch: StallWatch) => void;

/** With an entry of 100 and a stop of 98, a mark of 100 + 2 R is R. */
function snapshot(name: string, minutes: number, r: number, traits: Partial<PositionSnapshot> = {}): Step {
  const mark_price = 100 + 2 * r;
  const record = { ...SNAPSHOT, position_id: position(name), mark_price, confidence: null, ...traits };
  return (watch) => watch.snapshot(record, at(minutes));
}

/** The order of an intent, all the way; `last` is how far it comes. */
function order(name: string, minutes: number, last: 'intent' | 'SUPPRESSED' | 'FILLED' | 'trade' | 'outcome'): Step[] {
  const intent_id = `intent of ${name}` as IntentId;
  const client_order_id = clientOrderIdOf(intent_id);
  const trade_id = `trade of ${name}` as TradeId;
  const position_id = position(name);
  const status = last === 'SUPPRESSED' ? last : 'FILLED';
  const steps: Step[] = [
    (watch) => watch.intent({ ...INTENT, intent_id, position_id }, at(minutes)),
    (watch) => watch.report({ ...REPORT, intent_id, position_id, client_order_id, status }, at(minutes) + 10),
    (watch) => watch.trade({ ...TRADE, intent_id, position_id, client_order_id, trade_id }, at(minutes) + 10),
    (watch) => watch.outcome({ slices: [trade_id] }, at(minutes) + 20),
  ];
  return steps.slice(0, { intent: 1, SUPPRESSED: 2, FILLED: 2, trade: 3, outcome: 4 }[last]);
}

function told(steps: readonly (Step | readonly Step[])[], watch = started()): StallWatch {
  for (const step of steps.flat()) step(watch);
  return watch;
}

const every5 = (name: string, minutes: number, r: number, traits: Partial<PositionSnapshot> = {}): Step[] =>
  Array.from({ length: minutes / 5 + 1 }, (_, i) => snapshot(name, 5 * i, r, traits));

describe('winner_held and no_intents', () => {
  it.each([
    { held: HELD_MINUTES + 5, r: 2.1, traits: {}, raised: ['winner_held', 'no_intents'] },
    { held: HELD_MINUTES, r: 2.1, traits: {}, raised: [] },
    { held: HELD_MINUTES + 5, r: 2, traits: {}, raised: [] },
    { held: HELD_MINUTES + 5, r: 9, traits: { quantity: 1 }, raised: [] },
    { held: 10 * HELD_MINUTES, r: -3, traits: {}, raised: [] },
  ])('$held minutes at R $r $traits: $raised', ({ held, r, traits, raised }) => {
    expect(names(told(every5('A', held, r, traits)))).toEqual(raised);
  });

  it('an intent of another position speaks against no_intents only', () => {
    const watch = told([every5('A', 150, 3), order('B', 100, 'SUPPRESSED')]);
    expect(names(watch)).toEqual(['winner_held']);
  });

  it.each(['intent', 'trade'] as const)('an %s of it starts the time anew, whenever it is told', (what) => {
    const touch = order('A', 60, 'trade').slice(what === 'trade' ? 2 : 0, what === 'trade' ? 3 : 1);
    for (const steps of [
      [touch, every5('A', 180, 3)],
      [every5('A', 180, 3), touch],
    ])
      expect(names(told(steps))).not.toContain('winner_held');
    expect(names(told([touch, every5('A', 190, 3)]))).toContain('winner_held');
  });

  it('one look at R 2 or below starts the time anew', () => {
    const dip = [every5('A', 60, 3), snapshot('A', 61, 1.9)].flat();
    const after = (minutes: number) => Array.from({ length: minutes / 5 }, (_, i) => snapshot('A', 65 + 5 * i, 3));
    expect(names(told([dip, after(125)]))).toEqual([]);
    expect(names(told([dip, after(130)]))).toEqual(['winner_held', 'no_intents']);
  });

  it('W1: a batch that comes again changes nothing', () => {
    const again = [snapshot('A', -60, 1), snapshot('A', 0, 3)];
    expect(evidence(told([...every5('A', 150, 3), ...again]), 'winner_held')).toContain('for 2.5 h');
    expect(evidence(told([...again, ...every5('A', 150, 3), ...again]), 'winner_held')).toContain('for 2.5 h');
  });

  it('a position that is not observed any more is not open', () => {
    const gone = [...every5('A', 150, 3), snapshot('B', 150 + 60, 0)];
    expect(names(told(gone))).toEqual(['winner_held', 'no_intents']);
    expect(names(told([...gone, snapshot('B', 150 + 61, 0)]))).toEqual([]);
  });

  it('names five, the longest held first, and the command', () => {
    const watch = told(
      ['F', 'E', 'D', 'C', 'B', 'A'].flatMap((name, i) =>
        Array.from({ length: 40 - i }, (_, n) => snapshot(name, 5 * (n + i), 10 - i)),
      ),
    );
    expect(watch.alerts()[0]).toEqual({
      name: 'winner_held',
      since: START,
      evidence:
        '6 positions are held whole above R 2 without an intent: F at R 10.00 for 3.3 h, E at R 9.00 for 3.2 h, D at R 8.00 for ' +
        '3.1 h, C at R 7.00 for 3.0 h, B at R 6.00 for 2.9 h, …. Look closer: harvestline explain F',
    });
    expect(evidence(watch, 'no_intents')).toBe(
      'No intent for 3.3 h while 6 whole positions are open above R 2: there was none at all. ' +
        'Look closer: harvestline tail position.snapshot --from 2026-02-02T03:40:00.000Z --json',
    );
  });
});

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
    expect(names(told([order('A', 0, last), snapshot('B', after, 0)]))).toEqual(raised);
  });

  it('counts, names the oldest, and says where to look', () => {
    const watch = told([3, 1, 2, 4].map((minutes) => order(`P${minutes}`, minutes, 'intent')).flat());
    told([snapshot('B', 30, 0)], watch);
    expect(evidence(watch, 'intents_without_reports')).toBe(
      'execution reported nothing of 4 intents older than 5 min at 2026-02-02T04:10:00.000Z, the oldest: intent of P1, intent of P2, ' +
        'intent of P3, …. Look closer: harvestline tail harvest.intent --from 2026-02-02T03:41:00.000Z --json',
    );
  });

  it('a fill that was found without its order id is known by its intent', () => {
    const [, , trade] = order('A', 0, 'trade');
    const intent_id = 'intent of A' as IntentId;
    const nameless: Step = (watch) => watch.trade({ ...TRADE, intent_id, client_order_id: null }, at(0));
    expect(trade).toBeDefined();
    expect(names(told([order('A', 0, 'FILLED'), nameless, snapshot('B', 2, 0)]))).toEqual([]);
  });

  it('what was asked before it began to watch is not its concern; what is answered around that time is', () => {
    const watch = started(at(0));
    told([order('before', -1, 'intent'), order('around', 0, 'intent')], watch);
    watch.report({ ...REPORT, intent_id: 'intent of around' as IntentId, status: 'SUBMITTED' }, at(-1));
    expect(names(told([snapshot('B', 60, 0)], watch))).toEqual([]);
  });
});

describe('confidence_constant', () => {
  const confident = (count: number, symbols: number, value: (i: number) => number): Step[] =>
    Array.from({ length: count }, (_, i) => {
      const symbol = `S${i % symbols}`;
      return snapshot(symbol, Math.floor(i / symbols), 0, { symbol, confidence: value(i) });
    });

  it.each([
    { what: '20 of 3 symbols', steps: confident(20, 3, () => 0.7), raised: ['confidence_constant'] },
    { what: '19 of 3 symbols', steps: confident(19, 3, () => 0.7), raised: [] },
    { what: '20 of 2 symbols', steps: confident(20, 2, () => 0.7), raised: [] },
    { what: 'one that differs', steps: confident(30, 3, (i) => (i === 7 ? 0.71 : 0.7)), raised: [] },
    {
      what: 'one that differed an hour before',
      steps: [snapshot('S0', -60, 0, { confidence: 0.1 }), ...confident(60, 3, () => 0.7)],
      raised: ['confidence_constant'],
    },
    {
      what: 'K1: that one told late',
      steps: [...confident(60, 3, () => 0.7), snapshot('S0', -60, 0, { confidence: 0.1 })],
      raised: ['confidence_constant'],
    },
    { what: 'repeats', steps: [...confident(15, 3, () => 0.7), ...confident(15, 3, () => 0.7)], raised: [] },
    { what: 'none known', steps: every5('A', 200, 0), raised: [] },
  ])('$what: $raised', ({ steps, raised }) => {
    expect(names(told(steps))).toEqual(raised);
  });

  it('says the value', () => {
    expect(evidence(told(confident(21, 3, () => 0.7)), 'confidence_constant')).toContain(
      'All 21 confidences of 3 symbols are 0.7',
    );
  });
});

describe('any order', () => {
  const ends = ['intent', 'SUPPRESSED', 'FILLED', 'trade', 'outcome'] as const;
  /** Snapshots of each position in their order (W1), and orders; each is a lane, merged in any way. */
  const lanes = fc.tuple(
    fc.array(
      fc.array(fc.record({ r: fc.integer({ min: 0, max: 5 }), confidence: fc.constantFrom(null, 0.6, 0.7) }), {
        minLength: 1,
        maxLength: 12,
      }),
      { minLength: 1, maxLength: 4 },
    ),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.constantFrom(...ends)), { maxLength: 8 }),
  );

  it('S1: order of topics and repeats change no alert', () => {
    fc.assert(
      fc.property(lanes, fc.infiniteStream(fc.nat()), ([positions, orders], choices) => {
        const snapshots = positions.map((looks, p) =>
          looks.map(({ r, confidence }, i) => snapshot(`P${p}`, 30 * i, r, { confidence, symbol: `S${p}` })),
        );
        const single = orders.flatMap(([minutes, last], i) => order(`P${i % 4}`, minutes, last).map((step) => [step]));
        const straight = told([...snapshots.flat(), ...single.flat()]);
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

  it('S2: forgets what is older than 48 h, and still counts it', () => {
    const watch = told([order('old', 0, 'intent'), order('done', 0, 'outcome'), order('new', 48 * 60, 'intent')]);
    told([snapshot('B', 49 * 60, 0)], watch);
    const before = watch.size;
    watch.forget();
    expect(watch.size).toBeLessThan(before);
    expect(watch.size).toBe(2 + 1);
    expect(evidence(watch, 'intents_without_reports')).toContain('2 intents older than 5 min');
    // A batch that comes again after two days is no news.
    told(order('done', 0, 'intent'), watch);
    expect(evidence(watch, 'intents_without_reports')).toContain('2 intents older than 5 min');
    expect(HOUR_MS * 48).toBe(STALL_LIMITS.keptFor.value);
  });
});
