/**
 * Decodes and checks a record in one pass, by functions that are generated from its schema (`compileReader`), with a table of the strings
 * that records repeat (`StringTable`).
 */
import {
  BOUNDS_LOGICAL_TYPE,
  type AvroArray,
  type AvroEnum,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type Bounds,
  boundsOf,
  isUnion,
  nullableOf,
} from './avro-schema.ts';
import { indexOfSymbols, itemsCondition, lengthCondition, numberCondition } from './check-record.ts';

/**
 * Reads the record that lies in `bytes` from `at` to `end`; undefined: it gave up. `view` is of the same memory, and both may reach
 * beyond the record.
 */
export type FastReader = (bytes: Buffer, view: DataView, at: number, end: number) => object | undefined;

/**
 * Compiles schemas into a function that decodes and checks in one pass. It is generated source, as avsc's own readers are:
 * straight-line code over named fields is several times faster than a walk over the schema, and it runs for every record.
 * `writer` is the schema that the bytes were written with; the record has the fields, types and bounds of `reader`.
 *
 * SCH-1  What it returns is what avsc reads from these bytes, and check-record.ts finds no problem in it. Whatever is odd (a
 * value out of its bounds, a cut record, bytes left over, an unknown symbol, a list in several blocks) makes it give up: avsc and
 * the check that explains decide then. So it is exact for good records, and may give up on any.
 *
 * Undefined where the two schemas differ in more than nullable fields, docs, bounds and symbols: avsc resolves those records.
 */
export function compileReader(reader: AvroRecord, writer: AvroSchema, strings: StringTable): FastReader | undefined {
  const source = new ReaderSource();
  try {
    const statements = source.value(reader, writer, 'record');
    // oxlint-disable-next-line no-implied-eval -- made of names and symbols of schemas, each quoted, and of bounds, which are numbers
    return new Function(
      'strings',
      `'use strict';
      ${source.constants.join('\n')}
      return function read(bytes, view, at, end) {
        let p = at, b = 0, n = 0, m = 0, x = 0, record;
        ${statements}
        return p === end ? record : undefined;
      };`,
    )(strings) as FastReader;
  } catch (thrown) {
    if (thrown instanceof NotCompiled) return undefined;
    throw thrown;
  }
}

class NotCompiled extends Error {}

/**
 * Statements that read at `p`, each into a variable. What they read behind `end` is garbage and does no harm: `p` never goes back, so
 * the comparison at the end finds it. Only reads that would throw behind the memory's end, or take memory, compare with `end` first.
 */
class ReaderSource {
  readonly constants: string[] = [];
  #names = 0;

  value(reader: AvroSchema, writer: AvroSchema, into: string): string {
    if (isUnion(reader) || isUnion(writer)) {
      const [own, theirs] = [nullableOf(reader), nullableOf(writer)];
      if (own === undefined || theirs === undefined) throw new NotCompiled();
      return `b = bytes[p++];
        if (b === 2) { ${this.value(own, theirs, into)} } else if (b === 0) ${into} = null; else return undefined;`;
    }
    if (kindOf(reader) !== kindOf(writer) || !meansTheSame(reader, writer)) throw new NotCompiled();
    if (typeof reader === 'string') return this.#scalar(reader, {}, into);
    if (reader.type === 'record') return this.#record(reader, writer as AvroRecord, into);
    if (reader.type === 'enum') return this.#enum(reader, writer as AvroEnum, into);
    if (reader.type === 'array') return this.#array(reader, writer as AvroArray, into);
    return this.#scalar(reader.type, boundsOf(reader), into);
  }

