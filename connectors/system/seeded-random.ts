import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { Random, RandomStream } from '../../ports/random.ts';

/**
 * Random streams from a seed, each named by a key.
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

/** Marks above every character code (below 2^16), so that parts and types differ (SYS-5). */
const TEXT_MARK = 0x10001;
const NUMBER_MARK = 0x10002;

const DOUBLE = new Float64Array(1);
const HALVES = new Uint32Array(DOUBLE.buffer);

/** The hash of seed and key as the generator's 128 bits of state. Four lanes are mixed, each with its own odd constant. */
function stateOf(seed: number, key: readonly (string | number)[]): [number, number, number, number] {
  const lanes = new Lanes();
  lanes.addNumber(seed);
  for (const part of key) {
    if (typeof part === 'number') lanes.addNumber(part);
    else lanes.addText(part);
  }
  return lanes.finish();
}

class Lanes {
  #a = 0x3c6ef372;
  #b = 0xa54ff53a | 0;
  #c = 0x510e527f;
  #d = 0x1f83d9ab;

  /** -0 and 0 count as the same number. */
  addNumber(value: number): void {
    DOUBLE[0] = value === 0 ? 0 : value;
    this.#add(NUMBER_MARK);
    this.#add(HALVES[0] ?? 0);
    this.#add(HALVES[1] ?? 0);
  }

  addText(value: string): void {
    this.#add(TEXT_MARK);
    for (let index = 0; index < value.length; index++) this.#add(value.charCodeAt(index));
  }

  #add(word: number): void {
    const a = this.#a;
    this.#a = this.#b ^ Math.imul(a ^ word, 0x2545f491);
    this.#b = this.#c ^ Math.imul(this.#b ^ word, 0x9e3779b1);
    this.#c = this.#d ^ Math.imul(this.#c ^ word, 0x85ebca77);
    this.#d = a ^ Math.imul(this.#d ^ word, 0xc2b2ae3d);
  }

  finish(): [number, number, number, number] {
    // Carries every lane into every other one.
    for (let round = 0; round < 4; round++) this.#add(round);
    const state: [number, number, number, number] = [
      avalanche(this.#a),
      avalanche(this.#b ^ 1),
      avalanche(this.#c ^ 2),
      avalanche(this.#d ^ 3),
    ];
    // The generator never leaves the state of all zeros.
    if (state.every((word) => word === 0)) state[0] = 1;
    return state;
  }
}

/** MurmurHash3's 32-bit finaliser (Austin Appleby, public domain): every input bit flips each output bit half of the time. */
function avalanche(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
