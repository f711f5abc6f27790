import { GREATEST_LONG, LEAST_LONG } from './avro-limits.ts';
import {
  type AvroEnum,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type Bounds,
  boundsOf,
  isUnion,
  nullableOf,
} from './avro-schema.ts';

/**
 * Compiles `schema` into a test that is true for good values only. It may be false for a good one (a field that is there as
 * `undefined`): the check that explains decides then. The test is generated source, as avsc's own readers and writers are:
 * straight-line code over named fields is several times faster than a walk over the schema, and it runs for every record.
 *
 * Invariant F1: true here means no problem in check-record.ts. A property test holds it.
 */
export function compileFastTest(schema: AvroRecord): (value: unknown) => boolean {
  const functions: string[] = [];
  const entry = declareRecord(schema, functions);
  // oxlint-disable-next-line no-implied-eval -- the source is made of the project's own schemas, names and symbols quoted
  return new Function(`'use strict';\n${functions.join('\n')}\nreturn ${entry};`)() as (value: unknown) => boolean;
}

/** An expression that is true when the good value is in the variable `x`. */
function expression(schema: AvroSchema, functions: string[]): string {
  if (isUnion(schema)) {
    const inner = nullableOf(schema);
    return inner === undefined ? 'false' : `(x === null || ${expression(inner, functions)})`;
  }
  if (typeof schema === 'string') return scalar(schema, {});
  switch (schema.type) {
    case 'record':
      return `${declareRecord(schema, functions)}(x)`;
    case 'enum':
      return oneOf(schema);
    case 'array':
      return `${declareArray(schema.items, boundsOf(schema), functions)}(x)`;
    default:
      return scalar(schema.type, boundsOf(schema));
  }
}

function declareRecord(schema: AvroRecord, functions: string[]): string {
  const lines = schema.fields.map((field) => {
    const read = `x = value[${JSON.stringify(field.name)}];`;
    const test = `if (!${expression(field.type, functions)}) return false;`;
    return field.default === undefined ? `${read} ${test}` : `${read} if (x === undefined) absent++; else ${test}`;
  });
  // As many names as declared fields were found: none is left over.
  return declare(
    `if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
     let x; let absent = 0;
     ${lines.join('\n')}
     return Object.keys(value).length + absent === ${schema.fields.length};`,
    functions,
  );
}

function declareArray(items: AvroSchema, { minItems = 0, maxItems = Infinity }: Bounds, functions: string[]): string {
  return declare(
    `if (!Array.isArray(value) || value.length < ${minItems} || value.length > ${maxItems}) return false;
     for (let i = 0; i < value.length; i++) { const x = value[i]; if (!${expression(items, functions)}) return false; }
     return true;`,
    functions,
  );
}

function declare(body: string, functions: string[]): string {
  const name = `test${functions.length}`;
  functions.push(`function ${name}(value) {\n${body}\n}`);
  return name;
}

function oneOf(schema: AvroEnum): string {
  const symbols = schema.symbols.filter((symbol) => symbol !== schema.default);
  return `(${symbols.map((symbol) => `x === ${JSON.stringify(symbol)}`).join(' || ') || 'false'})`;
}

function scalar(type: AvroPrimitive, bounds: Bounds): string {
  switch (type) {
    case 'double':
      return number('Number.isFinite(x)', bounds);
    case 'float':
      return number('Number.isFinite(x) && Math.fround(x) === x', bounds);
    case 'long':
      return number(`Number.isInteger(x) && x >= ${LEAST_LONG} && x <= ${GREATEST_LONG}`, bounds);
    case 'int':
      return number("typeof x === 'number' && (x | 0) === x", bounds);
    case 'string': {
      const { minLength = 0, maxLength = Infinity } = bounds;
      return `(typeof x === 'string' && x.length >= ${minLength} && x.length <= ${maxLength} && x.isWellFormed())`;
    }
    case 'boolean':
      return `(typeof x === 'boolean')`;
    default:
      return 'false';
  }
}

function number(kind: string, { minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Bounds): string {
  const tests = [
    kind,
    minimum === undefined ? undefined : `x >= ${minimum}`,
    maximum === undefined ? undefined : `x <= ${maximum}`,
    exclusiveMinimum === undefined ? undefined : `x > ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? undefined : `x < ${exclusiveMaximum}`,
  ];
  return `(${tests.filter((test) => test !== undefined).join(' && ')})`;
}
