import { Decimal } from 'decimal.js';

/**
 * Decimal arithmetic of the paper venue. Doubles name at most 17 significant digits, and sums over orders of different
 * magnitude some more: with 40 no sum, difference or product of quantities and prices is ever rounded.
 */
export const Exact = Decimal.clone({ precision: 40 });
export type Exact = InstanceType<typeof Exact>;

/** Plain notation without an exponent: the one form in which the book keeps a number, so that flat is always `0`. */
export function toText(value: Exact): string {
  return value.toFixed();
}
