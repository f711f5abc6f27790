import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRecordedTime, UTC, timeZoneOf } from '../../../pipelines/clm/recorded-time.ts';

const AT = Date.parse('2026-03-01T12:00:00Z');

function read(value: number | string, zone = UTC) {
  const time = parseRecordedTime(value, zone);
  return time.ok ? [time.at, time.form] : time.why;
}

describe('a number', () => {
  test.each([
    [AT / 1000, 'seconds'],
    [AT, 'milliseconds'],
    [AT * 1000, 'microseconds'],
    [AT * 1_000_000, 'nanoseconds'],
  ])('%d is in %s', (value, form) => {
    expect(read(value)).toEqual([AT, form]);
    expect(read(String(value))).toEqual([AT, form]);
  });

  test('SCH-26: every moment between 1973 and 2100 is recognised in every unit', () => {
    assert(
      property(integer({ min: 1e11, max: 4_102_444_799_000 }), (at) => {
        expect(read(at / 1000)).toEqual([at, 'seconds']);
        expect(read(at)).toEqual([at, 'milliseconds']);
        expect(read(at * 1000)).toEqual([at, 'microseconds']);
        expect(read(at * 1e6)).toEqual([at, 'nanoseconds']);
      }),
    );
  });

  test.each([0, 1, -AT, 9.9e7, 5e9, 5e12, 5e15, 5e18, 1e300])(
    'SCH-27: %d is a moment that no recorder has',
    (value) => {
      expect(read(value)).toEqual(expect.stringContaining('no recorder can have'));
    },
  );
});

describe('a text', () => {
  test.each([
    ['2026-06-31T08:00:00Z', '2026-06-31 is no day of the calendar'],
    ['2026-02-30', '2026-02-30 is no day of the calendar'],
    ['2023-02-29T00:00', '2023-02-29 is no day of the calendar'],
    ['1926-03-01T00:00Z', '1926-03-01T00:00Z is a moment that no recorder can have'],
    ['9999-03-01T00:00Z', '9999-03-01T00:00Z is a moment that no recorder can have'],
  ])('%s is refused by name', (text, why) => {
    expect(read(text)).toBe(why);
  });

  test.each(['noon', '', '03/01/2026', '+057978-01-01T00:00Z', '2026-03-01T25:00Z'])('%j is no time', (text) => {
    expect(read(text)).toEqual(expect.stringMatching(/^must be ISO 8601/));
  });

  test('that names no zone is of the zone given, in summer and in winter', () => {
    const berlin = timeZoneOf('Europe/Berlin');
    expect(read('2026-01-15 12:00', berlin)).toEqual([Date.parse('2026-01-15T11:00Z'), 'iso_without_zone']);
    expect(read('2026-07-15T12:00:00.5', berlin)).toEqual([Date.parse('2026-07-15T10:00:00.500Z'), 'iso_without_zone']);
    expect(read('2026-07-15T12:00:00Z', berlin)).toEqual([Date.parse('2026-07-15T12:00:00Z'), 'iso']);
    expect(read('2026-07-15T12:00:00-0300', berlin)).toEqual([Date.parse('2026-07-15T15:00:00Z'), 'iso']);
    expect(read('2026-07-15T12:00', timeZoneOf('+05:30'))).toEqual([
      Date.parse('2026-07-15T06:30Z'),
      'iso_without_zone',
    ]);
  });

  test('at which clocks were changed: an hour that was skipped is none, of one that came twice it is the first', () => {
    const newYork = timeZoneOf('America/New_York');
    expect(read('2026-03-08T02:30', newYork)).toBe(
      '2026-03-08T02:30 is no time in America/New_York: clocks went forward over it',
    );
    expect(parseRecordedTime('2026-11-01T01:30', newYork)).toEqual({
      ok: true,
      at: Date.parse('2026-11-01T05:30Z'),
      form: 'iso_without_zone',
      ambiguous: true,
    });
  });

  test('every moment is found again by what the clocks of a zone show then', () => {
    const zones = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'].map(timeZoneOf);
    assert(
      property(
        constantFrom(...zones),
        integer({ min: Date.parse('2015-01-01'), max: Date.parse('2030-01-01') }),
        (zone, at) => {
          const shown = new Date(at + zone.offsetAt(at)).toISOString().slice(0, -1);
          const time = parseRecordedTime(shown, zone);
          if (!time.ok) throw new Error(time.why);
          if (!time.ambiguous) expect(time.at).toBe(at);
          else expect(at - time.at).toBeLessThanOrEqual(3_600_000);
        },
      ),
    );
  });
});
