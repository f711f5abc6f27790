import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
// By path: the package exports only its entry, which loads every exchange.
import { TICK_SIZE, TRUNCATE, decimalToPrecision } from '../../../node_modules/ccxt/js/src/base/functions/number.js';
import {
  DEFAULT_TERMS,
  floorToStep,
  plannedOrder,
  pricingOf,
  sizeOrder,
  slippageBpsOf,
  styleOf,
} from '../../../pipelines/execution/order-plan.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { MarketRules } from '../../../ports/exchange.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { anIntent } from '../../fixtures/an-intent.ts';

const rulesOf = (lotStep: string, minQuantity = lotStep, minNotional = '5', maxQuantity: string | null = null) => ({
  lotStep,
  minQuantity,
  maxQuantity,
  minNotional,
});

describe('sizeOrder', () => {
  // position, fraction, mark price, rules -> requested, rounded, reason
  it.each([
    // Fractions of the deployment report, on positions of every lot step.
    ['1000', 0.58, 0.186, rulesOf('1'), '580', '580', 'ORDER_SENT'],
    ['1234', 0.58, 0.186, rulesOf('1'), '715.72', '715', 'ORDER_SENT'],
    ['3370', 0.75, 3.37, rulesOf('10'), '2527.5', '2520', 'ORDER_SENT'],
    ['1.5', 0.45, 107, rulesOf('0.1'), '0.675', '0.6', 'ORDER_SENT'],
    ['0.1', 0.53, 65000, rulesOf('0.001'), '0.053', '0.053', 'ORDER_SENT'],
    // Where doubles go wrong: 0.07 x 100 = 7.000000000000001, 0.29 x 100 = 28.999999999999996.
    ['100', 0.07, 10, rulesOf('1'), '7', '7', 'ORDER_SENT'],
    ['100', 0.29, 10, rulesOf('1'), '29', '29', 'ORDER_SENT'],
    ['0.3', 0.1, 65000, rulesOf('0.001'), '0.03', '0.03', 'ORDER_SENT'],
    // The whole, also when it is no multiple of the lot step.
    ['1000', 1, 0.186, rulesOf('1'), '1000', '1000', 'ORDER_SENT'],
    ['10.37', 1, 3.37, rulesOf('0.1'), '10.37', '10.3', 'ORDER_SENT'],
    // EXE-29: what 0.75 leaves, 2 contracts, is under the minimum quantity of 3, or worth less than 5.
    ['8', 0.75, 100, rulesOf('1', '3'), '6', '8', 'REMAINDER_INCLUDED'],
    ['40', 0.75, 0.45, rulesOf('1'), '30', '40', 'REMAINDER_INCLUDED'],
    ['0.001', 0.5, 65000, rulesOf('0.001'), '0.0005', '0', 'BELOW_MINIMUM'],
    // EXE-30: 0.4 rounds to nothing, 4 contracts are worth less than 5; the rest can be closed later.
    ['10', 0.04, 100, rulesOf('1'), '0.4', '0', 'BELOW_MINIMUM'],
    ['40', 0.1, 0.45, rulesOf('1'), '4', '4', 'BELOW_MINIMUM'],
    // Nothing there, and dust that no order can close.
    ['0', 0.5, 100, rulesOf('1'), '0', '0', 'FLAT'],
    ['0.4', 1, 100, rulesOf('1'), '0.4', '0.4', 'BELOW_MINIMUM'],
  ] as const)('%s x %s at %s', (position, fraction, mark, market, requested, rounded, reason) => {
    const sizing = sizeOrder(position, fraction, mark, market);
    expect([sizing.requested.toFixed(), sizing.rounded.toFixed(), sizing.reason]).toEqual([requested, rounded, reason]);
  });

  it.each([
    // EXE-31: 1000 contracts may go in one order; 250 are left, which a later order can close.
    ['1250', 1, '1000', 'MAXIMUM_SENT'],
    ['1000', 1, '1000', 'ORDER_SENT'],
    // The 1 that would be left is under the minimum of 5: the order leaves 5 instead.
    ['1001', 1, '996', 'MAXIMUM_SENT'],
  ] as const)('%s x %s where 1000 is the most that an order may be', (position, fraction, rounded, reason) => {
    const sizing = sizeOrder(position, fraction, 100, rulesOf('1', '5', '5', '1000'));
    expect([sizing.kind, sizing.rounded.toFixed(), sizing.reason]).toEqual(['order', rounded, reason]);
  });

  it.each([
    // Of 9, at most 8 in an order, at least 5: no two orders close it, so the most is closed.
    ['9', rulesOf('1', '5', '5', '8'), 'order', '8', 'MAXIMUM_SENT'],
    // No order at all is possible where the maximum is below the minimum, or below a lot.
    ['9', rulesOf('1', '5', '5', '4'), 'none', '4', 'BELOW_MINIMUM'],
    ['9', rulesOf('1', '1', '5', '0.5'), 'none', '0', 'BELOW_MINIMUM'],
  ] as const)('EXE-31: %s in a market that is hardly one', (position, market, kind, rounded, reason) => {
    const sizing = sizeOrder(position, 1, 100, market);
    expect([sizing.kind, sizing.rounded.toFixed(), sizing.reason]).toEqual([kind, rounded, reason]);
  });

  it('says the figures where the size is not the fraction', () => {
    expect(sizeOrder('40', 0.75, 0.45, rulesOf('1')).detail).toBe(
      '30 of 40 would leave 10: worth 4.5, below the minimum 5',
    );
    expect(sizeOrder('10', 0.04, 100, rulesOf('1')).detail).toBe('0.4 of 10 rounds to 0: below the minimum quantity 1');
  });

  it('EXE-27, EXE-28, EXE-29, EXE-31, EXE-32: never above position or maximum, whole lots, and a rest that can be closed but for dust', () => {
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

  it('EXE-30: what is left to a later intent really is below a minimum, and the position is not', () => {
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

  it('EXE-32: a venue that takes a whole position of any size is sent all of it', () => {
    const sizing = sizeOrder('10.37', 1, 3.37, { ...rulesOf('0.1'), anyWholeSize: true });
    expect([sizing.rounded.toFixed(), sizing.detail]).toEqual(['10.37', null]);
    expect(sizeOrder('10.37', 1, 3.37, rulesOf('0.1')).detail).toContain('leaves 0.07: dust that no order can close');
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
    const market = rulesOf(step, minQuantity.toFixed(), '5', maxQuantity);
    return { position: position.toFixed(), fraction, mark, market };
  });

const RULES: MarketRules = { lotStep: '1', minQuantity: '1', maxQuantity: null, minNotional: '5' };

/** The orders of an intent of which each fills as `fills` says, a share of what it asks for. */
function ordersOf(style: OrderStyle, asked: number, open: number, fills: readonly number[], rules = RULES, mark = 10) {
  const orders: { readonly style: OrderStyle; readonly quantity: number; readonly waitMs: number }[] = [];
  let [left, stillOpen] = [new Exact(asked), new Exact(open)];
  for (let part = 0; ; part++) {
    const planned = plannedOrder(style, DEFAULT_TERMS, part, { left, open: stillOpen, markPrice: mark }, rules);
    if (planned === null) return orders;
    const { quantity } = planned;
    orders.push({ ...planned, quantity: quantity.toNumber() });
    const filled = quantity.mul(fills[part % fills.length] ?? 1).floor();
    left = left.sub(filled);
    stillOpen = stillOpen.sub(filled);
  }
}

const quantitiesOf = (...given: Parameters<typeof ordersOf>): number[] =>
  ordersOf(...given).map(({ quantity }) => quantity);

describe('the orders of an intent', () => {
  it('market: one, whatever it fills', () => {
    expect(quantitiesOf('market', 500, 1000, [0.5])).toEqual([500]);
  });

  it('ioc: what is left is tried again, a little later each time, and then left to the next intent', () => {
    expect(ordersOf('ioc', 500, 1000, [0.5]).map(({ quantity, waitMs }) => [quantity, waitMs])).toEqual([
      [500, 0],
      [250, 250],
      [125, 500],
      [63, 1000],
      [32, 2000],
    ]);
    expect(quantitiesOf('ioc', 500, 1000, [1])).toEqual([500]);
  });

  it('sliced: equal parts, of which the last takes the rest; what they leave is tried again', () => {
    expect(quantitiesOf('sliced', 501, 1000, [1])).toEqual([125, 125, 125, 126]);
    expect(quantitiesOf('sliced', 400, 1000, [0, 1, 1, 1])).toEqual([100, 133, 133, 134]);
    expect(quantitiesOf('sliced', 400, 1000, [0])).toEqual([100, 133, 200, 400, 400, 400, 400, 400]);
  });

  it('EXE-34: fewer slices where a slice would be too small, or would leave too little', () => {
    const rules = { ...RULES, minNotional: '100' };
    expect(quantitiesOf('sliced', 25, 1000, [1], rules)).toEqual([12, 13]);
    expect(quantitiesOf('sliced', 19, 1000, [1], rules)).toEqual([19]);
    expect(quantitiesOf('ioc', 25, 1000, [0.9], rules), 'a rest that is too small is left').toEqual([25]);
    expect(quantitiesOf('ioc', 25, 25, [0.9, 1], rules), 'unless it is all that is open').toEqual([25, 3]);
  });

  it('post_only: one that rests, and then as ioc', () => {
    expect(ordersOf('post_only', 500, 1000, [0.5, 1]).map(({ style, quantity }) => [style, quantity])).toEqual([
      ['post_only', 500],
      ['ioc', 250],
    ]);
  });

  it('EXE-33, EXE-34: none asks for more than is left or open, all are orders that the market takes, and they end', () => {
    const anOrder = fc.record({
      style: fc.constantFrom('market', 'ioc', 'sliced', 'post_only'),
      asked: fc.integer({ min: 1, max: 2000 }),
      rest: fc.integer({ min: 0, max: 2000 }),
      fills: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
      minNotional: fc.constantFrom('0', '5', '100', '1000'),
    } as const);
    fc.assert(
      fc.property(anOrder, ({ style, asked, rest, fills, minNotional }) => {
        const orders = ordersOf(style, asked, asked + rest, fills, { ...RULES, minNotional });
        let left = asked;
        for (const [part, { quantity }] of orders.entries()) {
          expect(quantity).toBeGreaterThan(0);
          expect(quantity).toBeLessThanOrEqual(left);
          const isWhole = left + rest === quantity;
          expect(isWhole || quantity * 10 >= Number(minNotional)).toBe(true);
          left -= Math.floor(quantity * (fills[part % fills.length] ?? 1));
        }
        expect(orders.length).toBeLessThanOrEqual(8);
      }),
    );
  });
});

describe('the style of an intent', () => {
  const terms = { ...DEFAULT_TERMS, style: 'ioc' } as const;
  it.each([
    // As the desk says, as the policy says, unhurried.
    [{}, 'ioc'],
    [{ order: 'market' }, 'market'],
    [{ order: 'post_only' }, 'post_only'],
  ] as const)('%j: %s', (traits, style) => {
    expect(styleOf({ ...anIntent(), ...traits }, terms)).toBe(style);
  });

  it('EXE-35: a CLOSE is never left resting, nor is what is followed by something newer', () => {
    const asked = { ...anIntent({ fraction: 1 }), order: 'post_only' } as const;
    expect(styleOf(asked, terms)).toBe('ioc');
    expect(styleOf({ ...anIntent(), order: 'post_only' }, terms, false)).toBe('ioc');
  });
});

it('EXE-36: a limit is the bound from the mark, on the costly side', () => {
  expect(pricingOf('ioc', 'LONG', '100', DEFAULT_TERMS)).toEqual({ kind: 'ioc', limitPrice: '99.5' });
  expect(pricingOf('sliced', 'SHORT', '100', DEFAULT_TERMS)).toEqual({ kind: 'ioc', limitPrice: '100.5' });
  expect(pricingOf('post_only', 'LONG', '100', DEFAULT_TERMS)).toEqual({ kind: 'post-only', price: '100' });
});

it('slippage is positive where it costs', () => {
  expect(slippageBpsOf('LONG', 100, new Exact('99.5'))).toBe(50);
  expect(slippageBpsOf('SHORT', 100, new Exact('99.5'))).toBe(-50);
});
