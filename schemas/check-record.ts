/**
 * What a record is held against: the structure and bounds that its schema states (`compileCheck`), and rules over several fields
 * (record-rules.ts). The structure is checked twice over: here, in words, and by the generated source of compile-reader.ts and
 * compile-writer.ts, which let nothing through in which this check would find a problem.
 */
import type { Problem } from '../errors/harvestline-error.ts';
import {
  type AvroArray,
  type AvroEnum,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type Bounds,
  boundsOf,
  isUnion,
  nullableOf,
  GREATEST_LONG,
  LEAST_LONG,
} from './avro-schema.ts';

/** Appends every problem of `value` to `problems`; none for a good value. */
type Explain = (value: unknown, path: string, problems: Problem[]) => void;

/**
 * Compiles `schema` into a function that returns every problem of a value: structure, undeclared fields, finite numbers,
 * bounds; none for a good value.
 *
 * avsc's own `isValid` is not enough: it lets NaN through, stops at the first undeclared field, accepts inherited names such
 * as `constructor` as enum symbols, and knows no bounds. A property test holds that whatever passes here, avsc accepts and
 * brings back unchanged.
 */
export function compileCheck(schema: AvroRecord): (value: unknown) => readonly Problem[] {
  const explain = compile(schema);
  return (value) => {
    const problems: Problem[] = [];
    explain(value, '', problems);
    return problems;
  };
}

function compile(schema: AvroSchema): Explain {
  if (isUnion(schema)) {
    const inner = nullableOf(schema);
    if (inner === undefined) throw new Error('only ["null", T] unions are checked; schemas check refuses others');
    const explain = compile(inner);
    return (value, path, problems) => {
      if (value !== null) explain(value, path, problems);
    };
  }
  if (typeof schema === 'string') return compileScalar(schema, {});
  switch (schema.type) {
    case 'record':
      return compileRecord(schema);
    case 'enum':
      return compileEnum(schema);
    case 'array':
      return compileArray(schema);
    default:
      return compileScalar(schema.type, boundsOf(schema));
  }
}

function compileRecord(schema: AvroRecord): Explain {
  const fields = schema.fields.map((field) => ({
    name: field.name,
    optional: field.default !== undefined,
    explain: compile(field.type),
  }));
  const declared = new Set(schema.fields.map((field) => field.name));
  return (value, path, problems) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return refuse(problems, path, `must be an object, found ${describe(value)}`);
    }
    const record = value as Readonly<Record<string, unknown>>;
    for (const { name, optional, explain } of fields) {
      const item = record[name];
      if (item !== undefined) explain(item, join(path, name), problems);
      else if (!optional) refuse(problems, join(path, name), 'is missing');
    }
    for (const name of Object.keys(record)) {
      if (!declared.has(name)) refuse(problems, join(path, name), 'is not declared in the schema');
    }
  };
}

/** The default symbol stands for symbols an older reader does not know. Nobody may write it, nobody may act on it. */
function compileEnum(schema: AvroEnum): Explain {
  const symbols = schema.symbols.filter((symbol) => symbol !== schema.default);
  const allowed: ReadonlySet<unknown> = new Set(symbols);
  return (value, path, problems) => {
    if (!allowed.has(value)) refuse(problems, path, `must be one of ${symbols.join(', ')}, found ${describe(value)}`);
  };
}

function compileArray(schema: AvroArray): Explain {
  const explain = compile(schema.items);
  const { minItems = 0, maxItems = Infinity } = boundsOf(schema);
  return (value, path, problems) => {
    if (!Array.isArray(value)) return refuse(problems, path, `must be an array, found ${describe(value)}`);
    const { length } = value;
    if (length < minItems) refuse(problems, path, `must have at least ${minItems} items, found ${length}`);
    if (length > maxItems) refuse(problems, path, `must have at most ${maxItems} items, found ${length}`);
    for (const [index, item] of value.entries()) explain(item, `${path}[${index}]`, problems);
  };
}

function compileScalar(type: AvroPrimitive, bounds: Bounds): Explain {
  switch (type) {
    case 'double':
      return compileNumber(bounds, Number.isFinite, 'a finite number');
    case 'float':
      return compileNumber(bounds, isFloat, 'a finite 32-bit number');
    case 'long':
      return compileNumber(bounds, isLong, 'a whole number from -2^52 to 2^53 - 2');
    case 'int':
      return compileNumber(bounds, (value) => (value | 0) === value, 'a 32-bit whole number');
    case 'string':
      return compileString(bounds);
    case 'boolean':
      return (value, path, problems) => {
        if (typeof value !== 'boolean') refuse(problems, path, `must be true or false, found ${describe(value)}`);
      };
    default:
      throw new Error(`Avro ${type} is not used by this project's schemas`);
  }
}

function compileNumber(bounds: Bounds, accepts: (value: number) => boolean, kind: string): Explain {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds;
  return (value, path, problems) => {
    if (typeof value !== 'number' || !accepts(value)) {
      return refuse(problems, path, `must be ${kind}, found ${describe(value)}`);
    }
    const within = value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
    if (within) return;
    // Where only positive numbers are allowed, 0 or less has nothing to do with the upper bound.
    const ends = minimum > 0 && value <= 0 ? 'above 0' : boundsText(bounds);
    refuse(problems, path, `must be ${ends}, found ${value}`);
  };
}

