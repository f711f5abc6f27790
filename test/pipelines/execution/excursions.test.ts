import { expect, test } from 'vitest';
import { excursionsOf, riskOf } from '../../../pipelines/execution/excursions.ts';
import { Exact } from '../../../ports/exact-decimal.ts';

const LONG = { side: 'LONG', entry_price: 100, initial_stop_price: 98, peak_price: 108, worst_price: 99 } as const;
const SHORT = { side: 'SHORT', entry_price: 100, initial_stop_price: 102, peak_price: 92, worst_price: 101 } as const;

test.each([
  ['inside what was observed', LONG, 107, { mae_r: -0.5, mfe_r: 4 }],
  ['better than any mark', LONG, 110, { mae_r: -0.5, mfe_r: 5 }],
  ['worse than any mark', LONG, 95, { mae_r: -2.5, mfe_r: 4 }],
  ['of a SHORT', SHORT, 93, { mae_r: -0.5, mfe_r: 4 }],
  ['of a SHORT, worse than any mark', SHORT, 106, { mae_r: -3, mfe_r: 4 }],
  ['without a stop', { ...LONG, initial_stop_price: null }, 107, { mae_r: null, mfe_r: null }],
  ['without prices', { ...LONG, peak_price: null, worst_price: null }, 107, { mae_r: null, mfe_r: null }],
])('an exit %s', (_, position, exit, expected) => {
  expect(excursionsOf(position, exit)).toEqual(expected);
});

test('a stop at the entry is no risk to measure by', () => {
  expect(riskOf({ entry_price: 100, initial_stop_price: 100 }, new Exact(1))).toBeNull();
  expect(riskOf(LONG, new Exact('0.5'))?.toNumber()).toBe(1);
});
