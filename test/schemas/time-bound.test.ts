import { describe, expect, it } from 'vitest';
import { AHEAD_MS, TIMED_TOPICS, knownSince, refuseTimesAhead, timesAhead } from '../../schemas/time-bound.ts';
import { loadSchema, TOPICS } from '../../schemas/topics.ts';
import { GOOD_RECORDS } from '../fixtures/good-records.ts';

const SNAPSHOT = TOPICS.positionSnapshot.name;
const AT = 1_900_000_000_000;
const snapshot = { ...GOOD_RECORDS[SNAPSHOT], observed_at: AT, opened_at: AT - 1000 };

describe('SCH-23: a time ahead', () => {
  it.each([
    ["of the record's timestamp", { observed_at: AT + AHEAD_MS + 1 }, AT, null, ['observed_at']],
    ['of it, within the bound', { observed_at: AT + AHEAD_MS }, AT, AT, []],
    ['of the clock, though the record is dated with it', {}, AT, AT - AHEAD_MS - 1, ['(timestamp)', 'observed_at']],
    ['of nothing: there is no clock', {}, AT, null, []],
    ['of the timestamp alone: a late record is no fault', {}, AT + 3_600_000, AT + 7_200_000, []],
    ['both times', { observed_at: AT + 8e6, opened_at: AT + 7e6 }, AT, AT, ['observed_at', 'opened_at']],
  ])('%s', (_, traits, timestamp, now, paths) => {
    expect(timesAhead(SNAPSHOT, { ...snapshot, ...traits }, timestamp, now).map(({ path }) => path)).toEqual(paths);
  });

  it('is poison with its own code, and names every path with the figures', () => {
    expect(() => refuseTimesAhead(SNAPSHOT, { ...snapshot, observed_at: AT + 3_600_000 }, AT, AT)).toThrow(
      expect.objectContaining({
        code: 'TIMESTAMP_AHEAD',
        kind: 'poison',
        problems: [
          {
            path: 'observed_at',
            why: `${AT + 3_600_000} is 3600000 ms ahead of the record's timestamp ${AT}, at most 60000 ms can be`,
          },
        ],
      }),
    );
  });

  it('counts in nested records', () => {
    const topic = TOPICS.positionReconciled.name;
    const reconciled = GOOD_RECORDS[topic];
    const [reduction] = reconciled.reductions;
    if (reduction === undefined) throw new Error('no reduction');
    const { reconciled_at: at } = reconciled;
    const late = { ...reconciled, reductions: [reduction, { ...reduction, closed_at: at + AHEAD_MS + 1 }] };
    expect(timesAhead(topic, late, at, null)).toMatchObject([{ path: 'reductions[1].closed_at' }]);
  });
});

it('SCH-25: every topic whose records are observed, opened or closed at some time is held to it, but for state that is read back', () => {
  const timed = Object.values(TOPICS)
    .filter((topic) => /"(?:observed|opened|closed)_at"/.test(JSON.stringify(loadSchema(topic))))
    .map(({ name }) => name);
  // The outcomes are CLM's own; the two of scoring say what a snapshot said, and are decided by nowhere.
  const state = new Set<string>([TOPICS.clmOutcome.name, TOPICS.policyApplied.name, TOPICS.shadowDecision.name]);
  for (const name of timed) expect([name, TIMED_TOPICS.includes(name) || state.has(name)]).toEqual([name, true]);
});

it('SCH-24: what is within the bound is as old as the earlier of its two times says', () => {
  expect(knownSince(AT + 50_000, AT)).toBe(AT);
  expect(knownSince(AT - 50_000, AT)).toBe(AT - 50_000);
});
