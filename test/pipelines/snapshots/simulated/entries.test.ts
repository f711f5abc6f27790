import { Decimal } from 'decimal.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOpening, slotKey, slotsOf, wholeLots } from '../../../../pipelines/snapshots/simulated/entries.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import { countedBranches } from '../../../fixtures/counted-branches.ts';
import { MemoryBook } from './memory-book.ts';

describe('planOpening', () => {
  test('whole lots worth 500 to 5,000, the stop on the losing side within its bounds', () => {
    const hit = countedBranches({ 'a share that no bound cuts': 20 });
    fc.assert(
      fc.property(
        fc.constantFrom('LONG', 'SHORT'),
        fc.double({ min: 0.0001, max: 200_000, noNaN: true }),
        fc.oneof(
          fc.double({ min: 0.00001, max: 0.2, noNaN: true }),
          fc.double({ min: 0.003, max: 0.011, noNaN: true }),
        ),
        fc.integer(),
        (side, price, rangeShare, seed) => {
          const rules = new MemoryBook().marketRules('X', price);
          const stream = new SeededRandom(seed).stream('test');
          const opening = planOpening(side, price, rangeShare * price, rules, stream);
          if (opening === null) throw new Error('a size far above the minimum was refused');
          const quantity = new Decimal(opening.quantity);
          expect(quantity.mod(rules.lotStep).isZero()).toBe(true);
          // Rounded down by less than a lot, which is worth at most one quote unit.
          expect(quantity.times(price).toNumber()).toBeGreaterThan(499);
          expect(quantity.times(price).toNumber()).toBeLessThanOrEqual(5_000);
          const risk = (side === 'LONG' ? price - opening.initialStopPrice : opening.initialStopPrice - price) / price;
          expect(risk).toBeGreaterThan(0.00399);
          expect(risk).toBeLessThan(0.03001);
          if (rangeShare > 0.003 && rangeShare < 0.011) {
            hit('a share that no bound cuts');
            expect(risk / rangeShare).toBeGreaterThan(1.499);
            expect(risk / rangeShare).toBeLessThan(2.501);
          }
        },
      ),
    );
  });

  test('wholeLots rounds down, and refuses what is below the minimum size or value', () => {
    const rules = { lotStep: '0.001', minQuantity: '0.002', maxQuantity: null, minNotional: '5' };
    expect(wholeLots(new Decimal('0.0129999'), 1_000, rules)).toBe('0.012');
    expect(wholeLots(new Decimal('0.0019999'), 100_000, rules)).toBeNull();
    expect(wholeLots(new Decimal('0.0049'), 1_249, rules)).toBeNull();
    expect(wholeLots(new Decimal('0.0049'), 1_250, rules)).toBe('0.004');
    expect(
      wholeLots(new Decimal('0.0000001'), 1, {
        lotStep: '0.001',
        minQuantity: '0',
        maxQuantity: null,
        minNotional: '0',
      }),
    ).toBeNull();
  });
});

describe('slotsOf', () => {
  test.each([
    [1, 15, 15],
    [2, 15, 8],
    [4, 15, 4],
    [15, 15, 1],
    [20, 15, 1],
  ])('%d symbols give %d different slots on %d accounts', (symbols, count, accounts) => {
    const names = Array.from({ length: symbols }, (_, index) => `S${index}`);
    const slots = slotsOf('desk', names, count);
    expect(new Set(slots.map(slotKey)).size).toBe(count);
    expect(new Set(slots.map((slot) => slot.account)).size).toBe(accounts);
  });

  test('one account is the desk itself, several are numbered', () => {
    expect(slotsOf('desk', ['A', 'B'], 2)).toEqual([
      { account: 'desk', symbol: 'A' },
      { account: 'desk', symbol: 'B' },
    ]);
    expect(slotsOf('desk', ['A', 'B'], 3).map(slotKey)).toEqual(['desk-1:A', 'desk-1:B', 'desk-2:A']);
  });
});
