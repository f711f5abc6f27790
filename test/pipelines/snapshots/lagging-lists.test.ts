import { array, assert, asyncProperty, boolean, constantFrom, record } from 'fast-check';
import { expect, it } from 'vitest';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { PositionReconciled, PositionSnapshot } from '../../../schemas/generated/records.ts';
import { countedBranches } from '../../fixtures/counted-branches.ts';
import { ScriptedVenue, aFill, aHolding } from './a-venue.ts';
import { NO_SIGNALS } from './observed-account.ts';

const START = 1_770_000_000_000;
const HOUR_MS = 3_600_000;
const OPENED = 40;

/** How far a list is behind. Unit: milliseconds. */
const Lag = constantFrom(0, 0, 15_000, 40_000);

/** What happens at the venue, and how it is observed then. */
interface Step {
  /** Contracts that are sold; below 0: bought. */
  readonly sold: number;
  readonly how: 'observe' | 'follow' | 'restart';
  readonly after: number;
  readonly positionsLag: number;
  readonly fillsLag: number;
}

const After = constantFrom(2000, 10_000, 25_000);

/** It grows, or the desk is restarted: that both come within a minute cannot be told apart by what is recorded. */
const STEPS = {
  'that grows': record<Step>({
    // More than is sold ever: what nets to nothing while the fills are late is known when it next changes.
    sold: constantFrom(0, 0, 1, 2, 2, 4, -1000),
    how: constantFrom('observe', 'observe', 'follow'),
    after: After,
    positionsLag: Lag,
    fillsLag: Lag,
  }),
  'of a desk that is restarted': record<Step>({
    sold: constantFrom(0, 0, 1, 2, 2, 4),
    how: constantFrom('observe', 'observe', 'follow', 'restart'),
    after: After,
    positionsLag: Lag,
    fillsLag: Lag,
  }),
};

/** All that happened at a venue whose two lists show it late, each for itself. */
class LateVenue extends ScriptedVenue {
  readonly clock = new VirtualClock(START + HOUR_MS);
  readonly #happened: { readonly fill: VenueFill; readonly open: number }[] = [
    { fill: aFill('1', 'BUY', String(OPENED), { at: START }), open: OPENED },
  ];

  #positionsOf = 0;
  #fillsOf = 0;

  get open(): number {
    return this.#happened.at(-1)?.open ?? 0;
  }

  trade(sold: number): void {
    const quantity = Math.min(sold, this.open);
    if (quantity === 0) return;
    const [direction, size] = quantity > 0 ? (['SELL', quantity] as const) : (['BUY', -quantity] as const);
    const fill = aFill(String(this.#happened.length + 1), direction, String(size), { at: this.clock.now() });
    this.#happened.push({ fill, open: this.open - quantity });
  }

  /** Sets both lists to what they were a while ago, or to what they have shown last where that is later. */
  show(positionsLag: number, fillsLag: number): void {
    const now = this.clock.now();
    this.#positionsOf = Math.max(this.#positionsOf, now - positionsLag);
    this.#fillsOf = Math.max(this.#fillsOf, now - fillsLag);
    this.allFills['BTCUSDT'] = this.#happened.flatMap(({ fill }) => (fill.filledAt <= this.#fillsOf ? [fill] : []));
    const shown = this.#happened.findLast(({ fill }) => fill.filledAt <= this.#positionsOf);
    const holding = aHolding('LONG', String(shown?.open), { updatedAt: shown?.fill.filledAt ?? 0 });
    this.shown = shown === undefined || shown.open === 0 ? [] : [holding];
  }

  /** What must have been recorded: each reducing fill with what was open after it. */
  get reductions(): readonly string[] {
    return this.#happened.flatMap(({ fill, open }) =>
      fill.direction === 'SELL' ? [`${fill.fillId}: ${fill.quantity}, ${open} left`] : [],
    );
  }
}

it.each(Object.entries(STEPS))(
  'SNA-7: each reduction of a position %s is recorded once, with what it left, however late fills and positions are',
  async (_, Step) => {
    const hit = countedBranches({ 'positions late': 50, 'fills late': 50 });
    await assert(
      asyncProperty(array(Step, { minLength: 4, maxLength: 25 }), boolean(), async (steps, isOld) => {
        const venue = new LateVenue();
        const { clock } = venue;
        const written: { snapshots: PositionSnapshot[]; reconciled: PositionReconciled[] } = {
          snapshots: [],
          reconciled: [],
        };
        const open = () =>
          new PositionObserver({ venue, account: 'desk-1', clock, signals: NO_SIGNALS, symbols: null });
        let source = open();
        const observe = async (how: 'observe' | 'follow' | 'restart'): Promise<void> => {
          if (how === 'restart') {
            const latest = new Map(written.snapshots.map((one) => [one.position_id, one]));
            source = open();
            source.restore(latest.values(), written.reconciled);
          }
          const seen = how === 'follow' ? await source.follow(null) : await source.observe();
          written.reconciled.push(...seen.reconciled);
          if ('snapshots' in seen) written.snapshots.push(...(seen.snapshots as PositionSnapshot[]));
        };
        venue.show(0, 0);
        await observe('observe');
        // Its opening is out of reach from now on.
        if (isOld) venue.fillsKeptSince = clock.now() - 60_000;
        for (const { sold, how, after, positionsLag, fillsLag } of steps) {
          clock.set(clock.now() + after);
          venue.trade(sold);
          venue.show(positionsLag, fillsLag);
          if (positionsLag > 0) hit('positions late');
          if (fillsLag > 0) hit('fills late');
          await observe(how);
        }
        for (let cycle = 0; cycle < 4; cycle++) {
          clock.set(clock.now() + 61_000);
          venue.show(0, 0);
          await observe('observe');
        }
        const recorded = written.reconciled.flatMap(({ reductions }) =>
          reductions.map((one) => `${one.fill_id}: ${one.quantity}, ${one.remaining_quantity} left`),
        );
        expect(recorded.toSorted()).toEqual([...venue.reductions].toSorted());
        expect(written.reconciled.at(-1)?.differences ?? []).toEqual([]);
      }),
      { numRuns: 400 },
    );
  },
);
