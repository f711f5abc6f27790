import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMN_NAMES, FIRST_SORT, held, listed, sortedBy } from '../../../../connectors/http/page/order.js';
import { VirtualClock } from '../../../../ports/clock.ts';
import { FakeBoard } from '../../../fixtures/fake-board.ts';

const POSITIONS = new FakeBoard({ clock: new VirtualClock(1_770_000_000_000), positions: 60 }).now().positions;

function ids(positions: typeof POSITIONS): readonly string[] {
  return positions.map(({ position_id: id }) => id);
}

describe('the order of positions', () => {
  it('is the same however they came, and keeps each once, by any column', () => {
    const sort = fc.record({ column: fc.constantFrom(...COLUMN_NAMES), descending: fc.boolean() });
    fc.assert(
      fc.property(sort, fc.shuffledSubarray([...POSITIONS], { minLength: POSITIONS.length }), (by, shuffled) => {
        expect(ids(listed(shuffled, by, ''))).toEqual(ids(listed(POSITIONS, by, '')));
        expect(ids(listed(shuffled, by, '')).toSorted()).toEqual(ids(POSITIONS).toSorted());
      }),
    );
  });

  it('has what is unknown last in either direction', () => {
    for (const descending of [true, false]) {
      const unknown = listed(POSITIONS, { column: 'confidence', descending }, '').map((one) => one.confidence === null);
      expect(unknown).toContain(true);
      expect(unknown.indexOf(true)).toBe(unknown.lastIndexOf(false) + 1);
    }
  });

  it('held for a person, keeps what was shown in its places, drops what is gone, and adds what is new at the end', () => {
    const some = fc.shuffledSubarray(ids(POSITIONS) as string[]);
    fc.assert(
      fc.property(some, some, (before, now) => {
        const sorted = POSITIONS.filter(({ position_id: id }) => now.includes(id));
        const kept = before.filter((id) => now.includes(id));
        const added = ids(sorted).filter((id) => !before.includes(id));
        expect(ids(held(before, sorted))).toEqual([...kept, ...added]);
      }),
    );
  });

  it('begins with the best R, and a second click turns a column round', () => {
    expect(ids(listed(POSITIONS, FIRST_SORT, ''))).toEqual(ids(POSITIONS));
    expect(sortedBy(FIRST_SORT, 'symbol')).toEqual({ column: 'symbol', descending: false });
    expect(sortedBy(sortedBy(FIRST_SORT, 'age'), 'age')).toEqual({ column: 'age', descending: false });
  });
});

describe('the filter', () => {
  it('wants every word, anywhere, in any case', () => {
    const found = listed(POSITIONS, FIRST_SORT, ' btc  LONG ');
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ symbol, side }) => symbol.includes('BTC') && side === 'LONG')).toBe(true);
    expect(listed(POSITIONS, FIRST_SORT, 'btc nowhere')).toEqual([]);
    expect(listed(POSITIONS, FIRST_SORT, 'hold').every(({ action }) => action === 'HOLD')).toBe(true);
  });
});
