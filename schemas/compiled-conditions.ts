import { GREATEST_LONG, LEAST_LONG } from './avro-limits.ts';
import type { AvroEnum, AvroPrimitive, Bounds } from './avro-schema.ts';

/** Conditions in generated source, which the compiled reader and the compiled writer share. They say what check-record.ts says. */

/** True where `x`, a number, is one of that type and within its bounds. False for NaN, as every comparison with it is. */
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

/** True where a string has an allowed length. */
export function lengthCondition(text: string, { minLength = 0, maxLength = Infinity }: Bounds): string {
  return `${text}.length >= ${minLength} && ${text}.length <= ${maxLength}`;
}

/** True where that many items are allowed. */
export function itemsCondition(count: string, { minItems = 0, maxItems = Infinity }: Bounds): string {
  return `${count} >= ${minItems} && ${count} <= ${maxItems}`;
}

/** Index of every symbol but the default one, which nobody may write or act on. */
export function indexOfSymbols({ symbols, default: fallback }: AvroEnum): ReadonlyMap<string, number> {
  return new Map(symbols.map((symbol, index) => [symbol, index] as const).filter(([symbol]) => symbol !== fallback));
}
