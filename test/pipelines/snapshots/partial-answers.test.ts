import { beforeEach, describe, expect, it } from 'vitest';
import { aFill, aHolding } from './a-venue.ts';
import { ID, ObservedAccount, START, brief } from './observed-account.ts';

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount();
});

describe('an answer that is missing', () => {
  it('SNA-8: a symbol without answers costs only itself, and what is missing is named', async () => {
    account.venue.allFills['ETHUSDT'] = [aFill('5', 'SELL', '2', { at: START })];
    account.venue.shown = [
      ...account.venue.shown,
      aHolding('SHORT', '2', { symbol: 'ETHUSDT', updatedAt: START, markPrice: '95' }),
    ];
    account.venue.silent.add('fills ETHUSDT');
    account.venue.silent.add('candles BTCUSDT');
    const observed = account.observer();
    const seen = await account.cycle(observed);
    expect(seen.snapshots).toMatchObject([{ symbol: 'BTCUSDT', volatility_gradient: null, regime: null }]);
    expect(seen.missing.map(({ symbol, what }) => `${symbol} ${what}`).toSorted()).toEqual([
      'BTCUSDT candles',
      'ETHUSDT fills',
    ]);
    expect(seen.reconciled).toMatchObject([{ symbol: 'ETHUSDT', differences: [{ kind: 'NO_ANSWER' }] }]);
    account.venue.silent.clear();
    const answered = await account.cycle(observed);
    expect(answered.snapshots.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(answered.reconciled).toMatchObject([{ symbol: 'ETHUSDT', differences: [] }]);
  });

  it('a failed question about positions fails the cycle, and closes nothing', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.silent.add('holdings');
    await expect(observed.observe()).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
    account.venue.silent.clear();
    expect((await account.cycle(observed)).snapshots).toHaveLength(1);
  });
});

describe('SNA-8: a position that the venue shows in part', () => {
  const SICK = {
    symbol: 'SOLUSDT',
    side: 'SHORT',
    quantity: '11.9',
    entryPrice: '168.041',
    lacks: 'a mark price',
  } as const;

  it('is a difference of its own with what is known, once, and costs no other its snapshot', async () => {
    account.venue.incomplete = [SICK];
    const observed = account.observer();
    const first = await account.cycle(observed);
    expect(first.snapshots.map(({ symbol }) => symbol)).toEqual(['BTCUSDT']);
    expect(first.reconciled).toMatchObject([
      {
        symbol: 'SOLUSDT',
        reductions: [],
        differences: [
          {
            kind: 'NO_ANSWER',
            venue_quantity: 11.9,
            detail: expect.stringContaining('SHORT of 11.9 entered at 168.041, without a mark price'),
          },
        ],
      },
    ]);
    const second = await account.cycle(observed);
    expect([second.snapshots.length, second.reconciled.length]).toEqual([1, 0]);
    expect(second.missing).toEqual([{ symbol: 'SOLUSDT', what: 'positions', why: 'a mark price' }]);
  });

  it('is not taken for closed, and goes on under its id when it is whole again', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    const whole = account.venue.shown;
    account.venue.shown = [];
    account.venue.incomplete = [{ ...SICK, symbol: 'BTCUSDT', side: 'LONG', quantity: '4' }];
    const sick = await account.cycle(observed);
    expect([sick.snapshots, brief(sick)]).toEqual([[], ['NO_ANSWER']]);
    account.venue.shown = whole;
    account.venue.incomplete = [];
    const well = await account.cycle(observed);
    expect(well.snapshots.map(({ position_id }) => position_id)).toEqual([ID]);
    expect(well.reconciled).toMatchObject([{ differences: [] }]);
  });
});
