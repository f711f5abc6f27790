import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { RandomStream } from '../../../ports/random.ts';

/** The share of values within one standard deviation. */
const within = (values: readonly number[]) => values.filter((value) => Math.abs(value) < 1).length / values.length;

/** The next 256 bits of a stream, as far as whole numbers show them. */
const words = (stream: RandomStream) => Array.from({ length: 8 }, () => stream.integer(-(2 ** 31), 2 ** 31 - 1));

const ones = (word: number) => (word >>> 0).toString(2).replaceAll('0', '').length;

const draw = (stream: RandomStream) => [
  stream.uniform(),
  stream.normal(),
  stream.integer(0, 1_000_000),
  stream.normal(),
];

const key = fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.integer(), fc.double({ noNaN: true })), { maxLength: 4 });

describe('SeededRandom', () => {
  test('SYS-4: a stream is the same whatever was drawn before from other streams', () => {
    fc.assert(
      fc.property(fc.integer(), key, key, (seed, mine, other) => {
        const fresh = draw(new SeededRandom(seed).stream(...mine));
        const random = new SeededRandom(seed);
        draw(random.stream(...other));
        expect(draw(random.stream(...mine))).toEqual(fresh);
      }),
      { numRuns: 200 },
    );
  });

  test('SYS-5: different seeds, parts and types name different streams', () => {
    const random = new SeededRandom(1);
    const first = [
      random.stream(),
      random.stream(''),
      random.stream('', ''),
      random.stream('a', 'b'),
      random.stream('ab'),
      random.stream('a', 1),
      random.stream('a', '1'),
      random.stream('a', 2 ** 32 + 1),
      random.stream('a', 1.5),
      random.stream(1, 'a'),
      new SeededRandom(2).stream('a', 1),
      new SeededRandom(1 + 2 ** 32).stream('a', 1),
    ].map((stream) => stream.uniform());
    expect(new Set(first).size).toBe(first.length);
  });

  test('SYS-4: as many seeds, as many streams, however long the key', () => {
    const seeds = Array.from({ length: 4000 }, (_, index) => index);
    for (const length of [4, 40, 400]) {
      const starts = seeds.map((seed) => new SeededRandom(seed).stream('x'.repeat(length), 'y').uniform());
      expect(new Set(starts).size).toBe(seeds.length);
    }
  });

  test('SYS-4: one bit of seed or key flips half of the bits of what is drawn', () => {
    // A number's bits are those of the whole number, a character's the seven of ASCII.
    const text = 'funding of BTCUSDT at 2026-01-05T00:00:00.000Z';
    const other = (place: number, bit: number) =>
      text.slice(0, place) + String.fromCharCode(text.charCodeAt(place) ^ (1 << bit)) + text.slice(place + 1);
    const changes = [
      ...Array.from({ length: 31 }, (_, bit) => new SeededRandom(21 ^ (1 << bit)).stream('walk', text, 7)),
      ...Array.from({ length: 31 }, (_, bit) => new SeededRandom(21).stream('walk', text, 7 ^ (1 << bit))),
      ...Array.from({ length: text.length * 7 }, (_, index) =>
        new SeededRandom(21).stream('walk', other(Math.floor(index / 7), index % 7), 7),
      ),
    ];
    const base = words(new SeededRandom(21).stream('walk', text, 7));
    const flipped = changes.map((stream) =>
      words(stream).reduce((sum, word, at) => sum + ones(word ^ (base[at] ?? 0)), 0),
    );
    const bits = base.length * 32;
    // Six standard deviations of a fair coin, of one change and of the sum of all.
    for (const count of flipped) expect(Math.abs(count - bits / 2)).toBeLessThan(6 * Math.sqrt(bits / 4));
    const all = flipped.reduce((sum, count) => sum + count, 0);
    const drawn = bits * flipped.length;
    expect(Math.abs(all - drawn / 2)).toBeLessThan(6 * Math.sqrt(drawn / 4));
  });

  test('the first number of a stream is uniform over seeds and over keys, by chi-square', () => {
    const count = 20_000;
    const firsts = {
      seeds: Array.from({ length: count }, (_, seed) =>
        new SeededRandom(seed).stream('is on', 'LOG_UNAVAILABLE').uniform(),
      ),
      'long keys': Array.from({ length: count }, (_, index) =>
        new SeededRandom(7).stream('walk', 'x'.repeat(40), index).uniform(),
      ),
      'texts that end alike': Array.from({ length: count }, (_, index) =>
        new SeededRandom(7).stream(`${index} of a long story about a position`).uniform(),
      ),
    };
    const cells = 100;
    const square = (draws: readonly number[]) => {
      const counts = Array.from({ length: cells }, () => 0);
      for (const drawn of draws) counts[Math.floor(drawn * cells)] = (counts[Math.floor(drawn * cells)] ?? 0) + 1;
      return counts.reduce((sum, seen) => sum + (seen - count / cells) ** 2 / (count / cells), 0);
    };
    // 99 degrees of freedom: mean 99, standard deviation 14; both bounds are five of those away.
    for (const [name, draws] of Object.entries(firsts)) {
      expect(square(draws), name).toBeGreaterThan(29);
      expect(square(draws), name).toBeLessThan(169);
    }
  });

  test('streams of neighbouring seeds and of like keys are uncorrelated', () => {
    const count = 20_000;
    const streams = [
      new SeededRandom(8).stream('price', 'BTCUSDT'),
      new SeededRandom(9).stream('price', 'BTCUSDT'),
      new SeededRandom(8).stream('price', 'ETHUSDT'),
      new SeededRandom(8).stream('price', 'BTCUSDT', 0),
    ].map((stream) => Array.from({ length: count }, () => stream.normal()));
    for (const [at, one] of streams.entries())
      for (const other of streams.slice(at + 1)) {
        const correlation = one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0) / count;
        expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(count));
      }
  });

  test('neighbouring keys give independent numbers: mean, spread and correlation are those of chance', () => {
    const random = new SeededRandom(7);
    const count = 20_000;
    // Five standard errors: a fair generator fails for one seed in a million, and this seed is fixed.
    const margin = 5 / Math.sqrt(count);
    const normals = Array.from({ length: count }, (_, index) => random.stream('cycle', index).normal());
    const mean = normals.reduce((sum, value) => sum + value, 0) / count;
    const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    const lagged = normals.reduce((sum, value, index) => sum + value * (normals[index - 1] ?? 0), 0) / count;
    expect(Math.abs(mean)).toBeLessThan(margin);
    expect(Math.abs(variance - 1)).toBeLessThan(2 * margin);
    expect(Math.abs(lagged)).toBeLessThan(margin);
  });

  test('the second normal of a pair is as normal as the first', () => {
    const stream = new SeededRandom(3).stream('pairs');
    const pairs = Array.from({ length: 20_000 }, () => [stream.normal(), stream.normal()] as const);
    // Within one standard deviation: 0.6827.
    expect(within(pairs.map(([first]) => first))).toBeCloseTo(0.683, 1);
    expect(within(pairs.map(([, second]) => second))).toBeCloseTo(0.683, 1);
    expect(Math.abs(pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length)).toBeLessThan(0.04);
  });

  test('whole numbers include both ends', () => {
    const stream = new SeededRandom(5).stream('dice');
    expect(new Set(Array.from({ length: 200 }, () => stream.integer(1, 6))).size).toBe(6);
  });
});