  /** Reads the fields of the writer in their order, and makes an object of the reader's. */
  #record(reader: AvroRecord, writer: AvroRecord, into: string): string {
    const variables = new Map(writer.fields.map(({ name }) => [name, this.#name('v')]));
    const statements = writer.fields.map(({ name, type }) => {
      const own = reader.fields.find((field) => field.name === name);
      const variable = variables.get(name) ?? '';
      return `let ${variable}; ${this.value(own?.type ?? type, type, variable)}`;
    });
    const properties = reader.fields.map(({ name, aliases = [], default: fallback }) => {
      // By an alias avsc reads a field of another name into this one.
      if (reader !== writer && aliases.length > 0) throw new NotCompiled();
      const variable = variables.get(name);
      if (variable === undefined && fallback !== null) throw new NotCompiled();
      return `${JSON.stringify(name)}: ${variable ?? 'null'}`;
    });
    return `{ ${statements.join('\n')} ${into} = { ${properties.join(', ')} }; }`;
  }

  #scalar(type: AvroPrimitive, bounds: Bounds, into: string): string {
    switch (type) {
      case 'double':
      case 'float': {
        const [size, get] = type === 'double' ? [8, 'getFloat64'] : [4, 'getFloat32'];
        return `if (end - p < ${size}) return undefined;
          x = view.${get}(p, true); p += ${size};
          if (!(${numberCondition(type, bounds)})) return undefined; ${into} = x;`;
      }
      case 'long':
      case 'int':
        return `${LONG} if (!(${numberCondition(type, bounds)})) return undefined; ${into} = x;`;
      case 'boolean':
        return `b = bytes[p++]; if (b > 1) return undefined; ${into} = b === 1;`;
      case 'string':
        return `${COUNT} if (n > end - p) return undefined;
          ${into} = strings.read(bytes, view, p, n); p += n;
          if (!(${lengthCondition(into, bounds)})) return undefined;`;
      default:
        throw new NotCompiled();
    }
  }

  /** A symbol of the writer is the reader's symbol of that name; one that nobody may act on is null here. */
  #enum(reader: AvroEnum, writer: AvroEnum, into: string): string {
    const known = indexOfSymbols(reader);
    const symbols = this.#name('symbols');
    this.constants.push(
      `const ${symbols} = ${JSON.stringify(writer.symbols.map((symbol) => (known.has(symbol) ? symbol : null)))};`,
    );
    return `${COUNT} if (n >= ${symbols}.length) return undefined;
      ${into} = ${symbols}[n]; if (${into} === null) return undefined;`;
  }

  /** One block, as nearly all writers write it. No item takes less than a byte, so a count above the bytes left is corrupt. */
  #array(reader: AvroArray, writer: AvroArray, into: string): string {
    const [count, index, item] = [this.#name('count'), this.#name('i'), this.#name('item')];
    return `${COUNT} if (n > end - p || !(${itemsCondition('n', boundsOf(reader))})) return undefined;
      const ${count} = n;
      ${into} = new Array(${count});
      if (${count} > 0) {
        for (let ${index} = 0; ${index} < ${count}; ${index}++) {
          let ${item}; ${this.value(reader.items, writer.items, item)} ${into}[${index}] = ${item};
        }
        if (bytes[p++] !== 0) return undefined;
      }`;
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }
}

function kindOf(schema: Exclude<AvroSchema, readonly AvroSchema[]>): string {
  return typeof schema === 'string' ? schema : schema.type;
}

/** Bounds are the reader's affair. Any other logical type of the writer's says what its numbers are. */
function meansTheSame(reader: AvroSchema, writer: AvroSchema): boolean {
  const meant = logicalTypeOf(writer);
  return meant === undefined || meant === BOUNDS_LOGICAL_TYPE || meant === logicalTypeOf(reader);
}

function logicalTypeOf(schema: AvroSchema): string | undefined {
  return typeof schema === 'object' && 'logicalType' in schema ? schema.logicalType : undefined;
}

/** A length, a count or an index into `n`: at most four bytes, 2^27 - 1, and not negative. */
const COUNT = `
  n = bytes[p++];
  if (n > 127) {
    b = bytes[p++]; n = (n & 127) | ((b & 127) << 7);
    if (b > 127) {
      b = bytes[p++]; n |= (b & 127) << 14;
      if (b > 127) { b = bytes[p++]; n |= b << 21; if (b > 127) return undefined; }
    }
  }
  if ((n & 1) === 1) return undefined;
  n >>>= 1;`;

/**
 * A whole number into `x`: the lower 28 bits of its zigzag form are in `n`, the upper 28 in `m`. It is exact where the type allows
 * it; where a double rounds it, it is far out of what the type allows.
 */
