import { describe, expect, it } from 'vitest';
import { venueTerms } from '../../../../connectors/exchange/ccxt/venue-order.ts';
import type { Side } from '../../../../schemas/generated/records.ts';

describe('prices on ticks', () => {
  it.each([
    // A sale must not fill lower, nor a purchase higher.
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
