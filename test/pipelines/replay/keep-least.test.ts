import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeepLeast } from '../../../pipelines/replay/keep-least.ts';

describe('KeepLeast', () => {
  it('keeps what sorting everything would, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 0, max: 8 }), (ranks, limit) => {
        const kept = new KeepLeast<{ rank: number; index: number }>(limit, ({ rank }) => rank);
        const items = ranks.map((rank, index) => ({ rank, index }));
        for (const item of items) kept.add(item);
        expect(kept.items()).toEqual(items.toSorted((one, other) => one.rank - other.rank).slice(0, limit));
      }),
    );
  });
});
