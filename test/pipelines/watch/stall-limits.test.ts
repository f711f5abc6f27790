import { describe, expect, it } from 'vitest';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import {
  parseStallLimits,
  settingLines,
  DEFAULT_STALL_LIMITS,
  HOUR_MS,
  STALL_LIMITS,
} from '../../../pipelines/watch/stall-limits.ts';

function problems(value: unknown): readonly string[] {
  try {
    parseStallLimits(value, 'limits.json');
  } catch (thrown) {
    if (!(thrown instanceof HarvestlineError)) throw thrown;
    expect(thrown.code).toBe('STALL_LIMITS_INVALID');
    return thrown.problems.map(({ path, why }) => `${path}: ${why}`);
  }
  return [];
}

describe('a file of limits', () => {
  it('changes what it names, and leaves the rest', () => {
    expect(parseStallLimits({}, 'limits.json')).toEqual(DEFAULT_STALL_LIMITS);
    // A log is asked for whole milliseconds.
    expect(parseStallLimits({ held_for_minutes: 4000.0001 }, 'limits.json').keptFor % 1).toBe(0);
    expect(parseStallLimits({ held_for_minutes: 720, winner_above_r: 4.5, confidences: 40 }, 'limits.json')).toEqual({
      ...DEFAULT_STALL_LIMITS,
      heldFor: 12 * HOUR_MS,
      winnerAboveR: 4.5,
      confidences: 40,
    });
  });

  it('what is kept reaches further than the longest limit', () => {
    expect(parseStallLimits({ held_for_minutes: 60 * 40 }, 'limits.json').keptFor).toBe(80 * HOUR_MS);
  });

  it('names every failing path at once', () => {
    const wrong = { held_for_minutes: 0, winner_above_r: '4', confidences: 1.5, held_for: 3, kept_for_minutes: 9 };
    expect(problems(wrong).map((problem) => problem.split(':')[0])).toEqual([
      'winner_above_r',
      'held_for_minutes',
      'confidences',
      'held_for',
      'kept_for_minutes',
    ]);
    expect(problems([1])).toHaveLength(1);
    expect(problems({ held_for_minutes: 1e9 })).toHaveLength(1);
  });

  it('has a line of help for each that may be set', () => {
    const settings = Object.values(STALL_LIMITS).flatMap(({ setting }) => (setting === null ? [] : [setting]));
    expect(settingLines().map((line) => line.split(' ')[0])).toEqual(settings);
    expect(settingLines()[1]).toMatch(/^held_for_minutes +120 {2}some twenty/);
  });
});
