import { beforeEach, describe, expect, it } from 'vitest';
import { GOOD_RECORDS } from '../../fixtures/good-records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { aFill, aHolding } from './a-venue.ts';
import { ID, MINUTE_MS, ObservedAccount, START, brief } from './observed-account.ts';

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount();
});

describe('a position whose opening is not known', () => {
  it('SNA-5: a position whose opening is out of reach counts from its last change, is reported as a difference, and is followed', async () => {
    // It was changed long ago, and no fill of it is left.
    account.fills = [];
    const changed = START - 300 * 24 * 60 * MINUTE_MS;
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: changed })];
    account.signals = [
      { ...GOOD_RECORDS[TOPICS.modelSignal.name], symbol: 'BTCUSDT', side: 'LONG', emitted_at: changed },
    ];
    const observed = account.observer();
    const seen = await account.cycle(observed);
    const id = positionIdOf('desk-1', 'BTCUSDT', 'LONG', changed);
    expect(seen.snapshots).toMatchObject([
      { position_id: id, opened_at: changed, initial_quantity: 4, confidence_at_entry: null, regime_at_entry: null },
    ]);
    expect(seen.reconciled).toMatchObject([{ differences: [{ kind: 'OPENING_UNKNOWN', position_id: id }] }]);
    expect((await account.cycle(observed)).reconciled).toEqual([]);
    // Its fills are recorded to the last, also after a restart.
    account.sold('1', '3');
    const restarted = account.observer();
    restarted.restore(seen.snapshots, seen.reconciled);
    const partly = await account.cycle(restarted);
    expect([brief(partly), partly.snapshots[0]?.quantity]).toEqual([['1 by ORDER, 3 left', 'OPENING_UNKNOWN'], 3]);
    account.sold('3', '0');
    expect(brief(await account.cycle(restarted))).toEqual(['3 by ORDER, 0 left']);
    expect(await account.cycle(restarted)).toMatchObject({ snapshots: [], reconciled: [] });
  });

  it('SNA-5: a position without an opening is held back while its fills disagree', async () => {
    account.fills = [];
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.shown = [aHolding('LONG', '3', { updatedAt: account.clock.now() - 10 })];
    const lagging = await account.cycle(observed);
    expect([brief(lagging), lagging.snapshots]).toEqual([['FILLS_DISAGREE', 'OPENING_UNKNOWN'], []]);
    account.sold('1', '3');
    expect(brief(await account.cycle(observed))).toEqual(['1 by ORDER, 3 left', 'OPENING_UNKNOWN']);
  });

  it('SNA-5: the opening of a young position is waited for, once', async () => {
    const at = account.clock.now() - 2000;
    account.fills = [];
    account.venue.shown = [aHolding('LONG', '4', { updatedAt: at })];
    const observed = account.observer();
    const early = await account.cycle(observed);
    expect(early.snapshots).toEqual([]);
    expect(early.reconciled).toMatchObject([{ differences: [{ kind: 'OPENING_UNKNOWN', position_id: null }] }]);
    account.fills = [aFill('1', 'BUY', '4', { at: at - 1 })];
    const answered = await account.cycle(observed);
    expect(answered.snapshots).toMatchObject([{ opened_at: at - 1 }]);
    expect(answered.reconciled).toMatchObject([{ differences: [] }]);
  });

  it('SNA-5: fills that lag behind the position hold its snapshot back until they agree', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.shown = [aHolding('LONG', '3', { updatedAt: account.clock.now() - 10 })];
    const lagging = await account.cycle(observed);
    expect([brief(lagging), lagging.snapshots.length]).toEqual([['FILLS_DISAGREE'], 0]);
    account.sold('1', '3');
    const agreed = await account.cycle(observed);
    expect([brief(agreed), agreed.snapshots.length]).toEqual([['1 by ORDER, 3 left'], 1]);
  });
});

