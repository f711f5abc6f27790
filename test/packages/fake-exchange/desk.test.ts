import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../connectors/system/system-clock.ts';
import { Desk, type Direction } from '../../../packages/fake-exchange/desk.ts';
import { Exact } from '../../../ports/exact-decimal.ts';

function aDesk(): Desk {
  const desk = new Desk({ clock: new SystemClock(), hedge: false, fills: 3, feeRate: '0.0005' });
  desk.setMarket({ symbol: 'BTCUSDT', base: 'BTC', price: '100', tick: '0.1', lotStep: '0.001' });
  return desk;
}

function market(desk: Desk, direction: Direction, quantity: Exact): void {
  const order = { clientId: '', symbol: 'BTCUSDT', slot: 'NET', type: 'market', timeInForce: 'IOC' } as const;
  desk.submit({ ...order, direction, quantity, price: null, reduceOnly: false });
}

describe('positions of a desk', () => {
  it('FAK-3: are the sum of their fills, whatever is sent', () => {
    const orders = array(record({ direction: constantFrom('BUY', 'SELL'), lots: integer({ min: 1, max: 1e9 }) }));
    assert(
      property(orders, (drawn) => {
        const desk = aDesk();
        for (const { direction, lots } of drawn) market(desk, direction, new Exact(lots).mul('0.001'));
        const moved = desk.fills.map(({ order, quantity }) => (order.direction === 'BUY' ? quantity : quantity.neg()));
        expect(desk.position('BTCUSDT', 'NET').amount.toFixed()).toBe(Exact.sum(0, ...moved).toFixed());
        const sent = drawn.map(({ direction, lots }) => new Exact(direction === 'BUY' ? lots : -lots).mul('0.001'));
        expect(Exact.sum(0, ...moved).toFixed()).toBe(Exact.sum(0, ...sent).toFixed());
      }),
    );
  });

  it('FAK-4: growth weighs the entry price, a reduction leaves it, the other side begins anew', () => {
    const desk = aDesk();
    const entry = () => desk.position('BTCUSDT', 'NET').entryPrice.toFixed();
    desk.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '1', price: '100' });
    desk.open({ symbol: 'BTCUSDT', side: 'LONG', quantity: '3', price: '104' });
    expect(entry()).toBe('103');
    desk.open({ symbol: 'BTCUSDT', side: 'SHORT', quantity: '1', price: '90' });
    expect(entry()).toBe('103');
    desk.open({ symbol: 'BTCUSDT', side: 'SHORT', quantity: '5', price: '95' });
    expect(entry()).toBe('95');
  });
});
