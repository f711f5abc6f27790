import {
  type AvroArray,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type Bounds,
  boundsOf,
  isUnion,
  nullableOf,
} from './avro-schema.ts';
import { indexOfSymbols, itemsCondition, lengthCondition, numberCondition } from './check-record.ts';

/** Returned in place of an end: the value may be invalid. avsc and the check that explains decide. */
export const GAVE_UP = -1;
/** Returned in place of an end: there may be too little room. */
export const NO_ROOM = -2;

/**
 * Writes a record at `at`, behind which `bytes` has room up to `limit`, and returns where it ends. `view` is of the same memory.
 * What it wrote when it returns GAVE_UP or NO_ROOM means nothing.
 */
export type FastWriter = (value: unknown, bytes: Buffer, view: DataView, at: number, limit: number) => number;

/**
 * Compiles a schema into a function that checks and encodes in one pass, generated source as in compile-reader.ts.
 *
 * SCH-3  Where it returns an end, check-record.ts finds no problem in the value, and the bytes are those that avsc writes.
 * It may give up on a good value (a field that is there as `undefined`, an object of a class).
 */
export function compileWriter(schema: AvroRecord): FastWriter {
  const source = new WriterSource();
  const statements = source.record(schema);
  // oxlint-disable-next-line no-implied-eval -- made of names and symbols of schemas, each quoted, and of bounds, which are numbers
  return new Function(
    'isPlain',
    'text',
    'long',
    `'use strict';
    return function write(value, bytes, view, at, limit) {
      const FIXED = ${source.fixedBytes};
      let p = at, x = value;
      if (limit - p < FIXED) return ${NO_ROOM};
      ${statements}
      return p;
    };`,
  )(isPlainObject, writeText, writeLong) as FastWriter;
}

/** Greatest sizes of a 32-bit number's zigzag form, of that of a double's whole numbers, and of a UTF-16 unit. Unit: bytes. */
const INT_BYTES = 5;
const LONG_BYTES = 8;
const UTF8_BYTES = 3;
/** The length of an ASCII text up to this is written in one byte. */
const LONGEST_SHORT_TEXT = 63;
/** Up to this a loop is faster than a call into the runtime. */
const LONGEST_BY_HAND = 9;

/** Statements that check the value in `x` and write it at `p`. */
class WriterSource {
  /** The room that a record takes without its texts and list items. Checked once at the beginning; only texts and items check again. Unit: bytes. */
  fixedBytes = 0;
  #names = 0;

  record({ fields }: AvroRecord): string {
    const record = this.#name('record');
    const absent = this.#name('absent');
    const found = this.#name('found');
    const optional = fields.some((field) => field.default !== undefined);
    const statements = fields.map((field) => {
      const write = this.#value(field.type);
      const read = `x = ${record}[${JSON.stringify(field.name)}];`;
      if (field.default === undefined) return `${read} ${write}`;
      const instead = field.default === null ? 'bytes[p++] = 0;' : `return ${GAVE_UP};`;
      return `${read} if (x === undefined) { ${absent}++; ${instead} } else { ${write} }`;
    });
    // As many names as declared fields that are present: so none is undeclared. A plain object has only names of its own, and counting them makes no list.
    return `const ${record} = x;
      if (!isPlain(x)) return ${GAVE_UP};
      ${optional ? `let ${absent} = 0;` : ''}
      ${statements.join('\n')}
      let ${found} = 0;
      for (const name in ${record}) ${found}++;
      if (${found} !== ${fields.length}${optional ? ` - ${absent}` : ''}) return ${GAVE_UP};`;
  }

