import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentTimes, ShadowBoard } from '../../../pipelines/scoring/shadow-board.ts';
import type { ShadowAction, ShadowDecision } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';

const MINUTE_MS = 60_000;
const NOON = 1_770_033_600_000;
const FRACTIONS: Readonly<Record<ShadowAction, number>> = { HOLD: 0, PARTIAL_CLOSE: 0.5, CLOSE: 1 };

interface Traits {
  readonly current: ShadowAction;
  readonly action: ShadowAction;
  /** Minutes before noon. */
  readonly ago?: number;
  readonly offset: number;
}

function decision(
  { current, action, ago = 0, offset }: Traits,
  overrides: Partial<ShadowDecision> = {},
): ShadowDecision {
  return {
    ...GOOD_RECORDS[TOPICS.shadowDecision.name],
    observed_at: NOON - ago * MINUTE_MS,
    action,
    fraction: FRACTIONS[action],
    current_action: current,
    current_fraction: FRACTIONS[current],
    input: { topic: TOPICS.positionSnapshot.name, partition: 3, offset },
    ...overrides,
  };
}

function boardOf(records: readonly ShadowDecision[]): ShadowBoard {
  const board = new ShadowBoard();
  for (const record of records) board.add(record, record.input.partition);
  return board;
}

describe('the scoreboard', () => {
  it('counts agreement, sizes and flips, and shows the newest flips first', () => {
    const board = boardOf([
      decision({ current: 'CLOSE', action: 'HOLD', ago: 24 * 60, offset: 0 }),
      decision({ current: 'CLOSE', action: 'HOLD', ago: 24 * 60 - 1, offset: 1 }),
      decision({ current: 'HOLD', action: 'CLOSE', ago: 61, offset: 2 }),
      decision({ current: 'HOLD', action: 'CLOSE', ago: 60, offset: 3 }),
      decision({ current: 'PARTIAL_CLOSE', action: 'CLOSE', ago: 59, offset: 4 }),
      decision({ current: 'PARTIAL_CLOSE', action: 'HOLD', ago: 5, offset: 5 }),
      decision({ current: 'PARTIAL_CLOSE', action: 'PARTIAL_CLOSE', ago: 4, offset: 6 }),
      decision({ current: 'PARTIAL_CLOSE', action: 'PARTIAL_CLOSE', ago: 3, offset: 7 }, { fraction: 0.4 }),
      decision({ current: 'CLOSE', action: 'CLOSE', offset: 8 }),
    ]);
    expect(board.asOf).toBe(NOON);
    const [score] = board.scores();
    expect(score).toMatchObject({
      policy: 'candidate-1',
      against: '2026-02-07',
      decisions: 9,
      agreed: 2,
      resized: 1,
      flips: 6,
      matrix: {
        HOLD: { HOLD: 0, PARTIAL_CLOSE: 0, CLOSE: 2 },
        PARTIAL_CLOSE: { HOLD: 1, PARTIAL_CLOSE: 2, CLOSE: 1 },
        CLOSE: { HOLD: 2, PARTIAL_CLOSE: 0, CLOSE: 1 },
      },
      flips_last_hour: 2,
      flips_last_day: 5,
    });
    expect(score?.latest_flips.map(({ input }) => input.offset)).toEqual([5, 4, 3, 2, 1]);
  });

  it('SCO-25: the last hour ends at the newest decision of all candidates', () => {
    const board = boardOf([
      decision({ current: 'HOLD', action: 'CLOSE', ago: 90, offset: 0 }),
      decision({ current: 'CLOSE', action: 'CLOSE', offset: 1 }, { policy: 'candidate-2' }),
    ]);
    expect(board.scores().map(({ policy, flips_last_hour }) => [policy, flips_last_hour])).toEqual([
      ['candidate-1', 0],
      ['candidate-2', 0],
    ]);
  });

  it('SCO-26: another policy in force is another score', () => {
    const board = boardOf([
      decision({ current: 'HOLD', action: 'CLOSE', offset: 0 }),
      decision({ current: 'HOLD', action: 'CLOSE', offset: 1 }, { against: 'legacy' }),
    ]);
    expect(board.scores().map(({ against, decisions }) => [against, decisions])).toEqual([
      ['2026-02-07', 1],
      ['legacy', 1],
    ]);
  });

  it('is empty without records', () => {
    expect(boardOf([]).asOf).toBeNull();
    expect(boardOf([]).scores()).toEqual([]);
  });
});

