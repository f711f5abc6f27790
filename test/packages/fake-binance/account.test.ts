import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Exact } from '../../../ports/exact-decimal.ts';
import { Account, ORDINARY_COMMISSION } from '../../../packages/fake-binance/account.ts';

const fill = (side: 'BUY' | 'SELL', quantity: string, price: string, time = 1000, orderId = 1) =>
  ({
    orderId,
    symbol: 'BTCUSDT',
    side,
    positionSide: 'BOTH',
    quantity: new Exact(quantity),
    price: new Exact(price),
    time,
  }) as const;

const position = (account: Account) => {
  const { amount, entryPrice } = account.position('BTCUSDT', 'BOTH');
  return [amount.toFixed(), entryPrice.toFixed()];
};

describe('positions and fills', () => {
  it('FAK-2: growth weighs the entry price, reduction leaves it, the other side starts anew', () => {
    const account = new Account();
    account.book(fill('BUY', '1', '100'));
    account.book(fill('BUY', '3', '104'));
    expect(position(account)).toEqual(['4', '103']);
    expect(account.book(fill('SELL', '1', '110')).realizedPnl.toFixed()).toBe('7');
    expect(position(account)).toEqual(['3', '103']);
    expect(account.book(fill('SELL', '5', '100')).realizedPnl.toFixed()).toBe('-9');
    expect(position(account)).toEqual(['-2', '100']);
    expect(account.book(fill('BUY', '2', '90')).realizedPnl.toFixed()).toBe('20');
    expect(position(account)).toEqual(['0', '0']);
  });

  it('FAK-1: a position is the sum of its fills, whatever they are', () => {
    const fills = array(
      record({ side: constantFrom('BUY' as const, 'SELL' as const), lots: integer({ min: 1, max: 1e9 }) }),
    );
    assert(
      property(fills, (drawn) => {
        const account = new Account();
        let sum = new Exact(0);
        for (const { side, lots } of drawn) {
          const quantity = new Exact(lots).mul('0.00001');
          account.book(fill(side, quantity.toFixed(), '0.0000123'));
          sum = side === 'BUY' ? sum.add(quantity) : sum.sub(quantity);
        }
        expect(account.position('BTCUSDT', 'BOTH').amount.toFixed()).toBe(sum.toFixed());
      }),
    );
  });

  it('charges takers and makers, in another asset at its price', () => {
    const account = new Account({ ...ORDINARY_COMMISSION, asset: 'BNB', assetPrice: '500' });
    expect(account.book(fill('BUY', '2', '100'))).toMatchObject({ commissionAsset: 'BNB', maker: false });
    const fees = account.fillsOf('BTCUSDT').map(({ commission }) => commission.toFixed());
    expect(fees).toEqual(['0.0002']);
    const ordinary = new Account();
    expect(ordinary.book({ ...fill('BUY', '2', '100'), maker: true }).commission.toFixed()).toBe('0.04');
    expect(ordinary.walletBalance.toFixed()).toBe('99999.96');
  });

  it('finds fills by order, by id and by time, those that were booked late for an earlier time too', () => {
    const account = new Account();
    const times = [3000, 1000, 2000, 2000];
    times.forEach((time, index) => account.book(fill('BUY', '1', '100', time, index)));
    const ids = (found: readonly { id: number }[]) => found.map(({ id }) => id);
    expect(ids(account.fillsBetween('BTCUSDT', 0, 9999, 10, 'first'))).toEqual([2, 3, 4, 1]);
    expect(ids(account.fillsBetween('BTCUSDT', 1001, 2000, 10, 'first'))).toEqual([3, 4]);
    expect(ids(account.fillsBetween('BTCUSDT', 0, 9999, 2, 'last'))).toEqual([4, 1]);
    expect(ids(account.fillsFromId('BTCUSDT', 2, 2))).toEqual([2, 3]);
    expect(ids(account.fillsOfOrder(0))).toEqual([1]);
    expect(account.fillsBetween('ETHUSDT', 0, 9999, 10, 'first')).toEqual([]);
  });
});
