/**
 * Where a venue is not as our record has it, or as the desk would leave it: differences found by reconciliation, orders that rest after
 * their position was closed, and dust.
 */
import type {
  EpochMillis,
  ExecutionReport,
  PositionSnapshot,
  ReportedResting,
  VenueDifference,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Alert, earliestOf, firstFew, lookCloser } from '../alerts/alerts.ts';
import { type ReadableTopics, forEachRecord } from '../runtime/topic-cursor.ts';
import type { AccountWatermarks } from '../watch/account-watermarks.ts';

/** One difference between a venue and our record that stands now. */
export interface StandingDifference {
  readonly account: string;
  readonly venue: string;
  readonly symbol: string;
  readonly kind: VenueDifference['kind'];
  readonly position_id: string | null;
  readonly recorded_quantity: number | null;
  readonly venue_quantity: number | null;
  readonly since: EpochMillis;
  readonly detail: string;
}

/** The differences in the latest record of each account and symbol, oldest first. */
export async function standingDifferences(topics: ReadableTopics) {
  const latest = new Map<string, readonly StandingDifference[]>();
  const { name } = TOPICS.positionReconciled;
  const undecodable = await forEachRecord(topics, name, {}, ({ account, venue, symbol, differences }) => {
    const standing = differences.map(({ kind, first_seen_at: since, detail, ...position }) => {
      const { position_id, recorded_quantity, venue_quantity } = position;
      return { account, venue, symbol, kind, position_id, recorded_quantity, venue_quantity, since, detail };
    });
    latest.set(JSON.stringify([account, symbol]), standing);
  });
  return { differences: [...latest.values()].flat().toSorted((one, other) => one.since - other.since), undecodable };
}

/** Enough to start looking, few enough to read. Unit: differences. */
const NAMED_DIFFERENCES = 5;

/** Decisions rest on a record that is not all there is. */
export function venueDiffersAlert(
  differences: readonly Pick<StandingDifference, 'symbol' | 'kind' | 'since'>[],
): Alert | null {
  if (differences.length === 0) return null;
  const named = firstFew(differences, NAMED_DIFFERENCES, ({ symbol, kind }) => `${symbol} ${kind}`);
  const places = differences.length === 1 ? 'place' : 'places';
  return {
    name: 'venue_differs',
    since: earliestOf(differences),
    evidence: `Venue and record differ in ${differences.length} ${places}: ${named.join(', ')}.`,
    next: lookCloser('status'),
  };
}

/** Orders that still rested for a position when the desk had closed it. */
export interface LeftResting {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  readonly since: EpochMillis;
  readonly orders: readonly ReportedResting[];
}

/** An open position that is too small for any order. */
export interface Dust {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  /** Unit: contracts. */
  readonly quantity: number;
  readonly observed_at: EpochMillis;
}

/** Dust is no longer shown when its position has not been observed for this long. Unit: milliseconds. */
const OBSERVED_MS = 60 * 60 * 1000;

/** What stays at a venue after the desk has closed what it could: resting orders and dust, by the latest record of each. */
export class LeftBehind {
  readonly #resting = new Map<string, LeftResting>();
  readonly #dust = new Map<string, Dust>();

  report({ account, symbol, position_id, reported_at, resting }: ExecutionReport): void {
    if (resting === null) return;
    const orders = resting.filter(({ fate }) => fate === 'LEFT' || fate === 'NOT_CANCELLED');
    const key = JSON.stringify([account, symbol]);
    if (orders.length === 0) this.#resting.delete(key);
    else this.#resting.set(key, { account, symbol, position_id, since: reported_at, orders });
  }

  snapshot({ account, symbol, position_id, quantity, observed_at, dust }: PositionSnapshot): void {
    if (dust === true) this.#dust.set(position_id, { account, symbol, position_id, quantity, observed_at });
    else if (this.#dust.size > 0) this.#dust.delete(position_id);
  }

  get resting(): readonly LeftResting[] {
    return [...this.#resting.values()];
  }

  dust(watermarks: AccountWatermarks): readonly Dust[] {
    return [...this.#dust.values()].filter(
      ({ account, observed_at }) => watermarks.of(account) - observed_at < OBSERVED_MS,
    );
  }
}
