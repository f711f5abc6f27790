import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as format from '../../../../connectors/http/page/format.js';
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline } from '../../../../connectors/http/page/sparkline.js';

/** Non-breaking spaces read as spaces here. */
function plain(text: string): string {
  return text.replaceAll('\u00A0', ' ');
}

describe('numbers for people', () => {
  it.each([
    [-5, '−5 ms'],
    [0, '0 s'],
    [340, '340 ms'],
    [7_000, '7 s'],
    [119_000, '119 s'],
    [12 * 60_000, '12 min'],
    [3.4 * 3_600_000, '3.4 h'],
    [5.25 * 24 * 3_600_000, '5.3 days'],
    [null, '–'],
  ])('a duration of %s ms is %s', (ms, text) => {
    expect(plain(format.duration(ms))).toBe(text);
  });

  it.each([
    [1.236, '+1.24'],
    [-0.5, '−0.50'],
    [-0.001, '0.00'],
    [0.004, '0.00'],
    [null, '–'],
    [NaN, '–'],
  ])('R %s is %s', (r, text) => {
    expect(format.signedR(r)).toBe(text);
  });

  it.each([
    [96_412.5, '96,412.5'],
    [2.314_56, '2.3146'],
    [0.019_34, '0.019340'],
    [0, '0.0000'],
    [null, '–'],
  ])('a price of %s is %s', (price, text) => {
    expect(format.price(price)).toBe(text);
  });

  it('no finite number is written with more than 17 characters of digits, nor as NaN', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
        for (const write of [format.signedR, format.price, format.measured, format.rate, format.basisPoints]) {
          expect(write(value)).not.toMatch(/NaN|e[+-]/);
          expect(write(value).replace(/\D/g, '').length).toBeLessThan(17);
        }
      }),
    );
  });

  it('counts, shares and decisions', () => {
    expect(format.count(1_204_331.4)).toBe('1,204,331');
    expect(plain(format.plural(1, 'alert'))).toBe('1 alert');
    expect(plain(format.plural(2_000, 'alert'))).toBe('2,000 alerts');
    expect(plain(format.percent(0.545))).toBe('55 %');
    expect(plain(format.basisPoints(-0.62))).toBe('−0.62 bps');
    expect(plain(format.decisionText('PARTIAL_CLOSE', 0.54))).toBe('Close 54 %');
    expect(format.decisionText('CLOSE', 1)).toBe('Close');
    expect(format.decisionText('HOLD', 0)).toBe('Hold');
  });

  it('times are UTC; a time that no date has is unknown', () => {
    expect(format.timeOf(Date.UTC(2026, 1, 7, 9, 8, 7))).toBe('09:08:07');
    expect(format.minuteOf(Date.UTC(2026, 1, 7, 9, 8))).toBe('2026-02-07 09:08');
    expect([format.timeOf(9e15), format.dateOf(null)]).toEqual(['–', '–']);
  });
});

describe('an argument of a command', () => {
  it('is one word for a shell, whatever it holds', () => {
    expect(format.argument('main:BTCUSDT:LONG:1770000000000')).toBe('main:BTCUSDT:LONG:1770000000000');
    expect(format.argument(`it's $HOME; rm *`)).toBe(String.raw`'it'\''s $HOME; rm *'`);
    expect(format.argument('')).toBe("''");
  });
});

describe('a sparkline', () => {
  it('stays inside its box, whatever the history', () => {
    const history = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 2, maxLength: 64 });
    fc.assert(
      fc.property(history, (values) => {
        const drawn = sparkline(values);
        const points = Array.from(drawn?.line.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g) ?? []);
        expect(points).toHaveLength(values.length);
        for (const [, x, y] of points) {
          expect(Number(x)).toBeGreaterThanOrEqual(0);
          expect(Number(x)).toBeLessThanOrEqual(SPARK_WIDTH);
          expect(Number(y)).toBeGreaterThanOrEqual(0);
          expect(Number(y)).toBeLessThanOrEqual(SPARK_HEIGHT);
        }
      }),
    );
  });

  it('is nothing for less than two values, and shows zero only where it is in sight', () => {
    expect(sparkline([1])).toBeNull();
    expect(sparkline([3, 4])?.zero).toBeNull();
    expect(sparkline([-1, 1])?.zero).toBe(SPARK_HEIGHT / 2);
  });
});
