import type { RandomStream } from '../../ports/random.ts';
import { type AvroPrimitive, type AvroSchema, isUnion } from '../../schemas/avro-schema.ts';

/** Names that come again and again, as accounts and symbols do. */
const NAMES =
  'main desk-1 BTCUSDT ETHUSDT paper ensemble-7 a ab abc abcd main:BTCUSDT:LONG:1 main:ETHUSDT:LONG:1'.split(' ');

/** At the edges of what UTF-8 and a length can be. */
const TEXTS = ['', 'é', '値段', '🙂', 'a\u0000b', '\ufeffmark', 'ü'.repeat(32), '🙂'.repeat(128), 'é'.repeat(300)];
const LENGTHS = [9, 10, 63, 64, 65, 256, 257];
const ALL_TEXTS: readonly string[] = [...NAMES, ...TEXTS, ...LENGTHS.map((length) => 'x'.repeat(length))];

/** A lone byte, an over-long form, a surrogate, a cut sequence, what is above U+10FFFF. */
const BAD_UTF8: readonly (readonly number[])[] = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xe2, 0x82],
  [0xf4, 0x90, 0x80, 0x80],
];

const DOUBLES = [0, -0, 1, -1, 0.5, 1e-320, 1e308, NaN, Infinity, -Infinity, 2 ** 53, 107.25] as const;
const LONGS = [
  0,
  -1,
  1,
  63,
  64,
  -64,
  -65,
  2 ** 27,
  2 ** 28,
  2 ** 30,
  -(2 ** 30),
  2 ** 31,
  -(2 ** 31) - 1,
  1_767_327_000_000,
] as const;
const GREAT_LONGS = [2 ** 52, -(2 ** 52), 2 ** 53 - 2, 2 ** 53 - 1, -(2 ** 53) + 2] as const;

/**
 * The bytes of records: some as every writer writes them, some in forms that Avro allows and few write, some that are wrong. What is
 * written follows the schema and a good record, so that most of what is wrong is in one place only.
 */
export class OddBytes {
  readonly #random: RandomStream;
  #bytes: number[] = [];
  /** How often a place is changed for another good value, and how often it is written in an odd or wrong way. Unit: probability. */
  #change = 0;
  #odd = 0;

  constructor(random: RandomStream) {
    this.#random = random;
  }

  next(schema: AvroSchema, good: unknown): Buffer {
    this.#bytes = [];
    this.#change = this.#pick([0, 0.05, 0.3]);
    this.#odd = this.#pick([0, 0, 0.02, 0.2]);
    this.#value(schema, good);
    return this.#damaged(Buffer.from(this.#bytes));
  }

