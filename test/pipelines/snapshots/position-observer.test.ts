import { beforeEach, describe, expect, it } from 'vitest';
import type { ClientOrderId, PositionReconciled, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { aFill, aHolding } from './a-venue.ts';
import { CYCLE_MS, ID, ObservedAccount, START, brief } from './observed-account.ts';

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount();
});

describe('the position observer', () => {
  it('SNA-5: names a position by the fill that opened it, and asks for fills only when it changed', async () => {
    const observed = account.observer();
    const first = await account.cycle(observed);
    expect(first.snapshots).toMatchObject([
      { position_id: ID, opened_at: START, quantity: 4, initial_quantity: 4, entry_price: 100, mark_price: 107 },
    ]);
    expect(first.snapshots[0]).toMatchObject({ venue: 'scripted', source: 'ccxt', confidence: null, regime: null });
    account.venue.asked.length = 0;
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice: '111' })];
    const second = await account.cycle(observed);
    expect(second.snapshots).toMatchObject([{ mark_price: 111, peak_price: 111, r_history: [3.5, 5.5] }]);
    expect(account.venue.asked.filter((question) => question.startsWith('fills'))).toEqual([]);
  });

  it('remembers peak, R and entry across a restart', async () => {
    const written: PositionSnapshot[] = [];
    const reconciled: PositionReconciled[] = [];
    const observed = account.observer();
    for (const markPrice of ['112', '109']) {
      account.venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice })];
      const seen = await account.cycle(observed);
      written.push(...seen.snapshots);
      reconciled.push(...seen.reconciled);
    }
    account.sold('1', '3');
    const restarted = account.observer();
    restarted.restore(written, reconciled);
    const after = await account.cycle(restarted);
    expect(after.snapshots).toMatchObject([
      { position_id: ID, quantity: 3, initial_quantity: 4, peak_price: 112, r_history: [6, 4.5, 3.5] },
    ]);
    expect(brief(after)).toEqual(['1 by ORDER, 3 left']);
  });

  it('a restart records no fill again, and all that happened meanwhile', async () => {
    const before = account.observer();
    const first = await account.cycle(before);
    account.sold('1', '3');
    const second = await account.cycle(before);
    account.sold('1', '2');
    account.sold('2', '0');
    const at = account.clock.now();
    const fills = account.fills;
    account.fills = [...fills, aFill('9', 'SELL', '5', { at })];
    account.venue.shown = [aHolding('SHORT', '5', { updatedAt: at })];
    account.clock.set(at + CYCLE_MS);
    const restarted = account.observer();
    restarted.restore([...first.snapshots, ...second.snapshots], [...first.reconciled, ...second.reconciled]);
    const after = await account.cycle(restarted);
    expect(brief(after)).toEqual(['1 by ORDER, 2 left', '2 by ORDER, 0 left']);
    expect(after.snapshots).toMatchObject([{ side: 'SHORT', opened_at: at, quantity: 5 }]);
    // Positions that ended are not taken up again.
    const again = account.observer();
    again.restore(first.snapshots, [...second.reconciled, ...after.reconciled]);
    account.venue.shown = [];
    expect(await account.cycle(again)).toMatchObject({ snapshots: [], reconciled: [] });
  });

  it('a reopened position is a new one, and remembers nothing of the old one', async () => {
    const observed = account.observer();
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: START, markPrice: '120' })];
    await account.cycle(observed);
    const at = account.clock.now() - 2000;
    account.fills = [
      aFill('1', 'BUY', '4', { at: START }),
      aFill('2', 'SELL', '4', { at: at - 5 }),
      aFill('3', 'BUY', '4', { at }),
    ];
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: at })];
    const seen = await account.cycle(observed);
    expect(seen.snapshots).toMatchObject([
      { position_id: positionIdOf('desk-1', 'BTCUSDT', 'LONG', at), opened_at: at, peak_price: 107, r_history: [3.5] },
    ]);
    expect(brief(seen)).toEqual(['4 by ORDER, 0 left']);
  });

  it('observes a position that the venue opened some milliseconds ahead of its measured clock', async () => {
    const opened = account.clock.now() + 35;
    account.fills = [aFill('1', 'BUY', '4', { at: opened })];
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: opened })];
    expect((await account.cycle(account.observer())).snapshots).toMatchObject([
      { opened_at: opened, observed_at: opened },
    ]);
  });

  it('SNA-6: an empty answer closes nothing, and is a difference until it is explained', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    const shown = account.venue.shown;
    account.venue.shown = [];
    const lost = await account.cycle(observed);
    expect(lost.snapshots).toEqual([]);
    expect(lost.reconciled).toMatchObject([
      {
        reductions: [],
        differences: [{ kind: 'NOT_SHOWN', position_id: ID, recorded_quantity: 4, venue_quantity: null }],
      },
    ]);
    expect((await account.cycle(observed)).reconciled).toEqual([]);
    account.venue.shown = shown;
    const back = await account.cycle(observed);
    expect(back.reconciled).toMatchObject([{ reductions: [], differences: [] }]);
    expect(back.snapshots).toMatchObject([{ position_id: ID, r_history: [3.5, 3.5] }]);
  });

  it('SNA-7: records every fill once, with the cause of its order', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.origins = {
      stop: { clientOrderId: 'web_2' as ClientOrderId, cause: 'STOP' },
      dead: { clientOrderId: 'autoclose-1' as ClientOrderId, cause: 'LIQUIDATION' },
    };
    account.sold('1', '3', { orderId: 'stop' });
    const partly = await account.cycle(observed);
    expect(brief(partly)).toEqual(['1 by STOP, 3 left']);
    expect(brief(await account.cycle(observed))).toEqual([]);
    account.sold('3', '0', { orderId: 'dead', price: '80' });
    const gone = await account.cycle(observed);
    expect(gone.snapshots).toEqual([]);
    expect(gone.reconciled).toMatchObject([
      {
        account: 'desk-1',
        venue: 'scripted',
        reductions: [
          { position_id: ID, cause: 'LIQUIDATION', client_order_id: 'autoclose-1', price: 80, entry_price: 100 },
        ],
      },
    ]);
    account.venue.asked.length = 0;
    expect(await account.cycle(observed)).toMatchObject({ snapshots: [], reconciled: [] });
    expect(account.venue.asked).toEqual(['holdings']);
  });

  it('SNA-7: the fill that ended a position is recorded, also where it is late and resembles the one before it', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.sold('2', '2');
    expect(brief(await account.cycle(observed))).toEqual(['2 by ORDER, 2 left']);
    account.sold('2', '0');
    const late = account.fills;
    account.fills = late.slice(0, -1);
    // Counted back from nothing, the fill that is there seems to have ended it.
    expect(brief(await account.cycle(observed))).toEqual(['NOT_SHOWN']);
    account.fills = late;
    expect(brief(await account.cycle(observed))).toEqual(['2 by ORDER, 0 left']);
    expect(brief(await account.cycle(observed))).toEqual([]);
  });

  it('fills that came after the positions were asked for wait for the next cycle', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    const asked = account.clock.now();
    account.fills = [
      aFill('1', 'BUY', '4', { at: START }),
      aFill('2', 'SELL', '1', { at: asked - 2000 }),
      aFill('3', 'SELL', '1', { at: asked + 5 }),
    ];
    account.venue.shown = [aHolding('LONG', '3', { updatedAt: asked - 2000 })];
    const seen = await account.cycle(observed);
    expect([brief(seen), seen.snapshots[0]?.quantity]).toEqual([['1 by ORDER, 3 left'], 3]);
    account.venue.shown = [aHolding('LONG', '2', { updatedAt: asked + 5 })];
    expect(brief(await account.cycle(observed))).toEqual(['1 by ORDER, 2 left']);
  });

  it('a venue that denies the order of a fill is asked three times before it is believed', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.denied.add('lost');
    account.sold('1', '3', { orderId: 'lost' });
    expect(brief(await account.cycle(observed))).toEqual(['NO_ANSWER']);
    expect(brief(await account.cycle(observed))).toEqual([]);
    const answered = await account.cycle(observed);
    expect(brief(answered)).toEqual(['1 by ORDER, 3 left']);
    expect(answered.reconciled[0]?.reductions[0]?.client_order_id).toBeNull();
  });
});
