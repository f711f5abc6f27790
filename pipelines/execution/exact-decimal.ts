import { Decimal } from 'decimal.js';

/**
 * Decimal arithmetic for quantities and prices. A position times a fraction is a product of two doubles of up to 17
 * significant digits: with 40 it is exact, so flooring it to a lot step never lands one step off.
 */
export const Exact = Decimal.clone({ precision: 40 });
export type Exact = InstanceType<typeof Exact>;
