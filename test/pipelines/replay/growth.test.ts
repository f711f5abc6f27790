import { expect, it } from 'vitest';
import { Growth } from '../../../pipelines/replay/growth.ts';
import { aSnapshot } from '../../fixtures/a-snapshot.ts';

const at = (quantity: number, entry_price: number, mark_price = 104, initial_stop_price: number | null = 98) =>
  aSnapshot({}, { quantity, entry_price, mark_price, initial_stop_price });

it('all is added at first, then what the quantity grows by, at the price that the average entry tells', () => {
  const growth = new Growth(0.02);
  expect(growth.next(at(10, 100))).toEqual({ quantity: 10, price: 100, risk: 20 });
  expect(growth.next(at(10, 100))).toBeNull();
  // (10 * 100 + 10 * 104) / 20 = 102.
  expect(growth.next(at(20, 102))).toEqual({ quantity: 10, price: 104, risk: 60 });
});

it('a partial close in between adds nothing, and what grows after it is measured from what was left', () => {
  const growth = new Growth(0.02);
  growth.next(at(10, 100));
  expect(growth.next(at(4, 100))).toBeNull();
  expect(growth.next(at(8, 102))).toMatchObject({ quantity: 4, price: 104 });
});

it('without a stop the risk is the default one; a price that cannot be is the mark', () => {
  const growth = new Growth(0.02);
  expect(growth.next(at(10, 100, 104, null))).toMatchObject({ risk: 20 });
  expect(growth.next(at(10.001, 150))).toMatchObject({ price: 104 });
});
