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

/**
 * What a look at one symbol between cycles came to: `followed`: the fills explain what is open; `unchanged`: it is as it was observed; `unsure`: the fills
 * are behind, or there was no answer.
 */
export interface Followed {
  readonly state: 'followed' | 'unchanged' | 'unsure';
  readonly reconciled: PositionReconciled | null;
}

/** What looks between two cycles came to. */
export interface FollowedChanges {
  readonly now: EpochMillis;
  readonly reconciled: readonly PositionReconciled[];
  /** Symbols that are as they were observed last. */
  readonly unchanged: readonly string[];
  /** Symbols of which a look a moment later may say more. */
  readonly unsure: readonly string[];
}

/** The error, if waiting can help; anything else is thrown. */
export function transient(thrown: unknown): unknown {
  if (isKind(thrown, 'transient')) return thrown;
  throw thrown;
}

/** What a question came to. */
export type Attempt<T> =
  { readonly value: T; readonly thrown: null } | { readonly value: null; readonly thrown: unknown };

/** Ends without an error, so that several questions can be asked before the first answer is looked at. */
export function attempt<T>(question: Promise<T>): Promise<Attempt<T>> {
  return question.then(
    (value) => ({ value, thrown: null }),
    (thrown: unknown) => ({ value: null, thrown }),
  );
}
