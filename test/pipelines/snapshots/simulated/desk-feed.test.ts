import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadCandleMarket } from '../../../../connectors/market/candle-market.ts';
import { type DeskCycle, DeskFeed } from '../../../../pipelines/snapshots/simulated/desk-feed.ts';
import type { Market } from '../../../../ports/market.ts';
import { rOf } from '../../../../pipelines/snapshots/snapshot.ts';
import { simulatedMarket } from '../../../../pipelines/snapshots/simulated/simulated-market.ts';
import { SeededRandom } from '../../../../connectors/system/seeded-random.ts';
import type { PositionSnapshot } from '../../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../../schemas/ids.ts';
import { recordChecker } from '../../../../schemas/record-rules.ts';
import { TOPICS } from '../../../../schemas/topics.ts';
import { folderForTest } from '../../../fixtures/temporary-folder.ts';
import { HEADER, rows } from '../../../connectors/market/candle-rows.ts';
import { harvest } from './harvest.ts';
import { MemoryBook } from './memory-book.ts';
import { countedBranches } from '../../../fixtures/counted-branches.ts';

interface Run {
  readonly cycles: readonly (DeskCycle & {
    readonly index: number;
    readonly before: MemoryBook;
    readonly bookings: number;
  })[];
  /** Everything recorded before that cycle. */
  recordedBefore(index: number): readonly PositionSnapshot[];
}

function feedOf(seed: number, book: MemoryBook, market?: Market): DeskFeed {
  const random = new SeededRandom(seed);
  return new DeskFeed({ desk: 'desk', market: market ?? simulatedMarket(random), book, random });
}

/** An uninterrupted run, with a copy of the book as each cycle found it. */
function uninterrupted(seed: number, count: number, market?: Market): Run {
  const book = new MemoryBook();
  const feed = feedOf(seed, book, market);
  const cycles = Array.from({ length: count }, (_, index) => {
    const before = book.copy();
    book.bookingsLeft = 1_000;
    const cycle = feed.run(index) ?? { now: 0, signals: [], snapshots: [] };
    const bookings = 1_000 - book.bookingsLeft;
    harvest(book, cycle.snapshots);
    return { ...cycle, index, before, bookings };
  });
  return { cycles, recordedBefore: (index) => cycles.slice(0, index).flatMap((cycle) => cycle.snapshots) };
}