const LONG = `
  n = bytes[p++]; m = 0;
  if (n > 127) {
    b = bytes[p++]; n = (n & 127) | ((b & 127) << 7);
    if (b > 127) {
      b = bytes[p++]; n |= (b & 127) << 14;
      if (b > 127) {
        b = bytes[p++]; n |= (b & 127) << 21;
        if (b > 127) {
          b = bytes[p++]; m = b & 127;
          if (b > 127) {
            b = bytes[p++]; m |= (b & 127) << 7;
            if (b > 127) {
              b = bytes[p++]; m |= (b & 127) << 14;
              if (b > 127) { b = bytes[p++]; m |= b << 21; if (b > 127) return undefined; }
            }
          }
        }
      }
    }
  }
  x = m === 0 ? (n >>> 1) ^ -(n & 1) : (n & 1) === 0 ? (n + m * ${2 ** 28}) / 2 : -((n + 1 + m * ${2 ** 28}) / 2);`;

/** Slots of the table; a power of two. Accounts, symbols, venues, models, positions of a desk are hundreds, rarely thousands. */
const SLOT_BITS = 12;
/** Longer strings are texts, not names: they are not kept. Unit: bytes. */
const LONGEST_KEPT = 64;
const WORDS = LONGEST_KEPT / 4;
/** An odd number whose bits are well mixed: the golden ratio of 2^32. */
const MULTIPLIER = 0x9e3779b1;
/** The top bit of each byte of a word: none is set in ASCII text. */
const NOT_ASCII = 0x80808080;

/**
 * The strings that records repeat (account, symbol, venue, model, regime), by their bytes: one that was seen before is found, not
 * made again. Bounded: a slot holds one string, and another takes its place when it comes twice, so that ids which never come
 * again push nothing out.
 *
 * SCH-2  `read` gives what `bytes.utf8Slice` gives, whatever was read before: a string is found by all of its bytes.
 */
export class StringTable {
  /** By slot, as are the three arrays below. */
  readonly #strings = Array.from({ length: 1 << SLOT_BITS }, () => '');
  readonly #lengths = new Uint8Array(1 << SLOT_BITS);
  readonly #words = new Int32Array(WORDS << SLOT_BITS);
  /** The hash of the string that was last looked for in vain: it is kept when it comes twice. */
  readonly #candidates = new Int32Array(1 << SLOT_BITS);

  /** The UTF-8 string of `length` bytes at `at`, both within `bytes`; `view` is of the same memory. */
  read(bytes: Buffer, view: DataView, at: number, length: number): string {
    if (length > LONGEST_KEPT) return bytes.toString('utf8', at, at + length);
    if (length === 0) return '';
    const last = at + length - 4;
    let hash = length;
    let all = 0;
    for (let i = at; i < last; i += 4) {
      const word = view.getInt32(i, true);
      all |= word;
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ word, MULTIPLIER);
    }
    const tail = length < 4 ? shortWord(bytes, at, length) : view.getInt32(last, true);
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ tail, MULTIPLIER);
    const slot = hash >>> (32 - SLOT_BITS);
    if (this.#lengths[slot] === length && this.#holds(slot, view, at, last, tail)) return this.#strings[slot] as string;
    const string =
      ((all | tail) & NOT_ASCII) === 0
        ? bytes.toString('latin1', at, at + length)
        : bytes.toString('utf8', at, at + length);
    if (this.#candidates[slot] === hash) this.#keep(slot, view, at, length, tail, string);
    else this.#candidates[slot] = hash;
    return string;
  }

  #holds(slot: number, view: DataView, at: number, last: number, tail: number): boolean {
    const words = this.#words;
    let word = slot * WORDS;
    for (let i = at; i < last; i += 4) if (words[word++] !== view.getInt32(i, true)) return false;
    return words[word] === tail;
  }

  #keep(slot: number, view: DataView, at: number, length: number, tail: number, string: string): void {
    let word = slot * WORDS;
    for (let i = at; i < at + length - 4; i += 4) this.#words[word++] = view.getInt32(i, true);
    this.#words[word] = tail;
    this.#lengths[slot] = length;
    this.#strings[slot] = string;
  }
}

/** One to three bytes as a word. */
function shortWord(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = 0; i < length; i++) word = (word << 8) | (bytes[at + i] ?? 0);
  return word;
}
