import { expect } from 'vitest';
import type { ObservedCycle } from '../../../pipelines/snapshots/cycle.ts';
import { PositionObserver } from '../../../pipelines/snapshots/position-observer.ts';
import type { Signals } from '../../../pipelines/snapshots/signals.ts';
import { VirtualClock } from '../../../ports/clock.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import { recordChecker } from '../../../schemas/record-rules.ts';
import type { ModelSignal, Side } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type FillTraits, ScriptedVenue, aFill, aHolding } from './a-venue.ts';

export const START = 1_770_000_000_000;
export const MINUTE_MS = 60_000;
export const CYCLE_MS = 30_000;

/** The position that every account here begins with. */
export const ID = positionIdOf('desk-1', 'BTCUSDT', 'LONG', START);

export const checkSnapshot = recordChecker(TOPICS.positionSnapshot);
export const checkReconciled = recordChecker(TOPICS.positionReconciled);

export const NO_SIGNALS: Signals = {
  refresh: () => Promise.resolve(),
  latest: () => null,
  at: () => Promise.resolve(null),
};

/** The account desk-1 on a scripted venue, some time after it bought four contracts of BTCUSDT. */
export class ObservedAccount {
  readonly venue = new ScriptedVenue();
  readonly clock: VirtualClock;
  /** Of the models, oldest first. */
  signals: readonly ModelSignal[] = [];

  constructor(sinceMs = 60 * MINUTE_MS) {
    this.clock = new VirtualClock(START + sinceMs);
    this.fills = [aFill('1', 'BUY', '4', { at: START })];
    this.venue.shown = [aHolding('LONG', '4', { updatedAt: START })];
  }

  /** All fills of BTCUSDT. */
  get fills(): readonly VenueFill[] {
    return this.venue.allFills['BTCUSDT'] ?? [];
  }

  set fills(fills: readonly VenueFill[]) {
    this.venue.allFills['BTCUSDT'] = fills;
  }

  /** An observer that remembers nothing, as after a start. */
  observer(): PositionObserver {
    const signals: Signals = {
      refresh: () => Promise.resolve(),
      latest: () => this.signals.at(-1) ?? null,
      at: (_, symbol, openedAt) =>
        Promise.resolve(
          this.signals.find((signal) => signal.symbol === symbol && signal.emitted_at <= openedAt) ?? null,
        ),
    };
    const { venue, clock } = this;
    return new PositionObserver({ venue, account: 'desk-1', clock, signals, symbols: null });
  }

  /** Observes, checks every record as it would be when written, and moves on to the next cycle. */
  async cycle(observer: PositionObserver): Promise<ObservedCycle> {
    const seen = await observer.observe();
    for (const snapshot of seen.snapshots) expect(checkSnapshot(snapshot)).toEqual([]);
    for (const record of seen.reconciled) expect(checkReconciled(record)).toEqual([]);
    this.clock.set(this.clock.now() + CYCLE_MS);
    return seen;
  }

  /** A fill of a moment ago; the venue shows what is open after it, or, in `after`, after later ones. Returns its time. */
  filled(
    direction: 'BUY' | 'SELL',
    quantity: string,
    after: readonly [Side, string] | null,
    traits: FillTraits = {},
  ): number {
    const at = this.clock.now() - 1000 + this.fills.length;
    this.fills = [...this.fills, aFill(String(this.fills.length + 1), direction, quantity, { at, ...traits })];
    this.venue.shown = after === null ? [] : [aHolding(after[0], after[1], { updatedAt: at })];
    return at;
  }

  sold(quantity: string, left: string, traits: FillTraits = {}): void {
    this.filled('SELL', quantity, left === '0' ? null : ['LONG', left], traits);
  }
}

/** The reductions and differences of a cycle, each in a few words. */
export function brief({ reconciled }: ObservedCycle): readonly string[] {
  return reconciled.flatMap(({ reductions, differences }) => [
    ...reductions.map((one) => `${one.quantity} by ${one.cause}, ${one.remaining_quantity} left`),
    ...differences.map(({ kind }) => kind),
  ]);
}
