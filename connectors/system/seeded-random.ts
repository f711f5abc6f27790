import { hash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { Random, RandomStream } from '../../ports/random.ts';

/**
 * Random streams from a seed, each named by a key: xoroshiro128+ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * which starts where the hash of seed and key says.
 *
 * SYS-4  A stream depends on the seed and its key alone, not on the order of calls or on what other streams have drawn.
 * SYS-5  Keys differ by part and by type: ('a', 'b'), ('ab'), ('a', 1) and ('a', '1') name different streams.
 */
export class SeededRandom implements Random {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  stream(...key: readonly (string | number)[]): RandomStream {
    return new Stream(xoroshiro128plusFromState(stateOf(this.#seed, key)));
  }
}

class Stream implements RandomStream {
  readonly #generator: RandomGenerator;
  /** The second number of a Box-Muller pair, until it is used. */
  #spare: number | null = null;

  constructor(generator: RandomGenerator) {
    this.#generator = generator;
  }

  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  integer(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  /** Box and Muller, "A note on the generation of random normal deviates" (1958). */
  normal(): number {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    // 1 - uniform is never 0, whose logarithm is infinite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(this.#generator)));
    const angle = 2 * Math.PI * uniformFloat64(this.#generator);
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/**
 * The hash of seed and key as the generator's 128 bits of state: the first half of SHA-256 (FIPS 180-4), whose bits are as good as independent of each
 * other however alike two keys are. All zeros, the one state that the generator never leaves, are as good as impossible. Some 2 microseconds.
 */
function stateOf(seed: number, key: readonly (string | number)[]): [number, number, number, number] {
  // Quoted texts and bare numbers cannot be taken for each other, nor a comma in a text for the one between two parts (SYS-5). -0 is written as 0.
  let named = String(seed);
  for (const part of key) named += typeof part === 'number' ? `,${part}` : `,${JSON.stringify(part)}`;
  const digest = hash('sha256', named, 'buffer');
  return [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)];
}
