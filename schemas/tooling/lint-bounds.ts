import { BOUND_WORDS, BOUNDS_LOGICAL_TYPE, type Bounds, TIMESTAMP_LOGICAL_TYPE } from '../avro-schema.ts';
import type { Attributes } from '../raw-schema.ts';

type Word = keyof Bounds;

const NUMBER_WORDS: readonly Word[] = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

const WORDS_BY_TYPE: Readonly<Record<string, readonly Word[]>> = {
  int: NUMBER_WORDS,
  long: NUMBER_WORDS,
  float: NUMBER_WORDS,
  double: NUMBER_WORDS,
  string: ['minLength', 'maxLength'],
  array: ['minItems', 'maxItems'],
};

/** Types whose words must be whole numbers. */
const WHOLE: ReadonlySet<string> = new Set(['int', 'long', 'string', 'array']);

/** Pairs of a lower and an upper end, and whether both ends may be the same value. */
const PAIRS: readonly (readonly [lower: Word, upper: Word, mayMeet: boolean])[] = [
  ['minimum', 'maximum', true],
  ['minimum', 'exclusiveMaximum', false],
  ['exclusiveMinimum', 'maximum', false],
  ['exclusiveMinimum', 'exclusiveMaximum', false],
  ['minLength', 'maxLength', true],
  ['minItems', 'maxItems', true],
];

const SAME_END: readonly (readonly [Word, Word])[] = [
  ['minimum', 'exclusiveMinimum'],
  ['maximum', 'exclusiveMaximum'],
];

/** What is wrong with the bounds of one type object, in words; nothing for good ones and for none at all. */
export function lintBounds(schema: Attributes): readonly string[] {
  const words = BOUND_WORDS.filter((word) => Object.hasOwn(schema, word));
  const bounded = schema['logicalType'] === BOUNDS_LOGICAL_TYPE;
  if (words.length === 0) return bounded ? ['is bounded but says no bound'] : [];
  const whys: string[] = [];
  if (!bounded && schema['logicalType'] !== TIMESTAMP_LOGICAL_TYPE)
    whys.push(`says ${words.join(', ')} without the logicalType ${BOUNDS_LOGICAL_TYPE}: nothing checks it`);
  const type = String(schema['type']);
  const fitting = (Object.hasOwn(WORDS_BY_TYPE, type) ? WORDS_BY_TYPE[type] : undefined) ?? [];
  for (const word of words) {
    if (!fitting.includes(word)) whys.push(`${word} is not a bound of ${type}`);
    const value = numberOf(schema, word);
    if (value === undefined) whys.push(`${word} must be a finite number`);
    else if (WHOLE.has(type) && !Number.isSafeInteger(value)) whys.push(`${word} must be a whole number for ${type}`);
    else if (isSize(word) && value < 0) whys.push(`${word} must not be negative`);
  }
  return [...whys, ...contradictions(schema)];
}

function contradictions(schema: Attributes): readonly string[] {
  const whys: string[] = [];
  for (const [inclusive, exclusive] of SAME_END) {
    if (Object.hasOwn(schema, inclusive) && Object.hasOwn(schema, exclusive))
      whys.push(`says both ${inclusive} and ${exclusive}: one of them has no effect`);
  }
  for (const [lower, upper, mayMeet] of PAIRS) {
    const [low, high] = [numberOf(schema, lower), numberOf(schema, upper)];
    if (low === undefined || high === undefined) continue;
    if (low > high || (low === high && !mayMeet))
      whys.push(`${lower} ${low} and ${upper} ${high} leave no value that is allowed`);
  }
  return whys;
}

function isSize(word: Word): boolean {
  return !NUMBER_WORDS.includes(word);
}

function numberOf(schema: Attributes, word: Word): number | undefined {
  const value = Object.hasOwn(schema, word) ? schema[word] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
