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
 * Invariant: `read` gives what `bytes.utf8Slice` gives, whatever was read before: a string is found by all of its bytes.
 */
export class StringTable {
  /** All by slot. */
  readonly #strings = Array.from({ length: 1 << SLOT_BITS }, () => '');
  readonly #lengths = new Uint8Array(1 << SLOT_BITS);
  readonly #words = new Int32Array(WORDS << SLOT_BITS);
  /** The hash of the string that was last not found. */
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
