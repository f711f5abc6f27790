import { beforeEach, describe, expect, it } from 'vitest';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { PositionSource } from '../../../pipelines/snapshots/position-source.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { aFill, aHolding, ScriptedVenue } from './a-venue.ts';

const START = 1_770_000_000_000;
const CYCLE_MS = 30_000;
const FIRST = positionIdOf('desk-1', 'BTCUSDT', 'LONG', START);

let venue: ScriptedVenue;
let clock: VirtualClock;

beforeEach(() => {
  venue = new ScriptedVenue();
  clock = new VirtualClock(START + 60_000);
  venue.allFills['BTCUSDT'] = [aFill('1', 'BUY', '4', { at: START })];
  venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
});

function source(): PositionSource {
  return new PositionSource({
    venue,
    account: 'desk-1',
    clock,
    symbols: null,
    signals: { refresh: () => Promise.resolve(), latest: () => null, at: () => Promise.resolve(null) },
  });
}

async function cycle(observed: PositionSource): Promise<ObservedCycle> {
  const seen = await observed.observe();
  clock.set(clock.now() + CYCLE_MS);
  return seen;
}

/** A fill of now; the venue shows what is open after it, or, in `after`, what is open after later ones. */
function filled(direction: 'BUY' | 'SELL', quantity: string, after: readonly [Side, string] | null): number {
  const at = clock.now() - 1000 + (venue.allFills['BTCUSDT']?.length ?? 0);
  const fills = venue.allFills['BTCUSDT'] ?? [];
  venue.allFills['BTCUSDT'] = [...fills, aFill(String(fills.length + 1), direction, quantity, { at })];
  venue.shown = after === null ? [] : [aHolding(after[0], after[1], { updatedAt: at })];
  return at;
}

const reduced = ({ reconciled }: ObservedCycle) =>
  reconciled.flatMap(({ reductions }) =>
    reductions.map((one) => [one.position_id, one.quantity, one.remaining_quantity]),
  );

describe('SNA-8: the order of a fill that is not told costs no position its snapshot', () => {
  it('a position that was reduced is observed at once, and the fill recorded once when its order is told', async () => {
    const observed = source();
    await cycle(observed);
    filled('SELL', '1', ['LONG', '3']);
    venue.silent.add('origin');
    const seen = await cycle(observed);
    expect(seen.snapshots).toMatchObject([{ position_id: FIRST, quantity: 3 }]);
    expect(reduced(seen)).toEqual([]);
    expect(seen.missing).toMatchObject([{ symbol: 'BTCUSDT', what: 'fills' }]);
    venue.silent.clear();
    expect(reduced(await cycle(observed))).toEqual([[FIRST, 1, 3]]);
    expect(reduced(await cycle(observed))).toEqual([]);
  });

  it.each(['LONG', 'SHORT'] as const)('a %s that was opened after the end of one is observed at once', async (side) => {
    const observed = source();
    await cycle(observed);
    filled('SELL', '4', null);
    const at = filled(side === 'LONG' ? 'BUY' : 'SELL', '2', [side, '2']);
    const second = positionIdOf('desk-1', 'BTCUSDT', side, at);
    venue.silent.add('origin');
    for (let count = 0; count < 3; count++) {
      const seen = await cycle(observed);
      expect(seen.snapshots).toMatchObject([{ position_id: second, quantity: 2 }]);
      expect(reduced(seen)).toEqual([]);
    }
    venue.silent.clear();
    expect(reduced(await cycle(observed))).toEqual([[FIRST, 4, 0]]);
    filled(side === 'LONG' ? 'SELL' : 'BUY', '2', null);
    expect(reduced(await cycle(observed))).toEqual([[second, 2, 0]]);
    expect((await cycle(observed)).snapshots).toEqual([]);
  });

  it('that one is observed after a restart too, though not even fills are told', async () => {
    const before = source();
    const first = await cycle(before);
    filled('SELL', '4', null);
    const at = filled('BUY', '2', ['LONG', '2']);
    venue.silent.add('origin');
    const second = await cycle(before);
    const after = source();
    after.restore([...first.snapshots, ...second.snapshots], [...first.reconciled, ...second.reconciled]);
    venue.silent.add('fills');
    const opened = positionIdOf('desk-1', 'BTCUSDT', 'LONG', at);
    expect((await cycle(after)).snapshots).toMatchObject([{ position_id: opened, quantity: 2 }]);
    venue.silent.clear();
    expect(reduced(await cycle(after))).toEqual([[FIRST, 4, 0]]);
  });
});

describe('SNA-9: fills that were false', () => {
  it('are corrected by the next answer, and what they hid is recorded', async () => {
    const observed = source();
    await cycle(observed);
    filled('SELL', '1', ['LONG', '3']);
    const truth = venue.allFills['BTCUSDT'] ?? [];
    venue.allFills['BTCUSDT'] = truth.map((fill) => ({ ...fill, quantity: '0.01' }));
    await cycle(observed);
    expect((await cycle(observed)).snapshots).toMatchObject([{ position_id: FIRST, quantity: 3 }]);
    venue.allFills['BTCUSDT'] = truth;
    const seen = await cycle(observed);
    expect(reduced(seen)).toEqual([[FIRST, 1, 3]]);
    expect(seen.reconciled).toMatchObject([{ differences: [] }]);
  });

  it('are corrected also where they are older than what every cycle asks for', async () => {
    const observed = source();
    await cycle(observed);
    filled('SELL', '1', ['LONG', '3']);
    const truth = venue.allFills['BTCUSDT'] ?? [];
    venue.allFills['BTCUSDT'] = truth.map((fill) => ({ ...fill, quantity: '0.01' }));
    await cycle(observed);
    clock.set(clock.now() + 3 * 3_600_000);
    await cycle(observed);
    clock.set(clock.now() + 3 * 3_600_000);
    venue.allFills['BTCUSDT'] = truth;
    const told: unknown[] = [];
    for (let count = 0; count < 8; count++) told.push(...reduced(await cycle(observed)));
    expect(told).toEqual([[FIRST, 1, 3]]);
  });

  it.each(['FAILED', 'GONE'])('a position whose first fills were %s is followed once they are told', async (how) => {
    const truth = venue.allFills['BTCUSDT'] ?? [];
    if (how === 'GONE') venue.allFills['BTCUSDT'] = [];
    else venue.silent.add('fills');
    const observed = source();
    clock.set(START + 2000);
    await observed.observe();
    clock.set(START + 4000);
    expect((await observed.observe()).snapshots).toMatchObject([{ position_id: FIRST, quantity: 4 }]);
    venue.silent.clear();
    venue.allFills['BTCUSDT'] = truth;
    clock.set(START + 6000);
    await observed.observe();
    clock.set(START + 8000);
    filled('SELL', '1', ['LONG', '3']);
    expect(reduced(await cycle(observed))).toEqual([[FIRST, 1, 3]]);
  });

  it('a position on the other side of one that no fill ends is observed after a cycle', async () => {
    const observed = source();
    await cycle(observed);
    venue.shown = [];
    await cycle(observed);
    venue.shown = [aHolding('SHORT', '5', { updatedAt: clock.now() - 10 })];
    await cycle(observed);
    for (let count = 0; count < 3; count++) {
      expect((await cycle(observed)).snapshots).toMatchObject([{ side: 'SHORT', quantity: 5 }]);
    }
  });
});
