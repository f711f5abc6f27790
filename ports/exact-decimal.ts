import { Decimal } from 'decimal.js';
import type { DecimalText } from './exchange.ts';

/**
 * Decimal arithmetic for quantities and prices. A double names at most 17 significant digits, a product of two of them 34,
 * and sums over orders of different magnitude some more: with 40 no sum, difference or product of quantities and prices is
 * ever rounded, so flooring to a lot step never lands one step off.
 */
export const Exact = Decimal.clone({ precision: 40 });
export type Exact = InstanceType<typeof Exact>;

/** Plain notation without an exponent: the one form in which a number is kept, so that flat is always `0`. */
export function toText(value: Exact): DecimalText {
  return value.toFixed();
}
