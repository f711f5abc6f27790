import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
// By path: the package exports only its entry, which loads every exchange.
import { TICK_SIZE, TRUNCATE, decimalToPrecision } from '../../../node_modules/ccxt/js/src/base/functions/number.js';
import { Exact } from '../../../ports/exact-decimal.ts';
import { floorToStep, sizeOrder } from '../../../pipelines/execution/size-order.ts';
import { countedBranches } from '../../counted-branches.ts';

const rules = (lotStep: string, minQuantity = lotStep, minNotional = '5', maxQuantity: string | null = null) => ({
  lotStep,
  minQuantity,
  maxQuantity,
  minNotional,
});

describe('sizeOrder', () => {
  // position, fraction, mark price, rules -> requested, rounded, reason
  it.each([
    // Fractions of the deployment report, on positions of every lot step.
    ['1000', 0.58, 0.186, rules('1'), '580', '580', 'ORDER_SENT'],
    ['1234', 0.58, 0.186, rules('1'), '715.72', '715', 'ORDER_SENT'],
    ['3370', 0.75, 3.37, rules('10'), '2527.5', '2520', 'ORDER_SENT'],
    ['1.5', 0.45, 107, rules('0.1'), '0.675', '0.6', 'ORDER_SENT'],
    ['0.1', 0.53, 65000, rules('0.001'), '0.053', '0.053', 'ORDER_SENT'],
    // Where doubles go wrong: 0.07 x 100 = 7.000000000000001, 0.29 x 100 = 28.999999999999996.
    ['100', 0.07, 10, rules('1'), '7', '7', 'ORDER_SENT'],
    ['100', 0.29, 10, rules('1'), '29', '29', 'ORDER_SENT'],
    ['0.3', 0.1, 65000, rules('0.001'), '0.03', '0.03', 'ORDER_SENT'],
    // The whole, also when it is no multiple of the lot step.
    ['1000', 1, 0.186, rules('1'), '1000', '1000', 'ORDER_SENT'],
    ['10.37', 1, 3.37, rules('0.1'), '10.37', '10.3', 'ORDER_SENT'],
    // Z3: what 0.75 leaves, 2 contracts, is under the minimum quantity of 3, or worth less than 5.
    ['8', 0.75, 100, rules('1', '3'), '6', '8', 'REMAINDER_INCLUDED'],
    ['40', 0.75, 0.45, rules('1'), '30', '40', 'REMAINDER_INCLUDED'],
    ['0.001', 0.5, 65000, rules('0.001'), '0.0005', '0', 'BELOW_MINIMUM'],
    // Z4: 0.4 rounds to nothing, 4 contracts are worth less than 5; the rest can be closed later.
    ['10', 0.04, 100, rules('1'), '0.4', '0', 'BELOW_MINIMUM'],
    ['40', 0.1, 0.45, rules('1'), '4', '4', 'BELOW_MINIMUM'],
    // Nothing there, and dust that no order can close.
    ['0', 0.5, 100, rules('1'), '0', '0', 'FLAT'],
    ['0.4', 1, 100, rules('1'), '0.4', '0.4', 'BELOW_MINIMUM'],
  ] as const)('%s x %s at %s', (position, fraction, mark, market, requested, rounded, reason) => {
    const sizing = sizeOrder(position, fraction, mark, market);
    expect([sizing.requested.toFixed(), sizing.rounded.toFixed(), sizing.reason]).toEqual([requested, rounded, reason]);
  });

  it.each([
    // Z5: 1000 contracts may go in one order; 250 are left, which a later order can close.
    ['1250', 1, '1000', 'MAXIMUM_SENT'],
    ['1000', 1, '1000', 'ORDER_SENT'],
    // The 1 that would be left is under the minimum of 5: the order leaves 5 instead.
    ['1001', 1, '996', 'MAXIMUM_SENT'],
  ] as const)('%s x %s where 1000 is the most that an order may be', (position, fraction, rounded, reason) => {
    const sizing = sizeOrder(position, fraction, 100, rules('1', '5', '5', '1000'));
    expect([sizing.kind, sizing.rounded.toFixed(), sizing.reason]).toEqual(['order', rounded, reason]);
  });

  it.each([
    // Of 9, at most 8 in an order, at least 5: no two orders close it, so the most is closed.
    ['9', rules('1', '5', '5', '8'), 'order', '8', 'MAXIMUM_SENT'],
    // No order at all is possible where the maximum is below the minimum, or below a lot.
    ['9', rules('1', '5', '5', '4'), 'none', '4', 'BELOW_MINIMUM'],
    ['9', rules('1', '1', '5', '0.5'), 'none', '0', 'BELOW_MINIMUM'],
  ] as const)('Z5: %s in a market that is hardly one', (position, market, kind, rounded, reason) => {
    const sizing = sizeOrder(position, 1, 100, market);
    expect([sizing.kind, sizing.rounded.toFixed(), sizing.reason]).toEqual([kind, rounded, reason]);
  });

  it('says the figures where the size is not the fraction', () => {
    expect(sizeOrder('40', 0.75, 0.45, rules('1')).detail).toBe(
      '30 of 40 would leave 10: worth 4.5, below the minimum 5',
    );
    expect(sizeOrder('10', 0.04, 100, rules('1')).detail).toBe('0.4 of 10 rounds to 0: below the minimum quantity 1');
  });

  it('Z1, Z2, Z3, Z5, Z6: never above position or maximum, whole lots, and a rest that can be closed but for dust', () => {
    const hit = countedBranches({ order: 40, rest: 20 });
    fc.assert(
      fc.property(aCase, ({ position, fraction, mark, market }) => {
        const sizing = sizeOrder(position, fraction, mark, market);
        if (sizing.kind !== 'order') return;
        hit('order');
        const open = floorToStep(new Exact(position), market.lotStep);
        const rest = open.sub(sizing.rounded);
        expect(sizing.rounded.gt(0)).toBe(true);
        expect(rest.gte(0)).toBe(true);
        expect(market.maxQuantity === null || sizing.rounded.lte(market.maxQuantity)).toBe(true);
        expect(sizing.rounded.mod(market.lotStep).isZero()).toBe(true);
        if (rest.isZero()) return;
        hit('rest');
        expect(sizing.rounded.lte(new Exact(position).mul(fraction))).toBe(true);
        expect(rest.gte(market.minQuantity) && rest.mul(mark).gte(market.minNotional)).toBe(true);
      }),
    );
  });

  it('Z4: what is left to a later intent really is below a minimum, and the position is not', () => {
    const hit = countedBranches({ 'left to a later intent': 3 });
    fc.assert(
      fc.property(aCase, ({ position, fraction, mark, market }) => {
        const sizing = sizeOrder(position, fraction, mark, market);
        const open = floorToStep(new Exact(position), market.lotStep);
        if (sizing.reason !== 'BELOW_MINIMUM' || open.isZero() || open.lt(market.minQuantity)) return;
        hit('left to a later intent');
        const order = floorToStep(sizing.requested, market.lotStep);
        expect(order.lt(market.minQuantity) || order.mul(mark).lt(market.minNotional)).toBe(true);
        expect(open.sub(order).mul(mark).gte(market.minNotional)).toBe(true);
      }),
    );
  });

  it('Z6: a venue that takes a whole position of any size is sent all of it', () => {
    const sizing = sizeOrder('10.37', 1, 3.37, { ...rules('0.1'), anyWholeSize: true });
    expect([sizing.rounded.toFixed(), sizing.detail]).toEqual(['10.37', null]);
    expect(sizeOrder('10.37', 1, 3.37, rules('0.1')).detail).toContain('leaves 0.07: dust that no order can close');
  });

  it('floors as the exchange library does, over all lot steps', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 13n }), fc.nat({ max: 8 }), aStep, (digits, scale, step) => {
        const quantity = new Exact(digits.toString()).div(Exact.pow(10, scale));
        const oracle = decimalToPrecision(quantity.toFixed(), TRUNCATE, step, TICK_SIZE);
        expect(floorToStep(quantity, step).toFixed()).toBe(oracle);
      }),
      { numRuns: 1000 },
    );
  });
});

const aStep = fc.constantFrom('0.001', '0.01', '0.1', '1', '10', '0.005', '0.5', '25');

const aCase = fc
  .record({
    step: aStep,
    lots: fc.integer({ min: 1, max: 10_000 }),
    excess: fc.constantFrom(0, 0, 0, 0.37),
    fraction: fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100),
    mark: fc.constantFrom(0.0123, 0.186, 3.37, 107, 65_000.5),
    minLots: fc.constantFrom(1, 1, 3),
    /** Of the position; beyond it and null are no bound. */
    maximum: fc.constantFrom(null, null, 0.3, 0.62, 0.999, 1.4),
  })
  .map(({ step, lots, excess, fraction, mark, minLots, maximum }) => {
    const position = new Exact(step).mul(lots + excess);
    const minQuantity = new Exact(step).mul(minLots);
    // A market is one only if an order of the maximum can be split into two that it takes.
    const least = Exact.max(minQuantity, new Exact(5).div(mark)).div(step).ceil().mul(step).mul(2);
    const maxQuantity = maximum === null ? null : Exact.max(position.mul(maximum), least).toFixed();
    const market = rules(step, minQuantity.toFixed(), '5', maxQuantity);
    return { position: position.toFixed(), fraction, mark, market };
  });
