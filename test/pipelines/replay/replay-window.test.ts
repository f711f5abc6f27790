import { afterEach, describe, expect, it, vi } from 'vitest';
import { fixWindow, parseWindow } from '../../../pipelines/replay/replay-window.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';
import { memorySession } from '../../fixtures/memory-log.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('parseWindow', () => {
  it.each([
    [undefined, undefined, { from: null, to: null }],
    ['beginning', undefined, { from: null, to: null }],
    ['2026-02-01', '2026-02-02T00:00:00Z', { from: 1_769_904_000_000, to: 1_769_990_400_000 }],
    ['2026-02-01T12:00', '2026-02-01T16:00+02:00', { from: 1_769_947_200_000, to: 1_769_954_400_000 }],
    ['1769904000000', '1769904000001', { from: 1_769_904_000_000, to: 1_769_904_000_001 }],
  ])('takes --from %s --to %s', (from, to, window) => {
    expect(parseWindow(from, to)).toEqual(window);
  });

  it('means UTC by a time without a zone, wherever the machine is', () => {
    vi.stubEnv('TZ', 'America/New_York');
    expect(new Date('2026-02-01T12:00').getTimezoneOffset()).not.toBe(0);
    expect(parseWindow('2026-02-01T12:00', undefined)).toEqual(parseWindow('2026-02-01T12:00Z', undefined));
  });

  it.each([
    ['yesterday', undefined, /--from yesterday: must be beginning, epoch/],
    ['2026', undefined, /--from 2026: .* such as/],
    ['latest', undefined, /--from latest/],
    [undefined, 'beginning', /--to beginning: must be epoch/],
    ['2026-02-32', undefined, /--from 2026-02-32/],
    ['2026-02-02', '2026-02-02', /must be before/],
  ])('refuses --from %s --to %s', (from, to, why) => {
    expect(() => parseWindow(from, to)).toThrow(why);
  });
});

describe('fixWindow', () => {
  it('takes the records from the first moment on and before the second', async () => {
    const world = await memorySession();
    for (let time = 0; time < 10; time++) await world.write(TOPICS.positionSnapshot, aSnapshot(), time, 1);
    const ranges = await fixWindow(world.log, TOPICS.positionSnapshot.name, { from: 3, to: 7 });
    expect(ranges[1]).toEqual({ partition: 1, begin: 3, end: 7 });
    expect(ranges[0]).toEqual({ partition: 0, begin: 0, end: 0 });
    const later = await fixWindow(world.log, TOPICS.positionSnapshot.name, { from: 99, to: null });
    expect(later[1]).toEqual({ partition: 1, begin: 10, end: 10 });
  });
});
