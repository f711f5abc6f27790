import { describe, expect, it } from 'vitest';
import { dateOf, durationText, durationWords, sinceText, spanOf, timeOf } from '../../render/event-time.ts';

const AT = Date.UTC(2026, 1, 7, 23, 59, 58, 900);

describe('short times', () => {
  it('a date and a time of day; what no date can name is the bare number', () => {
    expect([dateOf(AT), timeOf(AT)]).toEqual(['2026-02-07', '23:59:58']);
    expect([dateOf(9e15), timeOf(9e15)]).toEqual(['', '9000000000000000']);
  });

  it('a span: one time, two, or two dates', () => {
    expect(spanOf(AT, AT + 50)).toBe('23:59:58');
    expect(spanOf(AT - 60_000, AT)).toBe('23:58:58–23:59:58');
    expect(spanOf(AT, AT + 60_000)).toBe('23:59:58–2026-02-08 00:00:58');
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [4200, '4.2 s'],
    [60_000, '1.0 min'],
    [335 * 60_000, '5.6 h'],
    [96 * 3_600_000, '4.0 days'],
  ])('%i ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
    expect(sinceText(ms)).toBe(`+${text}`);
  });

  it.each([
    [350, '350 ms'],
    [7000, '7 s'],
    [300_000, '5 min'],
    [3_600_000, '1 h'],
    [6 * 3_600_000 + 36_000, '6 h 36 s'],
    [211 * 60_000 + 12_000, '3 h 31 min'],
    [27 * 3_600_000, '1 day 3 h'],
  ])('%i ms in two units at most is %s', (ms, text) => {
    expect(durationWords(ms)).toBe(text);
  });

  it('never a negative time', () => {
    expect(sinceText(-350)).toBe('(dated 350 ms earlier)');
  });
});