describe('SNA-9: fills are no precondition', () => {
  it('a size that no fill explains is observed from the second cycle on, under its id, and the difference stands', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.shown = [aHolding('LONG', '8', { updatedAt: account.clock.now() - 10, markPrice: '120' })];
    await account.cycle(observed);
    for (let index = 0; index < 3; index++) {
      const seen = await account.cycle(observed);
      expect(seen.snapshots).toMatchObject([{ position_id: ID, quantity: 8, mark_price: 120 }]);
      expect(seen.reconciled, 'said once').toEqual([]);
    }
    // The fill turns up late.
    account.fills = [aFill('1', 'BUY', '4', { at: START }), aFill('2', 'BUY', '4', { at: account.clock.now() - 500 })];
    const explained = await account.cycle(observed);
    expect(explained.reconciled).toMatchObject([{ differences: [] }]);
    expect(explained.snapshots).toMatchObject([{ position_id: ID, quantity: 8 }]);
  });

  it('what reduced it meanwhile is recorded as soon as the fills agree again', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.shown = [aHolding('LONG', '3', { updatedAt: account.clock.now() - 10 })];
    await account.cycle(observed);
    await account.cycle(observed);
    account.sold('1', '3');
    expect(brief(await account.cycle(observed))).toEqual(['1 by ORDER, 3 left']);
  });

  it.each([
    ['its last change was its opening, which is known then', START],
    ['it was changed since, keeps its name, and has its opening', START + MINUTE_MS],
  ])('a symbol without fills is observed as OPENING_UNKNOWN after one cycle: %s', async (_, updatedAt) => {
    account.venue.silent.add('fills');
    account.venue.shown = [aHolding('LONG', '4', { updatedAt })];
    const observed = account.observer();
    expect((await account.cycle(observed)).snapshots).toEqual([]);
    const second = await account.cycle(observed);
    const position_id = positionIdOf('desk-1', 'BTCUSDT', 'LONG', updatedAt);
    expect(second.snapshots).toMatchObject([{ position_id, quantity: 4 }]);
    expect(brief(second)).toEqual(['NO_ANSWER', 'OPENING_UNKNOWN']);
    expect((await account.cycle(observed)).snapshots).toHaveLength(1);
    account.venue.silent.clear();
    const answered = await account.cycle(observed);
    expect(answered.snapshots).toMatchObject([{ position_id, opened_at: START }]);
    expect(brief(answered)).toEqual([]);
    // Each of its fills is recorded once, whatever is known of its opening.
    account.sold('1', '3');
    expect(brief(await account.cycle(observed))).toEqual(['1 by ORDER, 3 left']);
    account.sold('3', '0');
    expect(brief(await account.cycle(observed))).toEqual(['3 by ORDER, 0 left']);
  });

  it.each([START, START + MINUTE_MS])(
    'all of its fills at once are recorded once (last change at %i)',
    async (updatedAt) => {
      account.venue.silent.add('fills');
      account.venue.shown = [aHolding('LONG', '4', { updatedAt })];
      const observed = account.observer();
      await account.cycle(observed);
      await account.cycle(observed);
      account.venue.silent.clear();
      account.sold('4', '0');
      expect(brief(await account.cycle(observed))).toEqual(['4 by ORDER, 0 left']);
    },
  );

  it('a known position goes on where the fills fail for good', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.silent.add('fills');
    account.venue.shown = [aHolding('LONG', '3', { updatedAt: account.clock.now() })];
    await account.cycle(observed);
    for (let index = 0; index < 3; index++) {
      expect((await account.cycle(observed)).snapshots).toMatchObject([{ position_id: ID, quantity: 3 }]);
    }
  });

  it('one that was opened before the oldest fill that the venue keeps goes on under its id, also after a restart', async () => {
    const observed = account.observer();
    const seen = await account.cycle(observed);
    account.venue.fillsKeptSince = START + 30 * MINUTE_MS;
    const restarted = account.observer();
    restarted.restore(seen.snapshots, seen.reconciled);
    expect((await account.cycle(restarted)).snapshots).toMatchObject([{ position_id: ID, quantity: 4 }]);
    account.sold('1', '3');
    const reduced = await account.cycle(restarted);
    expect([brief(reduced), reduced.snapshots[0]?.position_id]).toEqual([['1 by ORDER, 3 left'], ID]);
    account.sold('3', '0');
    expect(brief(await account.cycle(restarted))).toEqual(['3 by ORDER, 0 left']);
  });
});
