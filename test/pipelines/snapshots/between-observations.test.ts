import { array, assert, asyncProperty, constantFrom } from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { PositionReconciled } from '../../../schemas/generated/records.ts';
import { ScriptedVenue, aFill, aHolding } from './a-venue.ts';
import { NO_SIGNALS, START, checkReconciled, checkSnapshot } from './observed-account.ts';

const HOUR_MS = 3_600_000;
const BTC: ReadonlySet<string> = new Set(['BTCUSDT']);

function aDesk(side: 'LONG' | 'SHORT' = 'LONG') {
  const venue = new ScriptedVenue();
  const clock = new VirtualClock(START + HOUR_MS);
  venue.allFills['BTCUSDT'] = [aFill('1', side === 'LONG' ? 'BUY' : 'SELL', '4', { at: START })];
  venue.shown = [aHolding(side, '4', { updatedAt: START })];
  const source = new PositionObserver({ venue, account: 'desk-1', clock, signals: NO_SIGNALS, symbols: null });
  /** A sale, of which the venue shows the fill, the smaller position, or both. */
  const sell = (quantity: number, left: number, shows: 'fill' | 'position' | 'both' = 'both'): void => {
    clock.set(clock.now() + 1000);
    const at = clock.now();
    const fills = venue.allFills['BTCUSDT'] ?? [];
    if (shows !== 'position') {
      venue.allFills['BTCUSDT'] = [...fills, aFill(String(fills.length + 1), 'SELL', String(quantity), { at })];
    }
    if (shows !== 'fill') venue.shown = left === 0 ? [] : [aHolding('LONG', String(left), { updatedAt: at })];
  };
  return { venue, clock, source, sell };
}

const recorded = (records: readonly PositionReconciled[]) =>
  records.flatMap(({ reductions }) => reductions.map(({ quantity, remaining_quantity: left }) => [quantity, left]));

let desk: ReturnType<typeof aDesk>;

beforeEach(async () => {
  desk = aDesk();
  await desk.source.observe();
});

describe('SNA-11: between cycles', () => {
  it('a close is recorded at once, and not again by the next cycle', async () => {
    const { source, sell } = desk;
    sell(1, 3);
    const followed = await source.follow(BTC);
    expect(recorded(followed.reconciled)).toEqual([[1, 3]]);
    expect(checkReconciled(followed.reconciled[0])).toEqual([]);
    sell(3, 0);
    expect(recorded((await source.follow(null)).reconciled)).toEqual([[3, 0]]);
    expect(source.symbols).toEqual(new Set());
    expect(await source.observe()).toMatchObject({ reconciled: [], snapshots: [] });
  });

  it('where fills are behind the position it is unsure, not a difference, and they are recorded a moment later', async () => {
    const { venue, source, sell } = desk;
    sell(4, 0, 'position');
    expect(await source.follow(BTC)).toMatchObject({ reconciled: [], unsure: ['BTCUSDT'] });
    sell(4, 0, 'fill');
    expect(recorded((await source.follow(BTC)).reconciled)).toEqual([[4, 0]]);
    venue.silent.add('holdings');
    await expect(source.follow(BTC)).rejects.toMatchObject({ code: 'EXCHANGE_AWAY' });
  });

  it('a position that the venue shows as before is unchanged, also where its fill is listed already', async () => {
    const { source, sell, venue } = desk;
    sell(1, 3, 'fill');
    expect(await source.follow(BTC)).toMatchObject({ reconciled: [], unchanged: ['BTCUSDT'], unsure: [] });
    venue.asked.length = 0;
    await source.follow(new Set(['ETHUSDT']));
    expect(venue.asked).toEqual(['holdings']);
  });

  it('no position is opened, and no history of R grows', async () => {
    const { source, sell, venue, clock } = desk;
    const [before] = (await source.observe()).snapshots;
    sell(1, 3);
    venue.allFills['ETHUSDT'] = [aFill('9', 'BUY', '1', { at: clock.now() })];
    venue.shown = [...venue.shown, aHolding('LONG', '1', { symbol: 'ETHUSDT', updatedAt: clock.now() })];
    await source.follow(null);
    expect(source.symbols).toEqual(BTC);
    const { snapshots } = await source.observe();
    expect(snapshots.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(snapshots[0]?.r_history).toHaveLength((before?.r_history.length ?? 0) + 1);
  });

  it.each([
    ['LONG', [120, 99, 118], { peak_price: 120, worst_price: 99 }],
    ['SHORT', [95, 108, 96], { peak_price: 95, worst_price: 108 }],
    // Half of the mark that was answered, twice of it, and nothing: no market moves so far in a second.
    ['LONG', [53.5, 214, 0, Number.NaN], { peak_price: 107, worst_price: 100 }],
  ] as const)('%s: marks of %j are in its peak', async (side, marks, seen) => {
    const { source } = (desk = aDesk(side));
    source.noteMark('BTCUSDT', 150);
    await source.observe();
    for (const mark of marks) source.noteMark('BTCUSDT', mark);
    source.noteMark('NOSUCHUSDT', 300);
    const { snapshots } = await source.observe();
    expect(snapshots).toMatchObject([{ mark_price: 107, ...seen }]);
    expect(checkSnapshot(snapshots[0])).toEqual([]);
  });

  it('SNA-7: whatever happens in whatever order, each fill is recorded once', async () => {
    const step = constantFrom('observe', 'follow', 'follow all', 'late position', 'late fill', 'sell', 'mark');
    await assert(
      asyncProperty(array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        const { source, venue, sell, clock } = aDesk();
        const records: PositionReconciled[] = [];
        await source.observe();
        let sold = 0;
        const follow = async (asked: ReadonlySet<string> | null) =>
          records.push(...(await source.follow(asked)).reconciled);
        for (const one of steps) {
          if (one === 'observe') records.push(...(await source.observe()).reconciled);
          else if (one === 'follow') await follow(BTC);
          else if (one === 'follow all') await follow(null);
          else if (one === 'mark') source.noteMark('BTCUSDT', 110);
          else if (sold < 4) {
            sold += 1;
            const shown = venue.shown;
            const fills = venue.allFills['BTCUSDT'] ?? [];
            sell(1, 4 - sold);
            const now = { shown: venue.shown, fills: venue.allFills['BTCUSDT'] ?? [] };
            // One of the two lists is behind for one observation.
            if (one === 'late position') venue.shown = shown;
            if (one === 'late fill') venue.allFills['BTCUSDT'] = fills;
            if (one !== 'sell') await follow(BTC);
            venue.shown = now.shown;
            venue.allFills['BTCUSDT'] = now.fills;
          }
        }
        for (let left = 0; left < 3; left++) {
          clock.set(clock.now() + 61_000);
          records.push(...(await source.observe()).reconciled);
        }
        expect(recorded(records)).toEqual(Array.from({ length: sold }, (_, index) => [1, 3 - index]));
      }),
    );
  });
});
