import {
  type AvroArray,
  type AvroEnum,
  type AvroField,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type Bounds,
  BOUNDS_LOGICAL_TYPE,
  isUnion,
  nullableOf,
} from './avro-schema.ts';
import type { Problem } from '../errors/harvestline-error.ts';

/**
 * A check compiled from a schema: structure, undeclared fields, finite numbers and bounds. With a `report` it goes on
 * after a failure and names every failing path; without one it stops at the first, which is the fast way for good records.
 */
type Check = (value: unknown, report: Problem[] | null, path: string) => boolean;

/**
 * Compiles `schema` into a function that returns every problem of a value, none for a good one.
 *
 * avsc's own `isValid` is not enough here: it lets NaN through, stops at the first undeclared field, accepts inherited
 * names such as `constructor` as enum symbols, and knows no bounds. A property test holds that whatever passes here, avsc
 * accepts and brings back unchanged.
 */
export function compileCheck(schema: AvroRecord): (value: unknown) => readonly Problem[] {
  const check = compile(schema);
  return (value) => {
    if (check(value, null, '')) return [];
    const problems: Problem[] = [];
    check(value, problems, '');
    return problems;
  };
}

function compile(schema: AvroSchema): Check {
  if (isUnion(schema)) {
    const inner = nullableOf(schema);
    if (inner === undefined) throw new Error('only ["null", T] unions are checked; schemas check refuses others');
    const check = compile(inner);
    return (value, report, path) => value === null || check(value, report, path);
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
      return compileScalar(schema.type, schema.logicalType === BOUNDS_LOGICAL_TYPE ? schema : {});
  }
}

function compileRecord(schema: AvroRecord): Check {
  const fields = schema.fields.map((field) => ({
    name: field.name,
    optional: hasDefault(field),
    check: compile(field.type),
  }));
  const declared = new Set(schema.fields.map((field) => field.name));
  return (value, report, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return fail(report, path, `must be an object, found ${describe(value)}`);
    }
    const record = value as Readonly<Record<string, unknown>>;
    let good = true;
    let present = 0;
    for (const field of fields) {
      const item = record[field.name];
      if (item === undefined) {
        if (field.optional) continue;
        good = fail(report, join(path, field.name), 'is missing');
      } else {
        present += 1;
        if (!field.check(item, report, report === null ? '' : join(path, field.name))) good = false;
      }
      if (!good && report === null) return false;
    }
    const names = Object.keys(record);
    // As many names as declared fields were found: none is left over. This spares good records the look at each name.
    if (names.length === present) return good;
    for (const name of names) {
      if (declared.has(name)) continue;
      good = fail(report, join(path, name), 'is not declared in the schema');
      if (report === null) return false;
    }
    return good;
  };
}

function hasDefault(field: AvroField): boolean {
  return field.default !== undefined;
}

/** The default symbol stands for symbols an older reader does not know. Nobody may write it, nobody may act on it. */
function compileEnum(schema: AvroEnum): Check {
  const symbols = schema.symbols.filter((symbol) => symbol !== schema.default);
  const allowed: ReadonlySet<unknown> = new Set(symbols);
  return (value, report, path) =>
    allowed.has(value) || fail(report, path, `must be one of ${symbols.join(', ')}, found ${describe(value)}`);
}

function compileArray(schema: AvroArray): Check {
  const check = compile(schema.items);
  const bounds: Bounds = schema.logicalType === BOUNDS_LOGICAL_TYPE ? schema : {};
  const { minItems = 0, maxItems = Infinity } = bounds;
  return (value, report, path) => {
    if (!Array.isArray(value)) return fail(report, path, `must be an array, found ${describe(value)}`);
    let good = true;
    if (value.length < minItems)
      good = fail(report, path, `must have at least ${minItems} items, found ${value.length}`);
    if (value.length > maxItems)
      good = fail(report, path, `must have at most ${maxItems} items, found ${value.length}`);
    for (const [index, item] of value.entries()) {
      if (check(item, report, report === null ? '' : `${path}[${index}]`)) continue;
      good = false;
      if (report === null) return false;
    }
    return good;
  };
}

function compileScalar(type: AvroPrimitive, bounds: Bounds): Check {
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
      return (value, report, path) =>
        typeof value === 'boolean' || fail(report, path, `must be true or false, found ${describe(value)}`);
    default:
      throw new Error(`Avro ${type} is not used by this project's schemas`);
  }
}

function compileNumber(bounds: Bounds, accepts: (value: number) => boolean, kind: string): Check {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds;
  return (value, report, path) => {
    if (typeof value !== 'number' || !accepts(value))
      return fail(report, path, `must be ${kind}, found ${describe(value)}`);
    if (value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum) return true;
    return fail(report, path, `must be ${boundsText(bounds)}, found ${value}`);
  };
}

/** avsc refuses 2^53 - 1, and brings what is below -2^52 back as another number: its zigzag form is odd and above 2^53. */
const LEAST_LONG = -(2 ** 52);
const GREATEST_LONG = 2 ** 53 - 2;

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

function compileString(bounds: Bounds): Check {
  const { minLength = 0, maxLength = Infinity } = bounds;
  return (value, report, path) => {
    if (typeof value !== 'string') return fail(report, path, `must be a string, found ${describe(value)}`);
    if (value.length < minLength)
      return fail(report, path, minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`);
    if (value.length > maxLength)
      return fail(report, path, `must have at most ${maxLength} characters, found ${value.length}`);
    // UTF-8 has no lone surrogates: they would come back as U+FFFD, another string than was written.
    return value.isWellFormed() || fail(report, path, 'must be well-formed Unicode');
  };
}

function fail(report: Problem[] | null, path: string, why: string): false {
  report?.push({ path: path === '' ? '(root)' : path, why });
  return false;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The value as a reader recognises it, cut to a length that fits a log line. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'number':
      return String(value);
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'object':
      return 'an object';
    case 'boolean':
      return String(value);
    default:
      return typeof value;
  }
}