describe('properties of every topic', () => {
  const action = fc.constantFrom('HOLD', 'PARTIAL_CLOSE', 'CLOSE');
  const topic = fc
    .array(
      fc.record({
        current: action,
        action,
        ago: fc.nat(3000),
        partition: fc.nat(1),
        policy: fc.constantFrom('a', 'b'),
      }),
      { maxLength: 60 },
    )
    .map((all) =>
      all.map(({ partition, policy, ...traits }, offset) => {
        const record = decision({ ...traits, offset }, { policy });
        return { ...record, input: { ...record.input, partition } };
      }),
    );

  it('SCO-23: the counts sum to the decisions', () => {
    fc.assert(
      fc.property(topic, (records) => {
        for (const { policy, decisions, agreed, resized, flips, matrix, ...score } of boardOf(records).scores()) {
          const mine = records.filter((record) => record.policy === policy);
          const flipped = mine.filter((record) => record.action !== record.current_action);
          const asOf = Math.max(...records.map(({ observed_at }) => observed_at));
          const within = (minutes: number): number =>
            flipped.filter(({ observed_at }) => observed_at > asOf - minutes * MINUTE_MS).length;
          expect(decisions).toBe(mine.length);
          expect(agreed + resized + flips).toBe(decisions);
          expect(flips).toBe(flipped.length);
          const cells = Object.values(matrix).flatMap((row) => Object.values(row));
          expect(cells.reduce((sum, count) => sum + count, 0)).toBe(decisions);
          expect([score.flips_last_hour, score.flips_last_day]).toEqual([within(60), within(24 * 60)]);
        }
      }),
    );
  });

  it('SCO-24: a repeated stretch counts once', () => {
    fc.assert(
      fc.property(topic, fc.nat(), fc.nat(), (records, a, b) => {
        const end = records.length === 0 ? 0 : a % (records.length + 1);
        const begin = end === 0 ? 0 : b % end;
        const repeated = [...records.slice(0, end), ...records.slice(begin, end), ...records.slice(end)];
        expect(boardOf(repeated).scores()).toEqual(boardOf(records).scores());
      }),
    );
  });

  it('SCO-27: partitions may be read one after the other or in turn', () => {
    fc.assert(
      fc.property(topic, (records) => {
        // Several flips of one moment, as a desk has them that observes all its positions at once.
        const atOnce = records.map((record) => ({ ...record, observed_at: NOON }));
        const inTurn = boardOf(atOnce);
        const oneByOne = boardOf(atOnce.toSorted((a, b) => b.input.partition - a.input.partition));
        expect(oneByOne.scores()).toEqual(inTurn.scores());
        expect(oneByOne.asOf).toBe(inTurn.asOf);
      }),
    );
  });
});

it('times beyond the span are dropped, and those within it are kept', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { minLength: 3000, maxLength: 5000 }), fc.nat(50_000), (times, back) => {
      const recent = new RecentTimes(50_000);
      for (const time of times) recent.add(time);
      const from = Math.max(...times) - back;
      expect(recent.countAfter(from)).toBe(times.filter((time) => time > from).length);
    }),
    { numRuns: 20 },
  );
  const recent = new RecentTimes(10);
  for (let time = 0; time < 100_000; time += 1) recent.add(time);
  expect(recent.held).toBeLessThan(2000);
});
