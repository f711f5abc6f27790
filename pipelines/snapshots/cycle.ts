/** One cycle of the position observer: what it is given, what it finds, and how a question that is not answered is treated. */
import { isKind } from '../../errors/harvestline-error.ts';
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import type { Venue } from '../../ports/venue.ts';
import type { PositionReconciled, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Signals } from './signals.ts';

export interface PositionObserverOptions {
  readonly venue: Venue;
  /** The name of the account in records. */
  readonly account: string;
  /** The venue's time. */
  readonly clock: Clock;
  readonly signals: Signals;
  /** Only these symbols; null: all. */
  readonly symbols: ReadonlySet<string> | null;
}

/** A question of a cycle that was not answered. */
export interface Missing {
  readonly symbol: string;
  readonly what: 'positions' | 'fills' | 'candles' | 'signals' | 'stops';
  readonly why: string;
}

/** What one cycle found. */
export interface ObservedCycle {
  readonly now: EpochMillis;
  readonly reconciled: readonly PositionReconciled[];
  readonly snapshots: readonly PositionSnapshot[];
  readonly missing: readonly Missing[];
}

/**
 * What an observation of one symbol between cycles found. `followed`: its fills explain what is open; `unchanged`: nothing has changed since the
 * latest cycle; `unsure`: the fills are late, or there was no answer.
 */
export interface Followed {
  readonly state: 'followed' | 'unchanged' | 'unsure';
  readonly reconciled: PositionReconciled | null;
}

/** What an observation of several symbols between cycles found. */
export interface FollowedChanges {
  readonly now: EpochMillis;
  readonly reconciled: readonly PositionReconciled[];
  /** Symbols that are as the latest cycle found them. */
  readonly unchanged: readonly string[];
  /** Symbols that an observation a moment later may say more of. */
  readonly unsure: readonly string[];
}

/** The error, if it is transient; any other is thrown. */
export function transient(thrown: unknown): unknown {
  if (isKind(thrown, 'transient')) return thrown;
  throw thrown;
}

/** The answer to a question, or the error. */
export type Attempt<T> =
  { readonly value: T; readonly thrown: null } | { readonly value: null; readonly thrown: unknown };

/** A promise that never rejects, so that several questions can be asked before the first answer is looked at. */
export function attempt<T>(question: Promise<T>): Promise<Attempt<T>> {
  return question.then(
    (value) => ({ value, thrown: null }),
    (thrown: unknown) => ({ value: null, thrown }),
  );
}
