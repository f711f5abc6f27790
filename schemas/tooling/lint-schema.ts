import type { Problem } from '../../errors/harvestline-error.ts';
import {
  BOUND_WORDS,
  BOUNDS_LOGICAL_TYPE,
  TIMESTAMP_LOGICAL_TYPE,
  type Attributes,
  NUMBERS,
  holdsNumbers,
  isObject,
  itemsOf,
  logicalTypeOf,
  typeNameOf,
  withoutNull,
  type Bounds,
} from '../avro-schema.ts';
import { isMarketBound, marketBoundsOf, unitOf } from '../market-bounds.ts';

/**
 * - `structure`     it is Avro, of the kinds that records are checked for (check-record.ts), with no attribute unheard of
 * - `doc`           every record, field and enum says what it is
 * - `unit`          every number's doc says `Unit:`
 * - `enum-default`  every enum has the symbol UNRECOGNISED, as its default
 * - `union`         a union is ["null", T]
 * - `default`       such a field's default is null, and no other field has one: nothing has a made-up value
 * - `timestamp`     a field named _at, `since` or `at` is long timestamp-millis, and nothing else is
 * - `id`            a field named _id is a string
 * - `name`          fields are snake_case, types PascalCase, symbols UPPER_SNAKE, or all of them but the default snake_case where they are
 *                   the words of an option; the record is named after its topic
 * - `once`          a type, a field of a record and a symbol of an enum are each defined once
 * - `bounds`        bounds fit their type, leave a value, and are marked `bounded`
 * - `market-bound`  a number of a unit that no market takes to any length ends where that unit does (market-bounds.ts)
 * - `logical-type`  only `bounded` and `timestamp-millis`
 */
export type LintRule =
  | 'structure'
  | 'doc'
  | 'unit'
  | 'enum-default'
  | 'union'
  | 'default'
  | 'timestamp'
  | 'id'
  | 'name'
  | 'once'
  | 'bounds'
  | 'market-bound'
  | 'logical-type';

interface LintProblem extends Problem {
  readonly rule: LintRule;
}

const NAMESPACE = 'harvestline';
const DEFAULT_SYMBOL = 'UNRECOGNISED';

/** Names of times besides those that end in _at: those of an alert. */
const TIME_NAMES: ReadonlySet<string> = new Set(['since', 'at']);
const SCALARS: ReadonlySet<unknown> = new Set([...NUMBERS, 'boolean', 'string']);

const SNAKE_CASE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const PASCAL_CASE = /^([A-Z][a-z0-9]*)+$/;
const UPPER_SNAKE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

const ATTRIBUTES = {
  record: ['type', 'name', 'namespace', 'doc', 'aliases', 'fields'],
  enum: ['type', 'name', 'doc', 'symbols', 'default'],
  array: ['type', 'items', 'logicalType', ...BOUND_WORDS],
  scalar: ['type', 'logicalType', ...BOUND_WORDS],
  field: ['name', 'type', 'doc', 'default', 'aliases'],
} as const satisfies Record<string, readonly string[]>;

/**
 * Every way in which a schema breaks the rules of this project; none for a good one. `schema` is parsed JSON of whatever
 * shape: paths are those of fields (`factors[].points`), `(root)` for the record itself.
 */
export function lintSchema(topicName: string, schema: unknown): readonly LintProblem[] {
  const lint = new Lint();
  lint.root(topicName, schema);
  return lint.problems;
}

class Lint {
  readonly problems: LintProblem[] = [];
  readonly #typeNames = new Set<string>();

  root(topicName: string, schema: unknown): void {
    if (!isObject(schema) || schema['type'] !== 'record') {
      this.#report('structure', '', 'a topic’s schema must be a record');
      return;
    }
    const name = topicName.replace(/(^|[._-])([a-z])/g, (_, _separator: string, letter: string) =>
      letter.toUpperCase(),
    );
    if (schema['name'] !== name) this.#report('name', '', `the record of ${topicName} must be named ${name}`);
    if (schema['namespace'] !== NAMESPACE) this.#report('name', '', `the namespace must be ${NAMESPACE}`);
    this.#type(schema, '');
  }