  #damaged(bytes: Buffer): Buffer {
    if (!this.#chance(this.#odd)) return bytes;
    const at = this.#random.integer(0, Math.max(0, bytes.length - 1));
    switch (this.#random.integer(0, 3)) {
      case 0:
        return bytes.subarray(0, at);
      case 1:
        return Buffer.concat([bytes, Buffer.alloc(this.#random.integer(1, 9), this.#byte())]);
      case 2:
        return Buffer.from(Array.from({ length: this.#random.integer(0, 60) }, () => this.#byte()));
      default:
        if (bytes.length > 0) bytes[at] = this.#byte();
        return bytes;
    }
  }

  #value(schema: AvroSchema, good: unknown): void {
    if (isUnion(schema)) {
      const inner = schema.find((branch) => branch !== 'null') ?? 'null';
      const isNull = this.#chance(this.#change) ? this.#chance(0.5) : good === null || good === undefined;
      const index = schema.findIndex((branch) => (branch === 'null') === isNull);
      this.#whole(this.#chance(this.#odd) ? this.#pick([0, 1, 2, -1, 1000]) : index);
      if (!isNull) this.#value(inner, good ?? undefined);
      return;
    }
    if (typeof schema === 'string') return this.#scalar(schema, good);
    switch (schema.type) {
      case 'record': {
        const record = (typeof good === 'object' && good !== null ? good : {}) as Readonly<Record<string, unknown>>;
        for (const field of schema.fields) this.#value(field.type, record[field.name]);
        return;
      }
      case 'enum': {
        const known = schema.symbols.indexOf(String(good));
        const any = this.#random.integer(0, schema.symbols.length - 1);
        this.#whole(
          this.#chance(this.#odd)
            ? any + this.#pick([-1, 1, 300])
            : known === -1 || this.#chance(this.#change)
              ? any
              : known,
        );
        return;
      }
      case 'array': {
        let items: readonly unknown[] = Array.isArray(good) ? good : [undefined];
        if (this.#chance(this.#change)) items = Array.from({ length: this.#random.integer(0, 20) }, () => items[0]);
        this.#blocks(schema.items, items);
        return;
      }
      default:
        this.#scalar(schema.type, good);
    }
  }

  #blocks(schema: AvroSchema, items: readonly unknown[]): void {
    let rest = items;
    while (rest.length > 0) {
      const count = this.#chance(this.#odd) ? this.#random.integer(1, rest.length) : rest.length;
      if (this.#chance(this.#odd)) {
        // With the block's size, by which a reader that does not want it could go past.
        const before = this.#bytes;
        this.#bytes = [];
        for (const item of rest.slice(0, count)) this.#value(schema, item);
        const block = this.#bytes;
        this.#bytes = before;
        this.#whole(-count);
        this.#whole(this.#chance(this.#odd) ? -5 : block.length);
        this.#bytes.push(...block);
      } else {
        this.#whole(this.#chance(this.#odd) ? this.#pick([count + 1, 2 ** 30, -(2 ** 40)]) : count);
        for (const item of rest.slice(0, count)) this.#value(schema, item);
      }
      rest = rest.slice(count);
    }
    this.#whole(0);
  }

  #scalar(type: AvroPrimitive, good: unknown): void {
    switch (type) {
      case 'null':
        return;
      case 'boolean':
        this.#bytes.push(this.#chance(this.#odd) ? this.#byte() : Number(this.#chance(this.#change) || good === true));
        return;
      case 'int':
      case 'long':
        this.#whole(
          typeof good === 'number' && !this.#chance(this.#change) ? good : this.#pick([...LONGS, this.#byte()]),
        );
        return;
      case 'float':
      case 'double': {
        const size = type === 'float' ? 4 : 8;
        const bytes = Buffer.alloc(size);
        const value = typeof good === 'number' && !this.#chance(this.#change) ? good : this.#random.normal() * 100;
        const written = this.#chance(this.#odd) ? this.#pick(DOUBLES) : value;
        if (type === 'float') bytes.writeFloatLE(written);
        else bytes.writeDoubleLE(written);
        this.#bytes.push(...bytes);
        return;
      }
      default:
        this.#text(typeof good === 'string' && !this.#chance(this.#change) ? good : this.#pick(ALL_TEXTS));
    }
  }

  #text(text: string): void {
    const bytes = [...Buffer.from(text), ...(this.#chance(this.#odd) ? this.#pick(BAD_UTF8) : [])];
    this.#whole(this.#chance(this.#odd) ? this.#pick([-1, bytes.length + 1, 2 ** 29, 2 ** 45]) : bytes.length);
    this.#bytes.push(...bytes);
  }

  /** In zigzag form; sometimes another number than it should be, sometimes with bytes that say nothing. */
  #whole(value: number): void {
    const written = this.#chance(this.#odd) ? this.#pick([value, value, ...GREAT_LONGS]) : value;
    let rest = BigInt.asUintN(64, (BigInt(written) << 1n) ^ (BigInt(written) >> 63n));
    for (; rest > 127n; rest >>= 7n) this.#bytes.push(Number(rest & 127n) | 128);
    const idle = this.#chance(this.#odd) ? this.#random.integer(0, 12) : 0;
    this.#bytes.push(Number(rest) | (idle > 0 ? 128 : 0));
    for (let i = 1; i <= idle; i++) this.#bytes.push(i === idle ? 0 : 128);
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#random.uniform() < probability;
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random.integer(0, values.length - 1)] as T;
  }

  #byte(): number {
    return this.#random.integer(0, 255);
  }
}
