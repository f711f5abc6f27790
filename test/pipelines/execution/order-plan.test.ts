import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TERMS,
  plannedOrder,
  pricingOf,
  slippageBpsOf,
  styleOf,
} from '../../../pipelines/execution/order-plan.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { MarketRules } from '../../../ports/exchange.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { anIntent } from './an-intent.ts';

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

  it('OS2: fewer slices where a slice would be too small, or would leave too little', () => {
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

  it('OS1, OS2: none asks for more than is left or open, all are orders that the market takes, and they end', () => {
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

  it('OS3: a CLOSE is never left resting, nor is what is followed by something newer', () => {
    const asked = { ...anIntent({ fraction: 1 }), order: 'post_only' } as const;
    expect(styleOf(asked, terms)).toBe('ioc');
    expect(styleOf({ ...anIntent(), order: 'post_only' }, terms, false)).toBe('ioc');
  });
});

it('OS4: a limit is the bound from the mark, on the costly side', () => {
  expect(pricingOf('ioc', 'LONG', '100', DEFAULT_TERMS)).toEqual({ kind: 'ioc', limitPrice: '99.5' });
  expect(pricingOf('sliced', 'SHORT', '100', DEFAULT_TERMS)).toEqual({ kind: 'ioc', limitPrice: '100.5' });
  expect(pricingOf('post_only', 'LONG', '100', DEFAULT_TERMS)).toEqual({ kind: 'post-only', price: '100' });
});

it('slippage is positive where it costs', () => {
  expect(slippageBpsOf('LONG', 100, new Exact('99.5'))).toBe(50);
  expect(slippageBpsOf('SHORT', 100, new Exact('99.5'))).toBe(-50);
});
