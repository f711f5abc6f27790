import { beforeEach, describe, expect, it } from 'vitest';
import type { VenueFill } from '../../../ports/venue.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { aFill, aHolding } from './a-venue.ts';
import { ID, MINUTE_MS, ObservedAccount, START, brief } from './observed-account.ts';

const SECOND_MS = 1000;

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount();
});

/** The position ends, and another takes its place: 4 are sold, 5 bought and those sold again, 12 s apart. */
function successor(): readonly [sold: VenueFill, bought: VenueFill, soldAgain: VenueFill] {
  const at = account.clock.now();
  return [
    aFill('2', 'SELL', '4', { at, price: '110' }),
    aFill('3', 'BUY', '5', { at: at + 12 * SECOND_MS, price: '120' }),
    aFill('4', 'SELL', '5', { at: at + 24 * SECOND_MS, price: '130' }),
  ];
}

describe('SNA-9: a position that is observed under the id of the one before it', () => {
  it('does not change the entry price at which that one was closed', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    const [opened] = account.fills;
    if (opened === undefined) throw new TypeError('the account has no fill');
    const [sold, bought] = successor();
    account.venue.shown = [];
    expect(brief(await account.cycle(observed))).toEqual(['NOT_SHOWN']);
    account.venue.shown = [aHolding('LONG', '5', { updatedAt: bought.filledAt, entryPrice: '120' })];
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ position_id: ID, entry_price: 120 }]);
    account.fills = [opened, sold, bought];
    expect((await account.cycle(observed)).reconciled).toMatchObject([
      { reductions: [{ position_id: ID, entry_price: 100, remaining_quantity: 0 }] },
    ]);
  });

  it('is recorded where it has ended, too, and the closing of the one before it is listed first', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    const [sold, bought, soldAgain] = successor();
    account.venue.shown = [];
    await account.cycle(observed);
    account.venue.shown = [aHolding('LONG', '5', { updatedAt: bought.filledAt, entryPrice: '120' })];
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ position_id: ID }]);
    account.venue.shown = [];
    account.fills = [...account.fills, sold];
    account.clock.set(bought.filledAt + 30 * SECOND_MS);
    expect(brief(await account.cycle(observed))).toEqual(['NOT_SHOWN']);
    account.fills = [...account.fills, bought, soldAgain];
    const { reconciled } = await account.cycle(observed);
    expect(reconciled).toMatchObject([
      {
        reductions: [
          { position_id: ID, entry_price: 100, price: 110 },
          { opened_at: bought.filledAt, entry_price: 120, price: 130, remaining_quantity: 0 },
        ],
        differences: [],
      },
    ]);
  });

  it('is believed to be no other once no list can be late any more', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.clock.set(account.clock.now() + 10 * MINUTE_MS);
    const [sold] = successor();
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: sold.filledAt + 2 * SECOND_MS })];
    await account.cycle(observed);
    account.venue.shown = [];
    account.fills = [...account.fills, sold];
    expect(brief(await account.cycle(observed))).toEqual(['NOT_SHOWN']);
    account.clock.set(sold.filledAt + 2 * SECOND_MS + MINUTE_MS);
    expect(brief(await account.cycle(observed))).toEqual(['4 by ORDER, 0 left']);
  });
});

describe('SNA-7: the entry price of a reduction', () => {
  it.each([0, 3])(
    'is what it was before the fill: growth moves it, an earlier reduction does not, after %s hours',
    async (hours) => {
      const observed = account.observer();
      await account.cycle(observed);
      account.clock.set(account.clock.now() + hours * 60 * MINUTE_MS);
      await account.cycle(observed);
      account.filled('SELL', '2', null, { price: '110' });
      account.filled('BUY', '2', null, { price: '130' });
      account.filled('SELL', '1', ['LONG', '3'], { price: '140' });
      const { reconciled } = await account.cycle(observed);
      expect(reconciled).toMatchObject([
        {
          reductions: [
            { price: 110, entry_price: 100 },
            { price: 140, entry_price: 115 },
          ],
        },
      ]);
    },
  );
});

describe('SNA-7: a position that has vanished', () => {
  it('is not ended by fills of long ago while its last one may be late', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.sold('3', '1');
    const listed = account.fills;
    account.fills = listed.slice(0, 1);
    expect(brief(await account.cycle(observed))).toEqual(['FILLS_DISAGREE']);
    account.fills = listed;
    account.clock.set(account.clock.now() + 2 * MINUTE_MS);
    account.venue.shown = [];
    expect(brief(await account.cycle(observed))).toEqual(['NOT_SHOWN']);
    account.sold('1', '0');
    expect(brief(await account.cycle(observed))).toEqual(['3 by ORDER, 1 left', '1 by ORDER, 0 left']);
  });
});

describe('guarantee 15, SNA-9: a new position whose fills are late', () => {
  const openedAt = START + 2 * 60 * MINUTE_MS;
  const id = positionIdOf('desk-1', 'BTCUSDT', 'LONG', openedAt);

  beforeEach(() => {
    account.clock.set(openedAt + SECOND_MS);
    account.fills = [];
    account.venue.shown = [aHolding('LONG', '5', { updatedAt: openedAt })];
  });

  it('is observed in the second cycle, also where it grows meanwhile, and counts from when it was first shown', async () => {
    const observed = account.observer();
    expect(brief(await account.cycle(observed))).toEqual(['OPENING_UNKNOWN']);
    account.venue.shown = [aHolding('LONG', '6', { updatedAt: account.clock.now() })];
    expect((await account.cycle(observed)).snapshots).toMatchObject([
      { position_id: id, opened_at: openedAt, initial_quantity: 5, quantity: 6 },
    ]);
  });

  it('is observed in the second cycle, also where the fills are not answered then', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.silent.add('fills');
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ position_id: id, quantity: 5 }]);
  });

  it('is observed in the second cycle, also where the position before it has only now ended by its fills', async () => {
    account.fills = [aFill('1', 'BUY', '4', { at: START })];
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
    const observed = account.observer();
    await account.cycle(observed);
    const soldAt = account.clock.now();
    account.venue.shown = [aHolding('LONG', '5', { updatedAt: soldAt + SECOND_MS })];
    expect((await account.cycle(observed)).snapshots).toEqual([]);
    account.fills = [...account.fills, aFill('2', 'SELL', '4', { at: soldAt })];
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ quantity: 5 }]);
  });
});