  #value(schema: AvroSchema): string {
    if (isUnion(schema)) {
      const inner = nullableOf(schema);
      if (inner === undefined) return `return ${GAVE_UP};`;
      this.fixedBytes += 1;
      return `if (x === null) bytes[p++] = 0; else { bytes[p++] = 2; ${this.#value(inner)} }`;
    }
    if (typeof schema === 'string') return this.#scalar(schema, {});
    switch (schema.type) {
      case 'record':
        return `{ ${this.record(schema)} }`;
      case 'enum':
        this.fixedBytes += INT_BYTES;
        return `switch (x) {
          ${[...indexOfSymbols(schema)].map(([symbol, index]) => `case ${JSON.stringify(symbol)}: p = long(${index}, bytes, p); break;`).join('\n')}
          default: return ${GAVE_UP};
        }`;
      case 'array':
        return this.#array(schema);
      default:
        return this.#scalar(schema.type, boundsOf(schema));
    }
  }

  #scalar(type: AvroPrimitive, bounds: Bounds): string {
    switch (type) {
      case 'double':
      case 'float': {
        const [size, set] = type === 'double' ? [8, 'setFloat64'] : [4, 'setFloat32'];
        this.fixedBytes += size;
        return `if (typeof x !== 'number' || !(${numberCondition(type, bounds)})) return ${GAVE_UP};
          view.${set}(p, x, true); p += ${size};`;
      }
      case 'long':
      case 'int':
        this.fixedBytes += LONG_BYTES;
        return `if (typeof x !== 'number' || !(${numberCondition(type, bounds)})) return ${GAVE_UP};
          p = long(x, bytes, p);`;
      case 'boolean':
        this.fixedBytes += 1;
        return `if (typeof x !== 'boolean') return ${GAVE_UP}; bytes[p++] = x ? 1 : 0;`;
      case 'string':
        this.fixedBytes += INT_BYTES;
        return `if (typeof x !== 'string' || !(${lengthCondition('x', bounds)})) return ${GAVE_UP};
          if (limit - p < FIXED + x.length * ${UTF8_BYTES}) return ${NO_ROOM};
          p = text(x, bytes, p); if (p < 0) return ${GAVE_UP};`;
      default:
        return `return ${GAVE_UP};`;
    }
  }

  #array(schema: AvroArray): string {
    const [list, index] = [this.#name('list'), this.#name('i')];
    this.fixedBytes += 2 * INT_BYTES;
    return `const ${list} = x;
      if (!Array.isArray(x) || !(${itemsCondition('x.length', boundsOf(schema))})) return ${GAVE_UP};
      if (x.length > 0) {
        p = long(x.length, bytes, p);
        for (let ${index} = 0; ${index} < ${list}.length; ${index}++) {
          if (limit - p < FIXED) return ${NO_ROOM};
          x = ${list}[${index}]; ${this.#value(schema.items)}
        }
      }
      bytes[p++] = 0;`;
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }
}

/** Whether all of its enumerable properties are its own. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Where the whole number ends. It is one that a double holds exactly, and so is its zigzag form. */
function writeLong(value: number, bytes: Buffer, at: number): number {
  let p = at;
  let rest: number;
  if (value >= -(2 ** 30) && value < 2 ** 30) {
    rest = (value << 1) ^ (value >> 31);
  } else {
    const zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
    rest = Math.floor(zigzag / 2 ** 28);
    let low = zigzag - rest * 2 ** 28;
    for (let i = 0; i < 4; i++, low >>= 7) bytes[p++] = (low & 127) | 128;
  }
  for (; rest > 127; rest >>= 7) bytes[p++] = (rest & 127) | 128;
  bytes[p++] = rest;
  return p;
}

/** Where the text ends, with its length in front; GAVE_UP where UTF-8 has no form for it. Nearly all are short and ASCII. */
function writeText(text: string, bytes: Buffer, at: number): number {
  const { length } = text;
  if (length > LONGEST_SHORT_TEXT) return writeAnyText(text, bytes, at);
  if (length > LONGEST_BY_HAND) {
    // A byte a unit: all of it is ASCII.
    if (bytes.write(text, at + 1) !== length) return writeAnyText(text, bytes, at);
  } else {
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return writeAnyText(text, bytes, at);
      bytes[at + 1 + i] = unit;
    }
  }
  bytes[at] = length << 1;
  return at + 1 + length;
}

function writeAnyText(text: string, bytes: Buffer, at: number): number {
  if (!text.isWellFormed()) return GAVE_UP;
  const length = Buffer.byteLength(text);
  const start = writeLong(length, bytes, at);
  bytes.write(text, start, length, 'utf8');
  return start + length;
}
