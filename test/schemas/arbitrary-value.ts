import * as fc from 'fast-check';
import { type AvroSchema, type Bounds, isUnion, nullableOf } from '../../schemas/avro-schema.ts';

/** Values that a schema allows, bounds included: what is generated knows nothing of the checker. */
export function valueOf(schema: AvroSchema): fc.Arbitrary<unknown> {
  if (isUnion(schema)) {
    const inner = nullableOf(schema);
    if (inner === undefined) throw new Error('not a nullable');
    return fc.option(valueOf(inner), { nil: null, freq: 3 });
  }
  if (typeof schema === 'string') return scalarOf(schema, {});
  switch (schema.type) {
    case 'record':
      return fc.record(Object.fromEntries(schema.fields.map((field) => [field.name, valueOf(field.type)])));
    case 'enum':
      return fc.constantFrom(...schema.symbols.filter((symbol) => symbol !== schema.default));
    case 'array':
      return fc.array(valueOf(schema.items), { minLength: schema.minItems ?? 0, maxLength: 5 });
    default:
      return scalarOf(schema.type, schema);
  }
}

function scalarOf(type: string, bounds: Bounds): fc.Arbitrary<unknown> {
  switch (type) {
    case 'double':
      return fc.double({
        noNaN: true,
        min: bounds.exclusiveMinimum ?? bounds.minimum ?? -Number.MAX_VALUE,
        max: bounds.exclusiveMaximum ?? bounds.maximum ?? Number.MAX_VALUE,
        minExcluded: bounds.exclusiveMinimum !== undefined,
        maxExcluded: bounds.exclusiveMaximum !== undefined,
      });
    case 'float':
      return fc.float({
        noNaN: true,
        noDefaultInfinity: true,
        min: bounds.exclusiveMinimum ?? -(2 ** 100),
        minExcluded: bounds.exclusiveMinimum !== undefined,
      });
    case 'long':
      return fc.integer({
        min: bounds.minimum ?? (bounds.exclusiveMinimum === undefined ? -(2 ** 52) : bounds.exclusiveMinimum + 1),
        max: bounds.maximum ?? (bounds.exclusiveMaximum === undefined ? 2 ** 53 - 2 : bounds.exclusiveMaximum - 1),
      });
    case 'int':
      return fc.integer({ min: bounds.minimum ?? -(2 ** 31), max: bounds.maximum ?? 2 ** 31 - 1 });
    case 'boolean':
      return fc.boolean();
    case 'string':
      return fc.string({ unit: 'binary', minLength: bounds.minLength ?? 0, maxLength: 20 });
    default:
      throw new Error(`no values for ${type}`);
  }
}

/** Values that break most fields, each in its own way. */
export const ODD_VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53) + 1,
  '',
  'constructor',
  '__proto__',
  'UNRECOGNISED',
  '\ud800',
  'x'.repeat(257),
  [],
  [null],
  [undefined],
  {},
  { value: 1 },
  7n,
];

export const ODD_VALUE: fc.Arbitrary<unknown> = fc.constantFrom(...ODD_VALUES);
