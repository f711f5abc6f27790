import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lifecyclesOf } from '../../ports/lifecycles.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import { aFill, aHolding } from '../pipelines/snapshots/a-venue.ts';
import { countedBranches } from '../fixtures/counted-branches.ts';

const told = (lifecycles: ReturnType<typeof lifecyclesOf>) =>
  lifecycles.map(({ side, opening, initialQuantity, quantity, reductions }) => ({
    side,
    at: opening?.at ?? null,
    initial: initialQuantity.toFixed(),
    entry: opening?.entryPrice.toFixed() ?? null,
    left: quantity.toFixed(),
    closed: reductions.map((one) => `${one.quantity.toFixed()} of ${one.fill.fillId}, ${one.remaining.toFixed()} left`),
  }));

describe('lifecycles', () => {
  it('PORT-9: tells a position from its fills: opened by one order, grown by another, reduced, still open', () => {
    const fills = [
      aFill('1', 'BUY', '2', { at: 1000, price: '100', orderId: 'a' }),
      aFill('2', 'BUY', '1', { at: 1000, price: '103', orderId: 'a' }),
      aFill('3', 'BUY', '3', { at: 2000, price: '105', orderId: 'b' }),
      aFill('4', 'SELL', '2.5', { at: 3000, orderId: 'c' }),
    ];
    expect(told(lifecyclesOf(fills, [aHolding('LONG', '3.5')]))).toEqual([
      { side: 'LONG', at: 1000, initial: '3', entry: '103', left: '3.5', closed: ['2.5 of 4, 3.5 left'] },
    ]);
  });

  it('PORT-9: reopening is another position, also on the other side and in one fill', () => {
    const fills = [
      aFill('1', 'BUY', '4', { at: 1 }),
      aFill('2', 'SELL', '4', { at: 2 }),
      aFill('3', 'BUY', '1', { at: 3 }),
      aFill('4', 'SELL', '7', { at: 4, fee: '0.7' }),
    ];
    const lifecycles = lifecyclesOf(fills, [aHolding('SHORT', '6')]);
    expect(told(lifecycles).map(({ side, at, left, closed }) => [side, at, left, closed])).toEqual([
      ['LONG', 1, '0', ['4 of 2, 0 left']],
      ['LONG', 3, '0', ['1 of 4, 0 left']],
      ['SHORT', 4, '6', []],
    ]);
    // The fee is shared by quantity: one of seven contracts closed.
    expect(lifecycles[1]?.reductions[0]?.fee?.toFixed()).toBe('0.1');
  });

  it('PORT-8: fills that begin in the middle of a position do not say how it was opened', () => {
    const fills = [aFill('7', 'BUY', '1', { at: 9 }), aFill('8', 'SELL', '2', { at: 10 })];
    expect(told(lifecyclesOf(fills, [aHolding('LONG', '4')]))).toEqual([
      { side: 'LONG', at: null, initial: '5', entry: null, left: '4', closed: ['2 of 8, 4 left'] },
    ]);
  });

  it('PORT-10: the sides of a symbol in hedge mode are counted apart', () => {
    const fills = [
      aFill('1', 'BUY', '4', { at: 1, positionSide: 'LONG' }),
      aFill('2', 'SELL', '3', { at: 2, positionSide: 'SHORT' }),
      aFill('3', 'SELL', '1', { at: 3, positionSide: 'LONG' }),
      aFill('4', 'BUY', '3', { at: 4, positionSide: 'SHORT' }),
    ];
    const lifecycles = told(lifecyclesOf(fills, [aHolding('LONG', '3')]));
    expect(lifecycles.map(({ side, at, left }) => [side, at, left])).toEqual([
      ['LONG', 1, '3'],
      ['SHORT', 2, '0'],
    ]);
  });

  it('in any history, quantities add up, and only the last position is open', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('BUY' as const, 'SELL' as const), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 40,
    });
    const hit = countedBranches({ closed: 10 });
    fc.assert(
      fc.property(steps, fc.nat(39), (moves, cut) => {
        const fills = moves.map(([direction, size], index) =>
          aFill(String(index), direction, `0.${size}`, { at: index }),
        );
        const net = Exact.sum(
          0,
          ...fills.map((fill) => new Exact(fill.quantity).mul(fill.direction === 'BUY' ? 1 : -1)),
        );
        const holdings = net.isZero() ? [] : [aHolding(net.gt(0) ? 'LONG' : 'SHORT', net.abs().toFixed())];
        const lifecycles = lifecyclesOf(fills, holdings);
        for (const [index, one] of lifecycles.entries()) {
          const own = fills.filter((fill) => fill.filledAt >= (one.opening?.at ?? 0));
          expect(own.length).toBeGreaterThan(0);
          expect(one.opening).not.toBeNull();
          expect(one.quantity.isZero()).toBe(index < lifecycles.length - 1 || net.isZero());
          if (!one.quantity.isZero()) continue;
          hit('closed');
          expect(one.reductions.at(-1)?.remaining.isZero()).toBe(true);
        }
        expect(lifecycles.at(-1)?.quantity.toFixed()).toBe(net.abs().toFixed());
        // Fills that begin later tell the same of all that was opened since.
        const later = lifecyclesOf(fills.slice(cut), holdings).filter(({ opening }) => opening !== null);
        expect(told(later)).toEqual(
          told(lifecycles.filter(({ opening }) => later.some((o) => o.opening?.at === opening?.at))),
        );
      }),
    );
  });
});