  #type(schema: unknown, path: string): void {
    if (Array.isArray(schema)) {
      const [first, inner] = schema;
      if (schema.length === 2 && first === 'null' && !Array.isArray(inner)) this.#type(inner, path);
      else this.#report('union', path, 'a union must be ["null", T]');
    } else if (typeof schema === 'string') {
      if (!SCALARS.has(schema)) this.#report('structure', path, `${schema} is not a type that records are checked for`);
    } else if (!isObject(schema)) {
      this.#report('structure', path, 'a type must be a name, an object or a union');
    } else if (schema['type'] === 'record') {
      this.#record(schema, path);
    } else if (schema['type'] === 'enum') {
      this.#enum(schema, path);
    } else {
      this.#unnamed(schema, path);
    }
  }

  #record(schema: Attributes, path: string): void {
    this.#named('record', schema, path);
    const fields = schema['fields'];
    if (!Array.isArray(fields) || !fields.every((field) => isObject(field) && typeof field['name'] === 'string')) {
      this.#report('structure', path, 'a record must have fields, each an object with a name');
      return;
    }
    const names = new Set<string>();
    for (const field of fields as readonly (Attributes & { readonly name: string })[]) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      if (names.has(field.name)) this.#report('once', at, 'the record has this field twice');
      names.add(field.name);
      this.#field(field, at);
    }
  }

  #field(field: Attributes & { readonly name: string }, path: string): void {
    const type = field['type'];
    this.#attributes('field', field, path);
    if (!SNAKE_CASE.test(field.name)) this.#report('name', path, 'a field’s name must be snake_case');
    // Every object inherits such a member, so a record without the field would seem to have it.
    if (field.name in Object.prototype) this.#report('name', path, 'every JavaScript object has a member of that name');
    this.#doc('field', field, path);
    const doc = field['doc'];
    if (holdsNumbers(type) && !(typeof doc === 'string' && /\bUnit: \S/.test(doc)))
      this.#report('unit', path, 'the doc of a number must say `Unit: `');
    this.#marketBound(field, path);
    if (Array.isArray(type) && field['default'] !== null)
      this.#report('default', path, 'a nullable field’s default must be null');
    if (!Array.isArray(type) && Object.hasOwn(field, 'default'))
      this.#report('default', path, 'a field that is not nullable must have no default');
    const named = field.name.endsWith('_at') || TIME_NAMES.has(field.name);
    const timestamp = logicalTypeOf(withoutNull(type)) === TIMESTAMP_LOGICAL_TYPE;
    if (named && !timestamp)
      this.#report(
        'timestamp',
        path,
        `a field named ${TIME_NAMES.has(field.name) ? field.name : '_at'} must be long timestamp-millis`,
      );
    if (!named && (timestamp || logicalTypeOf(itemsOf(type)) === TIMESTAMP_LOGICAL_TYPE))
      this.#report('timestamp', path, 'a timestamp’s name must end in _at, or be since or at');
    if (field.name.endsWith('_id') && typeNameOf(withoutNull(type)) !== 'string')
      this.#report('id', path, 'a field named _id must be a string');
    this.#type(type, path);
  }

  #marketBound({ type, doc }: Attributes, path: string): void {
    const unit = unitOf(doc);
    const [bound] = marketBoundsOf(unit);
    const number = itemsOf(type);
    if (bound === undefined || !holdsNumbers(type) || (isObject(number) && isMarketBound(number, unit))) return;
    this.#report(
      'market-bound',
      path,
      `a number of ${unit} must be at least ${bound.minimum} and at most ${bound.maximum}`,
    );
  }

  #enum(schema: Attributes, path: string): void {
    this.#named('enum', schema, path);
    const symbols = schema['symbols'];
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) {
      this.#report('structure', path, 'an enum must have symbols, each a string');
      return;
    }
    const own = symbols.filter((symbol) => symbol !== DEFAULT_SYMBOL);
    const areWords = own.length > 0 && own.every((symbol) => SNAKE_CASE.test(symbol));
    for (const symbol of areWords ? [] : symbols) {
      if (!UPPER_SNAKE.test(symbol)) this.#report('name', path, `the symbol ${symbol} must be UPPER_SNAKE`);
    }
    if (new Set(symbols).size < symbols.length) this.#report('once', path, 'the enum has a symbol twice');
    if (schema['default'] !== DEFAULT_SYMBOL || !symbols.includes(DEFAULT_SYMBOL))
      this.#report('enum-default', path, `the enum must have the symbol ${DEFAULT_SYMBOL}, as its default`);
  }

  #unnamed(schema: Attributes, path: string): void {
    const { type, logicalType } = schema;
    const isArray = type === 'array';
    if (!isArray && !SCALARS.has(type)) {
      this.#report('structure', path, `${JSON.stringify(type)} is not a type that records are checked for`);
      return;
    }
    this.#attributes(isArray ? 'array' : 'scalar', schema, path);
    for (const why of lintBounds(schema)) this.#report('bounds', path, why);
    const known = logicalType === BOUNDS_LOGICAL_TYPE || (logicalType === TIMESTAMP_LOGICAL_TYPE && type === 'long');
    if (logicalType !== undefined && !known)
      this.#report('logical-type', path, `${JSON.stringify(logicalType)} is not a logicalType of ${String(type)} here`);
    if (isArray) this.#type(schema['items'], `${path}[]`);
  }

  #named(kind: 'record' | 'enum', schema: Attributes, path: string): void {
    const { name, namespace } = schema;
    this.#attributes(kind, schema, path);
    this.#doc(kind, schema, path);
    if (typeof name !== 'string') {
      this.#report('structure', path, `a ${kind} must have a name`);
      return;
    }
    if (!PASCAL_CASE.test(name)) this.#report('name', path, `the ${kind}’s name ${name} must be PascalCase`);
    if (path !== '' && namespace !== undefined)
      this.#report('name', path, 'an inner type is in the namespace of its record: it must not say one');
    if (this.#typeNames.has(name)) this.#report('once', path, `${name} is defined twice in this file`);
    this.#typeNames.add(name);
  }

  #attributes(kind: keyof typeof ATTRIBUTES, schema: Attributes, path: string): void {
    const allowed: readonly string[] = ATTRIBUTES[kind];
    for (const name of Object.keys(schema)) {
      if (!allowed.includes(name)) this.#report('structure', path, `${name} means nothing on a ${kind}`);
    }
    const { aliases } = schema;
    if (aliases !== undefined && !(Array.isArray(aliases) && aliases.every((alias) => typeof alias === 'string')))
      this.#report('structure', path, 'aliases must be a list of names');
  }

  #doc(kind: string, schema: Attributes, path: string): void {
    const { doc } = schema;
    if (typeof doc !== 'string' || doc.trim() === '') this.#report('doc', path, `the ${kind} must have a doc`);
  }

  #report(rule: LintRule, path: string, why: string): void {
    this.problems.push({ rule, path: path === '' ? '(root)' : path, why });
  }
}

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
function lintBounds(schema: Attributes): readonly string[] {
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
