import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { PositionReconciled, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { aFill, aHolding, ScriptedVenue } from './a-venue.ts';
import { NO_SIGNALS } from './observed-account.ts';

const NOW = 1_770_000_000_000;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const CYCLE_MS = 30_000;

const SYMBOLS = Array.from({ length: 15 }, (_, index) => `S${index}USDT`);

/** Fifteen positions that were opened so many days ago, grew an hour ago, and lost a quarter in between. */
const desk = (days: number) => {
  const venue = new ScriptedVenue();
  const clock = new VirtualClock(NOW);
  for (const symbol of SYMBOLS) {
    venue.allFills[symbol] = [
      aFill('1', 'BUY', '4', { at: NOW - days * DAY_MS }),
      aFill('2', 'SELL', '1', { at: NOW - (days - 1) * DAY_MS }),
      aFill('3', 'BUY', '2', { at: NOW - HOUR_MS }),
    ];
  }
  venue.shown = SYMBOLS.map((symbol) => aHolding('LONG', '5', { symbol, updatedAt: NOW - HOUR_MS }));
  const source = new PositionObserver({ venue, account: 'main', clock, signals: NO_SIGNALS, symbols: null });
  const cycle = async (): Promise<ObservedCycle> => {
    const seen = await source.observe();
    clock.set(clock.now() + CYCLE_MS);
    return seen;
  };
  return { venue, clock, cycle };
};

const kinds = ({ reconciled }: ObservedCycle): readonly string[] =>
  reconciled.flatMap(({ symbol, differences }) => differences.map(({ kind }) => `${symbol} ${kind}`));

describe('SNA-10: positions that were opened long ago', () => {
  it('positions of 150 days are all observed in the first cycle, and dated under the same id as their history is read', async () => {
    const { venue, cycle } = desk(150);
    venue.olderAnswers = 24;
    const first = await cycle();
    const ids = SYMBOLS.map((symbol) => positionIdOf('main', symbol, 'LONG', NOW - HOUR_MS));
    expect(first.snapshots.map(({ position_id }) => position_id)).toEqual(ids);
    expect(kinds(first)).toEqual(SYMBOLS.map((symbol) => `${symbol} OPENING_UNKNOWN`));
    const recorded: string[] = [];
    for (let count = 0; count < 20; count++) {
      venue.olderAnswers = 24;
      const seen = await cycle();
      expect(seen.snapshots.map(({ position_id }) => position_id)).toEqual(ids);
      recorded.push(...seen.reconciled.flatMap(({ reductions }) => reductions.map(({ position_id }) => position_id)));
    }
    const { snapshots, reconciled } = await cycle();
    expect(snapshots.map(({ opened_at }) => opened_at)).toEqual(SYMBOLS.map(() => NOW - 150 * DAY_MS));
    expect(snapshots.map(({ initial_quantity }) => initial_quantity)).toEqual(SYMBOLS.map(() => 4));
    expect(reconciled).toEqual([]);
    expect(recorded.toSorted(), 'what they lost before is recorded once').toEqual(ids.toSorted());
    // Nothing is asked for any more.
    venue.asked.length = 0;
    await cycle();
    expect(venue.asked.filter((question) => /fills|older/.test(question))).toEqual([]);
  });

  it('one of 45 days is named by its own opening in the first cycle', async () => {
    const { venue, cycle } = desk(45);
    venue.shown = venue.shown.slice(0, 1);
    expect((await cycle()).snapshots).toMatchObject([
      { position_id: positionIdOf('main', 'S0USDT', 'LONG', NOW - 45 * DAY_MS), initial_quantity: 4 },
    ]);
  });

  it('one that was opened before the oldest fill that the venue keeps stays OPENING_UNKNOWN, and the search ends', async () => {
    const { venue, cycle } = desk(120);
    venue.shown = venue.shown.slice(0, 1);
    venue.fillsKeptSince = NOW - 90 * DAY_MS;
    for (let count = 0; count < 5; count++) expect((await cycle()).snapshots).toHaveLength(1);
    venue.asked.length = 0;
    await cycle();
    expect(venue.asked.filter((question) => /fills|older/.test(question))).toEqual([]);
  });

  it('old fills that are not answered cost only their symbol its opening, and are asked for less and less often', async () => {
    const { venue, cycle } = desk(45);
    venue.silent.add('older S3USDT');
    const first = await cycle();
    expect(first.snapshots).toHaveLength(15);
    expect(kinds(first)).toEqual(['S3USDT OPENING_UNKNOWN']);
    expect(first.missing).toMatchObject([{ symbol: 'S3USDT', what: 'fills' }]);
    venue.asked.length = 0;
    for (let count = 0; count < 62; count++) expect((await cycle()).snapshots).toHaveLength(15);
    expect(venue.asked.filter((question) => question === 'older S3USDT').length).toBeLessThanOrEqual(6);
    venue.silent.clear();
    for (let count = 0; count < 40; count++) await cycle();
    const [, , , dated] = (await cycle()).snapshots;
    expect(dated).toMatchObject({ symbol: 'S3USDT', opened_at: NOW - 45 * DAY_MS });
  });
});

/** What happens to a symbol: time passes, and somebody buys or sells. */
const Event = record({
  hours: integer({ min: 1, max: 500 }),
  change: constantFrom(-3, -2, -1, 1, 2, 3),
  /** The observations after it, each with as many answers about old fills. */
  observations: array(nat({ max: 4 }), { maxLength: 3 }),
  restart: boolean(),
});

/** A fill and the positions, by their number, that it reduced or opened. */
interface Truth {
  readonly fill: VenueFill;
  readonly reduces: number | null;
}

describe('a position whose history is read piece by piece', () => {
  it('SNA-5, SNA-7: keeps one id, and each of its fills is recorded once, whatever is read when', async () => {
    let reductionsSeen = 0;
    let datedLate = 0;
    await assert(
      asyncProperty(array(Event, { minLength: 2, maxLength: 14 }), nat({ max: 8 }), async (events, blind) => {
        const venue = new ScriptedVenue();
        const clock = new VirtualClock(NOW);
        const snapshots: PositionSnapshot[] = [];
        const reconciled: PositionReconciled[] = [];
        const truths: Truth[] = [];
        /** When each position was opened. */
        const openings: number[] = [];
        const begin = (): PositionObserver => {
          const source = new PositionObserver({ venue, account: 'main', clock, signals: NO_SIGNALS, symbols: null });
          source.restore(new Map(snapshots.map((one) => [one.position_id, one])).values(), reconciled);
          return source;
        };
        let source = begin();
        let size = 0;
        for (const [index, { hours, change, observations, restart }] of events.entries()) {
          clock.set(clock.now() + hours * HOUR_MS);
          const at = clock.now();
          const fill = aFill(String(index + 1), change > 0 ? 'BUY' : 'SELL', `${Math.abs(change)}`, { at });
          const after = size + change;
          truths.push({ fill, reduces: size * change < 0 ? openings.length - 1 : null });
          if (after !== 0 && (size === 0 || after * size < 0)) openings.push(at);
          size = after;
          venue.allFills['BTCUSDT'] = truths.map((one) => one.fill);
          venue.shown =
            size === 0 ? [] : [aHolding(size > 0 ? 'LONG' : 'SHORT', `${Math.abs(size)}`, { updatedAt: at })];
          if (index < blind) continue;
          if (restart) source = begin();
          for (const answers of observations) {
            clock.set(clock.now() + CYCLE_MS);
            venue.olderAnswers = answers;
            const seen = await source.observe();
            snapshots.push(...seen.snapshots);
            reconciled.push(...seen.reconciled);
            expect(seen.snapshots, 'what is shown is observed').toHaveLength(venue.shown.length);
          }
        }
        venue.olderAnswers = Infinity;
        for (let count = 0; count < 12; count++) {
          clock.set(clock.now() + CYCLE_MS);
          const seen = await source.observe();
          snapshots.push(...seen.snapshots);
          reconciled.push(...seen.reconciled);
        }
        const recorded = reconciled.flatMap(({ reductions }) => reductions);
        // One id a position: the one that was open when it was observed.
        const idOf = new Map<number, string>();
        for (const { position_id, observed_at } of snapshots) {
          const position = openings.findLastIndex((at) => at <= observed_at);
          expect(idOf.get(position) ?? position_id).toBe(position_id);
          idOf.set(position, position_id);
        }
        expect(new Set(idOf.values()).size).toBe(idOf.size);
        for (const [position, id] of idOf) {
          const first = snapshots.find(({ position_id }) => position_id === id)?.observed_at ?? 0;
          const last = snapshots.findLast(({ position_id }) => position_id === id);
          if (last !== undefined && last.opened_at !== openings[position]) continue;
          if (!id.endsWith(`:${openings[position]}`)) datedLate += 1;
          const own = truths.filter(({ reduces }) => reduces === position);
          for (const { fill } of own) {
            const times = recorded.filter(({ fill_id, position_id }) => fill_id === fill.fillId && position_id === id);
            reductionsSeen += 1;
            if (fill.filledAt > first) expect(times, `${fill.fillId} of ${id}`).toHaveLength(1);
            else expect(times.length).toBeLessThanOrEqual(1);
          }
        }
        // Nothing is recorded twice, under whatever name.
        const names = recorded.map(({ fill_id, side }) => `${fill_id} ${side}`);
        expect(names).toHaveLength(new Set(names).size);
        // What is open now has its true opening in the end.
        const [open] = venue.shown;
        const latest = snapshots.at(-1);
        if (open !== undefined && clock.now() - (openings.at(-1) ?? 0) < 170 * DAY_MS) {
          expect(latest?.opened_at).toBe(openings.at(-1));
        }
      }),
      { numRuns: 300 },
    );
    expect(reductionsSeen).toBeGreaterThan(100);
    expect(datedLate).toBeGreaterThan(5);
  });
});
