import { isUtf8 } from 'node:buffer';
import { type ErrorCode } from '../errors/codes.ts';
import { HarvestlineError, type Problem, formatProblems, isKind, messageOf } from '../errors/harvestline-error.ts';
import { bufferOf } from './buffer-of.ts';

/**
 * Parses JSON from outside strictly, so that a slip never changes what was meant. Invariants:
 * SCH-20  A key that comes twice in one object is named by its path: JSON.parse would keep the last, and say nothing.
 * SCH-21  Bytes that are not UTF-8 are refused with their place, never read as U+FFFD.
 * SCH-22  The time is linear in the length, whatever the text.
 */
interface ParsedJson {
  readonly value: unknown;
  /** Faults of the text that leave its value clear. */
  readonly problems: readonly Problem[];
}

const NO_PROBLEMS: readonly Problem[] = [];

/** Text up to the closing quotation mark, or to the end where there is none: nothing is looked at twice (SCH-22). */
const STRING = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"?`;

/** Strings, and the words for numbers that JSON does not have. A word inside a string is part of the string. */
const STRING_OR_NON_NUMBER = new RegExp(String.raw`${STRING}|-?\b(?:NaN|Infinity)\b`, 'gs');

/** The tokens that show keys and nesting, in a text that is known to be JSON. */
const STRUCTURE = new RegExp(String.raw`${STRING}|[{}[\]:,]`, 'gs');

/** Stands in for such a word while parsing: a string no record would hold. */
const MARK = '\u0000not-a-json-number:';

/**
 * Parses one JSON text. NaN and Infinity are not JSON, but programs write them: `problems` says so, and they stand in `value` as
 * the numbers they mean, so that a check of the value names their fields together with everything else that is wrong. Throws
 * JSON_INVALID for anything else that is not JSON.
 */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return parseNonNumbers(text, cause);
  }
  return { value, problems: hasEveryKey(value, text) ? NO_PROBLEMS : doubledKeys(text) };
}

/** As `parseJson`, from bytes. */
export function parseJsonBytes(bytes: Uint8Array): ParsedJson {
  // Some editors begin a file with a byte order mark, which is no JSON.
  return parseJson(decodeUtf8(bytes).replace(/^\uFEFF/, ''));
}

/** The text of bytes that are UTF-8. Throws JSON_INVALID with the place of the first that is not (SCH-21). */
export function decodeUtf8(bytes: Uint8Array): string {
  const why = whyNotUtf8(bytes);
  if (why !== null) throw new HarvestlineError('JSON_INVALID', why);
  return bufferOf(bytes).toString('utf8');
}

/** Null where they are UTF-8. */
export function whyNotUtf8(bytes: Uint8Array): string | null {
  if (isUtf8(bytes)) return null;
  const buffer = bufferOf(bytes);
  const text = buffer.toString('utf8');
  let position = 0;
  let read = 0;
  for (let at = text.indexOf('\uFFFD'); at !== -1; at = text.indexOf('\uFFFD', read)) {
    position += Buffer.byteLength(text.slice(read, at));
    // A U+FFFD that was written as such is three bytes of good UTF-8.
    if (buffer.readUIntBE(position, Math.min(3, buffer.length - position)) !== 0xefbfbd) break;
    position += 3;
    read = at + 1;
  }
  return `is not UTF-8: byte 0x${(buffer[position] ?? 0).toString(16).padStart(2, '0')} at position ${position}`;
}

/**
 * What `check` makes of a JSON file's value. Whatever is wrong, with the JSON and with the value, is in one error of that code, at
 * once.
 */
export function checkedJson<T>(code: ErrorCode, file: string, bytes: Uint8Array, check: (value: unknown) => T): T {
  let problems: readonly Problem[];
  try {
    const parsed = parseJsonBytes(bytes);
    if (parsed.problems.length === 0) return check(parsed.value);
    problems = [...parsed.problems, ...problemsOf(parsed.value, check)];
  } catch (cause) {
    if (!(cause instanceof HarvestlineError) || cause.code !== 'JSON_INVALID') throw cause;
    throw new HarvestlineError(code, `${file}: ${cause.message}`, { at: { file }, cause });
  }
  throw new HarvestlineError(code, `${file}: ${formatProblems(problems)}`, { at: { file }, problems });
}

