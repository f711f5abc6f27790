import { describe, expect, it } from 'vitest';
import { refusalMeaning } from '../../../../connectors/exchange/ccxt/refusal-meanings.ts';
import { venueTerms } from '../../../../connectors/exchange/ccxt/venue-order.ts';
import type { Side } from '../../../../schemas/generated/records.ts';

describe("an exchange's no", () => {
  it.each([
    ['-2022', 'nothing-to-reduce'],
    ['-4164', 'notional-too-small'],
    ['-1013', 'quantity-too-small'],
    ['-4003', 'quantity-too-small'],
    ['-4005', 'quantity-too-large'],
    ['-1111', 'quantity-too-precise'],
    ['-2019', 'margin-too-small'],
    ['-1121', 'no-such-market'],
    ['-4016', 'price-out-of-bounds'],
    ['-4024', 'price-out-of-bounds'],
    ['-4131', 'price-out-of-bounds'],
    ['-5022', 'would-take'],
    ['429', 'busy'],
    ['-1008', 'busy'],
    ['-1021', 'clock'],
    ['-2015', 'keys'],
    ['-4118', 'other'],
  ])('%s says %s', (code, meaning) => {
    expect(refusalMeaning(code, false)).toBe(meaning);
  });

  it('of keys in words of its own is one of keys', () => {
    expect(refusalMeaning('50111', true)).toBe('keys');
  });
});

describe('prices on ticks', () => {
  it.each([
    // A sale must not fill lower, a purchase not higher.
    ['LONG', 'ioc', '99.5032', '99.6'],
    ['SHORT', 'ioc', '100.4968', '100.4'],
    ['LONG', 'ioc', '99.5', '99.5'],
    // Strictly better than the mark, so that it rests.
    ['LONG', 'post-only', '100', '100.1'],
    ['LONG', 'post-only', '100.03', '100.1'],
    ['SHORT', 'post-only', '100', '99.9'],
    ['SHORT', 'post-only', '100.03', '100'],
  ] as const)('%s %s at %s is %s', (side: Side, kind, price, expected) => {
    const pricing = kind === 'ioc' ? ({ kind, limitPrice: price } as const) : ({ kind, price } as const);
    expect(venueTerms(pricing, side, '0.1').price).toBe(expected);
  });
});