describe('DeskFeed', () => {
  const long = uninterrupted(42, 400);
  const snapshots = long.cycles.flatMap((cycle) => cycle.snapshots);
  const byPosition = Map.groupBy(snapshots, (snapshot) => snapshot.position_id);

  test('SIM-1: a restart at any cycle, from what was recorded, changes nothing', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 90 }), (seed, restart) => {
        const run = uninterrupted(seed, restart + 3);
        const book = run.cycles[restart]?.before ?? new MemoryBook();
        const feed = feedOf(seed, book);
        feed.restore(run.recordedBefore(restart));
        for (const { index, now, signals, snapshots: expected } of run.cycles.slice(restart)) {
          expect(feed.run(index)).toEqual({ now, signals, snapshots: expected });
          harvest(book, expected);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('SIM-2: a cycle that crashed after any booking, or with any part of its records written, runs again the same', () => {
    const acting = long.cycles.filter((cycle) => cycle.index < 150 && cycle.bookings > 0);
    expect(acting.some(({ snapshots: seen }) => seen.some((one) => one.quantity > one.initial_quantity))).toBe(true);
    const hit = countedBranches({ crashed: 10, 'written in part': 10 });
    fc.assert(
      fc.property(fc.constantFrom(...acting), fc.nat({ max: 99 }), fc.nat({ max: 99 }), (cycle, crash, written) => {
        const book = cycle.before.copy();
        const first = feedOf(42, book);
        first.restore(long.recordedBefore(cycle.index));
        const bookings = crash % (cycle.bookings + 1);
        book.bookingsLeft = bookings;
        if (bookings < cycle.bookings) {
          hit('crashed');
          expect(() => first.run(cycle.index)).toThrow('crashed before a booking');
        } else {
          hit('written in part');
          first.run(cycle.index);
        }

        book.bookingsLeft = Infinity;
        const again = feedOf(42, book);
        const survived = bookings < cycle.bookings ? 0 : written % (cycle.snapshots.length + 1);
        again.restore([...long.recordedBefore(cycle.index), ...cycle.snapshots.slice(0, survived)]);
        const { now, signals, snapshots: expected } = cycle;
        expect(again.run(cycle.index)).toEqual({ now, signals, snapshots: expected });

        harvest(book, expected);
        const next = long.cycles[cycle.index + 1];
        expect(again.run(cycle.index + 1)?.snapshots).toEqual(next?.snapshots);
      }),
      { numRuns: 60 },
    );
  });

  test('SIM-3: every open position has one snapshot a cycle, from its opening on', () => {
    for (const { snapshots: seen, now } of long.cycles) {
      expect(new Set(seen.map((snapshot) => snapshot.position_id)).size).toBe(seen.length);
      expect(new Set(seen.map((snapshot) => `${snapshot.account}:${snapshot.symbol}`)).size).toBe(seen.length);
      for (const snapshot of seen) expect(snapshot.observed_at).toBe(now);
    }
    for (const history of byPosition.values()) {
      expect(history[0]?.observed_at).toBe(history[0]?.opened_at);
      for (const [index, snapshot] of history.entries()) {
        expect(snapshot.observed_at).toBe(snapshot.opened_at + index * 300_000);
      }
    }
  });

  test('SIM-3: a position on the desk’s account that others opened is observed from entry and mark on, its unknowns null; others’ are not', () => {
    const book = new MemoryBook();
    const feed = feedOf(42, book);
    const cycle = feed.run(5);
    const close = simulatedMarket(new SeededRandom(42)).cycle(6)?.ticks[0]?.candle.close ?? NaN;
    const foreign = { symbol: 'BTCUSDT', initialQuantity: '0.01', entryPrice: String(close * 1.1) } as const;
    const longId = positionIdOf('desk', 'BTCUSDT', 'LONG', 7);
    const short = positionIdOf('desk', 'BTCUSDT', 'SHORT', 7);
    const future = positionIdOf('desk', 'BTCUSDT', 'LONG', 8e12);
    const elsewhere = positionIdOf('elsewhere', 'BTCUSDT', 'LONG', 7);
    book.open({ ...foreign, account: 'desk', position_id: longId, side: 'LONG', opened_at: 7 });
    book.open({ ...foreign, account: 'desk', position_id: short, side: 'SHORT', opened_at: 7 });
    book.open({ ...foreign, account: 'desk', position_id: future, side: 'LONG', opened_at: 8e12 });
    book.open({ ...foreign, account: 'elsewhere', position_id: elsewhere, side: 'LONG', opened_at: 7 });
    const seen = (feed.run(6)?.snapshots ?? []).filter(
      (snapshot) => snapshot.opened_at === 7 || snapshot.opened_at === 8e12,
    );
    const unknown = { initial_stop_price: null, confidence_at_entry: null, regime_at_entry: null, r_history: [] };
    expect(cycle).toBeDefined();
    expect(seen).toHaveLength(2);
    expect(seen).toEqual([
      expect.objectContaining({ ...unknown, position_id: longId, peak_price: close * 1.1, mark_price: close }),
      expect.objectContaining({ ...unknown, position_id: short, peak_price: close, mark_price: close }),
    ]);
    expect(seen[0]?.regime).not.toBeNull();
  });

  test('peak, R and its history, and what was known at entry, follow from the closes seen', () => {
    for (const history of byPosition.values()) {
      const first = history[0];
      if (first === undefined) continue;
      let peak = first.mark_price;
      const rs: number[] = [];
      for (const snapshot of history) {
        const { side, mark_price, entry_price, initial_stop_price } = snapshot;
        peak = side === 'LONG' ? Math.max(peak, mark_price) : Math.min(peak, mark_price);
        rs.push(rOf(side, entry_price, mark_price, initial_stop_price ?? NaN));
        expect(snapshot.peak_price).toBe(peak);
        expect(snapshot.r_history).toEqual(rs.slice(-24));
        expect(snapshot.initial_stop_price).toBe(first.initial_stop_price);
        expect(snapshot.confidence_at_entry).toBe(first.confidence);
        expect(snapshot.regime_at_entry).toBe(first.regime);
        expect(snapshot).toMatchObject({
          venue: 'paper',
          source: 'simulated',
          stop_price: null,
          take_profit_price: null,
        });
      }
    }
    expect([...byPosition.values()].some((history) => history.length > 24)).toBe(true);
  });

  test('R is profit over the risk at opening: 8.75 risked, 17.5 won', () => {
    expect(rOf('LONG', 100, 117.5, 91.25)).toBe(2);
    expect(rOf('SHORT', 100, 117.5, 108.75)).toBe(-2);
  });

  test('every slot has a signal a cycle: the mean of its members, for the side of its position', () => {
    for (const { signals, snapshots: seen } of long.cycles) {
      expect(signals).toHaveLength(15);
      for (const signal of signals) {
        const sum = signal.members.reduce((total, member) => total + member.confidence, 0);
        expect(signal.confidence).toBeCloseTo(sum / signal.members.length, 12);
        const held = seen.find(({ account, symbol }) => account === signal.account && symbol === signal.symbol);
        if (held === undefined) expect(signal.confidence).toBeGreaterThanOrEqual(0.5);
        else
          expect(held).toMatchObject({ side: signal.side, confidence: signal.confidence, model_id: signal.model_id });
      }
    }
  });

  test('every record passes its check, in simulated and in recorded markets', async () => {
    const file = join(folderForTest(), 'ETH-BTC-5m.csv');
    writeFileSync(file, [HEADER, ...rows(110), ...rows(30, 115)].join('\n'));
    const recorded = await loadCandleMarket([file]);
    const checkSignal = recordChecker(TOPICS.modelSignal);
    const checkSnapshot = recordChecker(TOPICS.positionSnapshot);
    let checked = 0;
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, simulated) => {
        for (const cycle of uninterrupted(seed, 60, simulated ? undefined : recorded).cycles) {
          for (const signal of cycle.signals) expect(checkSignal(signal)).toEqual([]);
          for (const snapshot of cycle.snapshots) expect(checkSnapshot(snapshot)).toEqual([]);
          checked += cycle.snapshots.length;
        }
      }),
      { numRuns: 16 },
    );
    expect(checked).toBeGreaterThan(1_000);
  });

  test('one recorded symbol fills fifteen sub-accounts, and the feed ends where the file does', async () => {
    const file = join(folderForTest(), 'ETH-BTC-5m.csv');
    writeFileSync(file, [HEADER, ...rows(150)].join('\n'));
    const market = await loadCandleMarket([file]);
    const { cycles } = uninterrupted(3, 102, market);
    expect(new Set(cycles.flatMap((cycle) => cycle.signals.map((signal) => signal.account))).size).toBe(15);
    expect(new Set(cycles.flatMap((cycle) => cycle.snapshots.map((snapshot) => snapshot.account))).size).toBe(15);
    const feed = feedOf(3, new MemoryBook(), market);
    expect(feed.run(101)).toBeDefined();
    expect(feed.run(102)).toBeUndefined();
  });

  test('a symbol without a candle publishes nothing in that cycle, and its memory survives', async () => {
    const folder = folderForTest();
    const [whole, holed] = [join(folder, 'A.csv'), join(folder, 'B.csv')];
    writeFileSync(whole, [HEADER, ...rows(150)].join('\n'));
    writeFileSync(holed, [HEADER, ...rows(100), ...rows(45, 105)].join('\n'));
    const market = await loadCandleMarket([whole, holed]);
    const { cycles } = uninterrupted(8, 70, market);
    const ofB = (index: number) => cycles[index]?.snapshots.filter(({ symbol }) => symbol === 'B') ?? [];
    // Candles 100 to 104 of B are missing: cycles 52 to 56.
    for (let index = 52; index <= 56; index++) {
      expect(ofB(index)).toEqual([]);
      expect(cycles[index]?.signals.every(({ symbol }) => symbol === 'A')).toBe(true);
    }
    const survivors = ofB(57).filter(({ opened_at, observed_at }) => opened_at < observed_at);
    expect(survivors.length).toBeGreaterThan(0);
    for (const { initial_stop_price, r_history } of survivors) {
      expect(initial_stop_price).not.toBeNull();
      expect(r_history.length).toBeGreaterThan(1);
    }
  });

  test('cycles are asked in ascending order', () => {
    const feed = feedOf(1, new MemoryBook());
    feed.run(3);
    expect(() => feed.run(3)).toThrow(RangeError);
    expect(() => feedOf(1, new MemoryBook()).run(-1)).toThrow(RangeError);
  });

  test('the desk is lively: slots refill within the hour, all outcomes and both tails of R are there', () => {
    const finals = [...byPosition.values()].map((history) => history.at(-1)).filter((last) => last !== undefined);
    const moves = finals.map(({ side, entry_price, mark_price }) =>
      rOf(side, entry_price, mark_price, entry_price * 0.99),
    );
    const share = (accepts: (move: number) => boolean) => moves.filter(accepts).length / moves.length;
    // Moves are in per cent here: the "risk" above is 1 % of the entry price.
    expect(share((move) => move > 0.5)).toBeGreaterThan(0.2);
    expect(share((move) => move < -0.5)).toBeGreaterThan(0.15);
    expect(share((move) => Math.abs(move) <= 0.5)).toBeGreaterThan(0.15);

    const best = [...byPosition.values()].map((history) => Math.max(...history.flatMap(({ r_history }) => r_history)));
    expect(best.filter((r) => r > 2).length / best.length).toBeGreaterThan(0.2);
    expect(best.filter((r) => r > 8).length).toBeGreaterThan(0);
    expect(best.filter((r) => r > 8).length / best.length).toBeLessThan(0.1);

    const lives = [...byPosition.values()].map((history) => history.length).toSorted((a, b) => a - b);
    expect(lives[lives.length >> 1]).toBeGreaterThan(12);
    expect(byPosition.size).toBeGreaterThan(100);

    const opened = [...Map.groupBy(byPosition.values(), (history) => history[0]?.symbol ?? '').values()];
    const waits = opened.flatMap((histories) =>
      histories
        .slice(1)
        .map((history, index) => (history[0]?.opened_at ?? 0) - (histories[index]?.at(-1)?.observed_at ?? 0)),
    );
    const withinHour = waits.filter((wait) => wait <= 3_600_000).length / waits.length;
    expect(withinHour).toBeGreaterThan(0.7);
  });

  test('confidence and regime move during a life: some fall by more than 0.15, some regimes change', () => {
    const histories = [...byPosition.values()];
    const sometime = (changed: (snapshot: PositionSnapshot) => boolean) =>
      histories.filter((history) => history.some(changed)).length / histories.length;
    const degraded = sometime(
      ({ confidence, confidence_at_entry }) => (confidence ?? 1) < (confidence_at_entry ?? 0) - 0.15,
    );
    const turned = sometime(({ regime, regime_at_entry }) => regime !== regime_at_entry);
    expect(degraded).toBeGreaterThan(0.15);
    expect(degraded).toBeLessThan(0.6);
    expect(turned).toBeGreaterThan(0.2);
    expect(turned).toBeLessThan(0.7);
  });
});