function problemsOf(value: unknown, check: (value: unknown) => unknown): readonly Problem[] {
  try {
    check(value);
    return NO_PROBLEMS;
  } catch (thrown) {
    if (!isKind(thrown, 'poison') && !isKind(thrown, 'usage')) throw thrown;
    return thrown.problems;
  }
}

/** A text that JSON.parse refused with `cause`. */
function parseNonNumbers(text: string, cause: unknown): ParsedJson {
  const words = new Set<string>();
  const marked = text.replace(STRING_OR_NON_NUMBER, (word) => {
    if (word.startsWith('"')) return word;
    words.add(word);
    return JSON.stringify(MARK + word);
  });
  if (words.size > 0) {
    const why = `is not JSON: ${[...words].join(', ')}; an unknown number is null`;
    try {
      return { value: JSON.parse(marked, revive), problems: [{ path: '(root)', why }, ...doubledKeys(marked)] };
    } catch {
      // The text is broken in more ways than one: the first error says where.
    }
  }
  throw new HarvestlineError('JSON_INVALID', `is not JSON: ${messageOf(cause)}`, { cause });
}

function revive(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value;
}

/**
 * True where no key of the text was lost, by counting colons: the text has one behind each key, and those inside of strings. A key
 * that was lost leaves more in the text than the value accounts for. False, too, for what is not counted, which is rare: texts with
 * escapes, whose strings are not what stands in the text, and keys with colons. Costs a tenth of what looking for the keys does.
 */
function hasEveryKey(value: unknown, text: string): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (text.includes('\\')) return false;
  const strings: string[] = [];
  let colons = colonsIn(text) - countKeys(value, strings, 0);
  for (let index = 0; colons > 0 && index < strings.length; index += 1) colons -= colonsIn(strings[index] ?? '');
  return colons === 0;
}

/** No record and no file of ours is nested so deep. */
const MAX_DEPTH = 50;

/** The keys in an object or array, and its strings added to `strings`. NaN where it is nested too deep. */
function countKeys(value: object, strings: string[], depth: number): number {
  if (depth === MAX_DEPTH) return NaN;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let keys = items === value ? 0 : items.length;
  // By index: a list of numbers is gone through without making objects of them.
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (typeof item === 'string') strings.push(item);
    else if (typeof item === 'object' && item !== null) keys += countKeys(item, strings, depth + 1);
  }
  return keys;
}

function colonsIn(text: string): number {
  let colons = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) colons += 1;
  return colons;
}

/** Enough to see what is wrong; more are counted (SCH-22: a path may be as long as the text). */
const NAMED_KEYS = 20;

/** A longer key is cut where it is named. Unit: UTF-16 code units. */
const NAMED_LENGTH = 80;

/** An object or array that the search is inside of. */
interface Level {
  /** Those seen so far; null in an array. */
  readonly keys: Set<string> | null;
  /** The key or index that it stands at. */
  step: string | number;
}

/** The keys of a JSON text that come twice in one object. Throws JSON_INVALID for one that is nested too deep. */
function doubledKeys(json: string): readonly Problem[] {
  const levels: Level[] = [];
  const doubled = new Set<string>();
  let more = 0;
  let text = '';
  for (const [token] of json.matchAll(STRUCTURE)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length === MAX_DEPTH)
        throw new HarvestlineError('JSON_INVALID', `is nested more than ${MAX_DEPTH} deep`);
      levels.push(token === '{' ? { keys: new Set(), step: '' } : { keys: null, step: 0 });
    } else if (token === '}' || token === ']') levels.pop();
    else if (token === ',' && typeof level?.step === 'number') level.step += 1;
    else if (token === ':' && level !== undefined) {
      // Keys are equal if what they say is: "a" and "\u0061".
      const key = text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);
      level.step = key;
      if (level.keys?.has(key) !== true) level.keys?.add(key);
      else if (doubled.size < NAMED_KEYS) doubled.add(pathTo(levels));
      else more += 1;
    } else text = token;
  }
  const problems = [...doubled].map((path) => ({ path, why: 'comes twice in its object' }));
  return more === 0 ? problems : [...problems, { path: '(root)', why: `has ${more} more keys that come twice` }];
}

function pathTo(levels: readonly Level[]): string {
  const steps = levels.map(({ step }) =>
    typeof step === 'number'
      ? `[${step}]`
      : `.${step.length > NAMED_LENGTH ? `${step.slice(0, NAMED_LENGTH)}…` : step}`,
  );
  return steps.join('').replace(/^\./, '');
}
