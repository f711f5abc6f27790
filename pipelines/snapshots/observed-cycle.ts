import { isKind } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Venue } from '../../ports/venue.ts';
import type { PositionReconciled, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Signals } from './signals.ts';

export interface PositionSourceOptions {
  readonly venue: Venue;
  /** The name of the account in records. */
  readonly account: string;
  /** The venue's time. */
  readonly clock: Clock;
  readonly signals: Signals;
  /** Only these symbols; null: all. */
  readonly symbols: ReadonlySet<string> | null;
}

/** Something that a cycle wanted to know and was not told. */
export interface Missing {
  readonly symbol: string;
  readonly what: 'positions' | 'fills' | 'candles' | 'signals' | 'stops';
  readonly why: string;
}

export interface ObservedCycle {
  readonly now: EpochMillis;
  readonly reconciled: readonly PositionReconciled[];
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/** The error, if waiting can help; anything else is thrown. */
export function transient(thrown: unknown): unknown {
  if (isKind(thrown, 'transient')) return thrown;
  throw thrown;
}