function isLong(value: number): boolean {
  return Number.isInteger(value) && value >= LEAST_LONG && value <= GREATEST_LONG;
}

/** Another number would come back rounded, or as infinity. */
function isFloat(value: number): boolean {
  return Number.isFinite(value) && Math.fround(value) === value;
}

function boundsText(bounds: Bounds): string {
  const parts = [
    bounds.exclusiveMinimum === undefined ? undefined : `above ${bounds.exclusiveMinimum}`,
    bounds.minimum === undefined ? undefined : `at least ${bounds.minimum}`,
    bounds.exclusiveMaximum === undefined ? undefined : `below ${bounds.exclusiveMaximum}`,
    bounds.maximum === undefined ? undefined : `at most ${bounds.maximum}`,
  ];
  return parts.filter((part) => part !== undefined).join(' and ');
}

function compileString(bounds: Bounds): Explain {
  const { minLength = 0, maxLength = Infinity } = bounds;
  return (value, path, problems) => {
    if (typeof value !== 'string') return refuse(problems, path, `must be a string, found ${describe(value)}`);
    const { length } = value;
    if (length < minLength)
      refuse(problems, path, minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`);
    if (length > maxLength) refuse(problems, path, `must have at most ${maxLength} characters, found ${length}`);
    // UTF-8 has no lone surrogates: they would come back as U+FFFD, another string than was written.
    if (!value.isWellFormed()) refuse(problems, path, 'must be well-formed Unicode');
  };
}

function refuse(problems: Problem[], path: string, why: string): void {
  problems.push({ path: path === '' ? '(root)' : path, why });
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The value as a reader recognises it, cut to a length that fits a log line. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'object':
      return 'an object';
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return typeof value;
  }
}

/** A condition of generated source that says what `compileNumber` says: true where `x`, a number, is one of that type and within its bounds. False for NaN, as every comparison with it is. */
export function numberCondition(type: AvroPrimitive, bounds: Bounds): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds;
  const [least, greatest] = type === 'long' ? [LEAST_LONG, GREATEST_LONG] : [-Infinity, Infinity];
  const tests = [
    type === 'int' ? '(x | 0) === x' : undefined,
    type === 'long' ? 'Number.isInteger(x)' : undefined,
    type === 'float' ? 'Math.fround(x) === x' : undefined,
    `x ${Number.isFinite(least) ? '>=' : '>'} ${least}`,
    `x ${Number.isFinite(greatest) ? '<=' : '<'} ${greatest}`,
    minimum === undefined ? undefined : `x >= ${minimum}`,
    maximum === undefined ? undefined : `x <= ${maximum}`,
    exclusiveMinimum === undefined ? undefined : `x > ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? undefined : `x < ${exclusiveMaximum}`,
  ];
  return tests.filter((test) => test !== undefined).join(' && ');
}

/** The same as `compileString` says of a length. */
export function lengthCondition(text: string, { minLength = 0, maxLength = Infinity }: Bounds): string {
  return `${text}.length >= ${minLength} && ${text}.length <= ${maxLength}`;
}

/** The same as `compileArray` says of a count. */
export function itemsCondition(count: string, { minItems = 0, maxItems = Infinity }: Bounds): string {
  return `${count} >= ${minItems} && ${count} <= ${maxItems}`;
}

/** Index of every symbol but the default one, which nobody may write or act on. */
export function indexOfSymbols({ symbols, default: fallback }: AvroEnum): ReadonlyMap<string, number> {
  return new Map(symbols.map((symbol, index) => [symbol, index] as const).filter(([symbol]) => symbol !== fallback));
}

/**
 * A rule over several fields of one record. It runs only when the fields it needs passed their own checks, so that one fault is named once.
 */
export interface RecordRule<R> {
  /** Cited by tests. Never reused. */
  readonly id: string;
  /** The path a violation is reported at. */
  readonly path: string;
  readonly needs: readonly (keyof R & string)[];
  /** Why the record breaks the rule; null when it keeps it. */
  readonly violation: (record: R) => string | null;
}

/** Whether a nullable field has a value: a producer may leave it out altogether. */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/**
 * Whether a record whose structure is good keeps every rule. Generated source: each rule is called from a place of its own there, so that it is
 * compiled into the check, which runs for every record.
 */
export function compileRules(rules: readonly RecordRule<never>[]): (record: object) => boolean {
  const names = rules.map((_, index) => `rule${index}`);
  const keeps = ['true', ...names.map((name) => `${name}(record) === null`)].join(' && ');
  // oxlint-disable-next-line no-implied-eval -- made of numbered names alone
  return new Function(...names, `'use strict'; return (record) => ${keeps};`)(
    ...rules.map(({ violation }) => violation),
  ) as (record: object) => boolean;
}

/** The problems of its structure, and those of the rules whose fields have none. */
export function withRules(
  structural: readonly Problem[],
  rules: readonly RecordRule<never>[],
  record: unknown,
): readonly Problem[] {
  if (typeof record !== 'object' || record === null) return structural;
  let problems: Problem[] | undefined;
  for (const rule of rules) {
    if (structural.length > 0 && rule.needs.some((field) => concerns(structural, field))) continue;
    const why = rule.violation(record as never);
    if (why !== null) (problems ??= [...structural]).push({ path: rule.path, why });
  }
  return problems ?? structural;
}

function concerns(problems: readonly Problem[], field: string): boolean {
  return problems.some(({ path }) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
}
