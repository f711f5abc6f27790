import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAsObserved, openQuantityOf } from '../../../../connectors/exchange/ccxt/read-holdings.ts';
import { Exact } from '../../../../ports/exact-decimal.ts';
import { aFill, aHolding } from '../../../pipelines/snapshots/a-venue.ts';
import { countedBranches } from '../../../fixtures/counted-branches.ts';

const OPENED = 1000;
const SEEN = 5000;
const observed = { side: 'LONG', opened_at: OPENED, observed_at: SEEN, quantity: 4, entry_price: 100 } as const;

describe('how much of an observed position is open', () => {
  it.each([
    ['as it was seen', [aHolding('LONG', '4')], [], '4'],
    ['reduced since', [aHolding('LONG', '3')], [aFill('1', 'SELL', '1', { at: SEEN + 1 })], '3'],
    ['grown since', [aHolding('LONG', '6')], [aFill('1', 'BUY', '2', { at: SEEN + 1 })], '6'],
    ['closed since', [], [aFill('1', 'SELL', '1', { at: SEEN + 1 }), aFill('2', 'SELL', '3', { at: SEEN + 2 })], '0'],
    [
      'EXC-20: closed and opened again since',
      [aHolding('LONG', '4')],
      [aFill('1', 'SELL', '4', { at: SEEN + 1 }), aFill('2', 'BUY', '4', { at: SEEN + 2 })],
      '0',
    ],
    ['turned round since', [aHolding('SHORT', '2')], [aFill('1', 'SELL', '6', { at: SEEN + 1 })], '0'],
    ['opened at the very moment it was seen', [aHolding('LONG', '4')], [aFill('1', 'BUY', '4', { at: SEEN })], '4'],
    ['EXC-21: not shown, and no fill', [], [], null],
    ['EXC-21: not shown, and the fills closed only a part', [], [aFill('1', 'SELL', '1', { at: SEEN + 1 })], null],
    ['EXC-21: the other side is shown, and no fill', [aHolding('SHORT', '2')], [], null],
  ] as const)('%s', (_, holdings, fills, open) => {
    expect(openQuantityOf(observed, holdings, fills)).toBe(open);
  });

  it('EXC-20: a side of hedge mode is counted by itself', () => {
    const fills = [
      aFill('1', 'SELL', '4', { at: SEEN + 1, positionSide: 'SHORT' }),
      aFill('2', 'SELL', '1', { at: SEEN + 2, positionSide: 'LONG' }),
    ];
    const holdings = [aHolding('LONG', '3'), aHolding('SHORT', '4')];
    expect(openQuantityOf(observed, holdings, fills)).toBe('3');
  });

  it('asks for no fills where size and entry are as they were', () => {
    expect(isAsObserved(observed, aHolding('LONG', '4.0'))).toBe(true);
    expect(isAsObserved(observed, aHolding('LONG', '3'))).toBe(false);
    expect(isAsObserved(observed, aHolding('LONG', '4', { entryPrice: '100.1' }))).toBe(false);
    expect(isAsObserved(observed, undefined)).toBe(false);
  });

  it('never claims flat while fills are missing, and never more than is shown, in any history', () => {
    const moves = fc.array(fc.tuple(fc.constantFrom('BUY' as const, 'SELL' as const), fc.integer({ min: 1, max: 5 })), {
      maxLength: 12,
    });
    const hit = countedBranches({ 'not closed by what is known': 10 });
    fc.assert(
      fc.property(moves, fc.nat(12), (steps, hidden) => {
        const fills = steps.map(([direction, size], index) =>
          aFill(String(index), direction, String(size), { at: SEEN + 1 + index }),
        );
        const net = fills.reduce(
          (sum, { direction, quantity }) => sum.add(direction === 'BUY' ? quantity : `-${quantity}`),
          new Exact(4),
        );
        const holdings = net.isZero() ? [] : [aHolding(net.gt(0) ? 'LONG' : 'SHORT', net.abs().toFixed())];
        const open = openQuantityOf(observed, holdings, fills);
        let size = 4;
        let ended = false;
        for (const [direction, step] of steps) {
          size += direction === 'BUY' ? step : -step;
          ended ||= size <= 0;
        }
        expect(open).toBe(ended ? '0' : net.toFixed());
        // An empty answer with missing fills is no proof, unless the known fills closed everything.
        const known = fills.slice(0, hidden);
        const claimed = openQuantityOf(observed, [], known);
        const sold = known.reduce(
          (sum, { direction, quantity }) => sum + (direction === 'SELL' ? Number(quantity) : 0),
          0,
        );
        if (sold >= 4) return;
        hit('not closed by what is known');
        expect(claimed).toBeNull();
      }),
    );
  });
});
