import { beforeEach, describe, expect, it } from 'vitest';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { aHolding } from './a-venue.ts';
import { ID, MINUTE_MS, ObservedAccount, START } from './observed-account.ts';

let account: ObservedAccount;

beforeEach(() => {
  account = new ObservedAccount(MINUTE_MS);
});

const reduced = ({ reconciled }: ObservedCycle) =>
  reconciled.flatMap(({ reductions }) =>
    reductions.map((one) => [one.position_id, one.quantity, one.remaining_quantity]),
  );

describe('SNA-8: an order that is not answered costs no position its snapshot', () => {
  it('a position that was reduced is observed at once, and the fill is recorded once when its order is answered', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.filled('SELL', '1', ['LONG', '3']);
    account.venue.silent.add('origin');
    const seen = await account.cycle(observed);
    expect(seen.snapshots).toMatchObject([{ position_id: ID, quantity: 3 }]);
    expect(reduced(seen)).toEqual([]);
    expect(seen.missing).toMatchObject([{ symbol: 'BTCUSDT', what: 'fills' }]);
    account.venue.silent.clear();
    expect(reduced(await account.cycle(observed))).toEqual([[ID, 1, 3]]);
    expect(reduced(await account.cycle(observed))).toEqual([]);
  });

  it.each(['LONG', 'SHORT'] as const)('a %s that was opened after the end of one is observed at once', async (side) => {
    const observed = account.observer();
    await account.cycle(observed);
    account.filled('SELL', '4', null);
    const at = account.filled(side === 'LONG' ? 'BUY' : 'SELL', '2', [side, '2']);
    const second = positionIdOf('desk-1', 'BTCUSDT', side, at);
    account.venue.silent.add('origin');
    for (let count = 0; count < 3; count++) {
      const seen = await account.cycle(observed);
      expect(seen.snapshots).toMatchObject([{ position_id: second, quantity: 2 }]);
      expect(reduced(seen)).toEqual([]);
    }
    account.venue.silent.clear();
    expect(reduced(await account.cycle(observed))).toEqual([[ID, 4, 0]]);
    account.filled(side === 'LONG' ? 'SELL' : 'BUY', '2', null);
    expect(reduced(await account.cycle(observed))).toEqual([[second, 2, 0]]);
    expect((await account.cycle(observed)).snapshots).toEqual([]);
  });

  it('that one is observed after a restart, too, while not even fills are answered', async () => {
    const before = account.observer();
    const first = await account.cycle(before);
    account.filled('SELL', '4', null);
    const at = account.filled('BUY', '2', ['LONG', '2']);
    account.venue.silent.add('origin');
    const second = await account.cycle(before);
    const after = account.observer();
    after.restore([...first.snapshots, ...second.snapshots], [...first.reconciled, ...second.reconciled]);
    account.venue.silent.add('fills');
    const opened = positionIdOf('desk-1', 'BTCUSDT', 'LONG', at);
    expect((await account.cycle(after)).snapshots).toMatchObject([{ position_id: opened, quantity: 2 }]);
    account.venue.silent.clear();
    expect(reduced(await account.cycle(after))).toEqual([[ID, 4, 0]]);
  });
});

describe('SNA-9: fills that were false', () => {
  it('are corrected by the next answer, and what they hid is recorded', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.filled('SELL', '1', ['LONG', '3']);
    const truth = account.fills;
    account.fills = truth.map((fill) => ({ ...fill, quantity: '0.01' }));
    await account.cycle(observed);
    expect((await account.cycle(observed)).snapshots).toMatchObject([{ position_id: ID, quantity: 3 }]);
    account.fills = truth;
    const seen = await account.cycle(observed);
    expect(reduced(seen)).toEqual([[ID, 1, 3]]);
    expect(seen.reconciled).toMatchObject([{ differences: [] }]);
  });

  it('are corrected also where they are older than what every cycle asks for', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.filled('SELL', '1', ['LONG', '3']);
    const truth = account.fills;
    account.fills = truth.map((fill) => ({ ...fill, quantity: '0.01' }));
    await account.cycle(observed);
    account.clock.set(account.clock.now() + 3 * 3_600_000);
    await account.cycle(observed);
    account.clock.set(account.clock.now() + 3 * 3_600_000);
    account.fills = truth;
    const recorded: unknown[] = [];
    for (let count = 0; count < 8; count++) recorded.push(...reduced(await account.cycle(observed)));
    expect(recorded).toEqual([[ID, 1, 3]]);
  });

  it.each(['FAILED', 'GONE'])('a position whose first fills were %s is followed once they are there', async (how) => {
    const truth = account.fills;
    if (how === 'GONE') account.fills = [];
    else account.venue.silent.add('fills');
    const observed = account.observer();
    account.clock.set(START + 2000);
    await observed.observe();
    account.clock.set(START + 4000);
    expect((await observed.observe()).snapshots).toMatchObject([{ position_id: ID, quantity: 4 }]);
    account.venue.silent.clear();
    account.fills = truth;
    account.clock.set(START + 6000);
    await observed.observe();
    account.clock.set(START + 8000);
    account.filled('SELL', '1', ['LONG', '3']);
    expect(reduced(await account.cycle(observed))).toEqual([[ID, 1, 3]]);
  });

  it('a position on the other side of one that no fill ends is observed after a cycle', async () => {
    const observed = account.observer();
    await account.cycle(observed);
    account.venue.shown = [];
    await account.cycle(observed);
    account.venue.shown = [aHolding('SHORT', '5', { updatedAt: account.clock.now() - 10 })];
    await account.cycle(observed);
    for (let count = 0; count < 3; count++) {
      expect((await account.cycle(observed)).snapshots).toMatchObject([{ side: 'SHORT', quantity: 5 }]);
    }
  });
});
