import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, nearest, nearestFirst } from '../../errors/nearest.ts';

const MARKETS = ['BTCUSDT', 'BTCUSDC', 'ETHUSDT', 'ETHUSDC', 'BNBUSDT', 'SOLUSDT', '1000PEPEUSDT', 'BTCUSDT_261225'];

describe('a name that does not exist', () => {
  it.each([
    ['btcusdt', ['BTCUSDT']],
    ['BTC/USDT', ['BTCUSDT']],
    ['BTCUSDTT', ['BTCUSDT']],
    ['ETHUDST', ['ETHUSDT']],
    ['PEPEUSDT', ['1000PEPEUSDT']],
    ['btc', ['BTCUSDC', 'BTCUSDT', 'BTCUSDT_261225']],
    ['DOGEEUR', []],
    ['', []],
    ['…', []],
  ])('%j is taken for %j', (name, expected) => {
    expect(nearest(name, MARKETS)).toEqual(expected);
  });

  it('is named with the nearest, which also come first in a list; names may come from an iterator', () => {
    const policies = new Map([
      ['legacy', 1],
      ['2026-02-07', 2],
    ]);
    expect(didYouMean('2026-2-7', policies.keys())).toBe('2026-2-7 (did you mean 2026-02-07?)');
    expect(didYouMean('mine.json', policies.keys())).toBe('mine.json');
    expect(nearestFirst('2026-02-08', policies.keys())).toEqual(['2026-02-07', 'legacy']);
  });

  it('finds a name whose one letter is wrong, whatever else is known', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Z]{6,10}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(names, fc.nat(), fc.nat(), (known, which, where) => {
        const meant = known[which % known.length] ?? '';
        const at = where % meant.length;
        // A digit is in none of them, so this is one slip from `meant` and no name itself.
        const wrong = `${meant.slice(0, at)}7${meant.slice(at + 1)}`;
        const found = nearest(wrong, known);
        expect(found.length === 3 || found.includes(meant)).toBe(true);
      }),
    );
  });
});
