import type { AccountWatermarks } from '../watch/account-watermarks.ts';
import { type Alert, openOrdersAlert } from '../alerts/alerts.ts';
import type {
  EpochMillis,
  ExecutionReport,
  IntentId,
  VenueDifference,
  PositionSnapshot,
  ReportedResting,
} from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type ReadableTopics, visitTopic } from '../runtime/topic-cursor.ts';

/** One thing in which a venue and our record differ now, and where. */
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

/** The differences that stand, oldest first: those of the latest record of each account and symbol. */
export async function standingDifferences(topics: ReadableTopics) {
  const latest = new Map<string, readonly StandingDifference[]>();
  const { name } = TOPICS.positionReconciled;
  const undecodable = await visitTopic(topics, name, {}, ({ account, venue, symbol, differences }) => {
    const standing = differences.map(({ kind, first_seen_at: since, detail, ...position }) => {
      const { position_id, recorded_quantity, venue_quantity } = position;
      return { account, venue, symbol, kind, position_id, recorded_quantity, venue_quantity, since, detail };
    });
    latest.set(JSON.stringify([account, symbol]), standing);
  });
  return { differences: [...latest.values()].flat().toSorted((one, other) => one.since - other.since), undecodable };
}

interface AnnouncedOrder {
  readonly at: EpochMillis;
  readonly account: string;
}

/** Orders that were announced and have no end yet, gathered from the reports in log order. */
export class OpenOrders {
  readonly #announced = new Map<IntentId, AnnouncedOrder>();
  readonly #ended = new Set<IntentId>();

  add({ intent_id, status, account }: ExecutionReport, at: EpochMillis): void {
    if (status !== 'SUBMITTED') {
      this.#announced.delete(intent_id);
      this.#ended.add(intent_id);
    } else if (!this.#ended.has(intent_id)) this.#announced.set(intent_id, { at, account });
  }

  get count(): number {
    return this.#announced.size;
  }

  /** The alert where one has none for long, in the time of its own desk. */
  alert(watermarks: AccountWatermarks): Alert | null {
    const waits = [...this.#announced.values()].map(({ at, account }) => ({ at, now: watermarks.of(account) }));
    const [longest] = waits.toSorted((one, other) => other.now - other.at - (one.now - one.at));
    return longest === undefined ? null : openOrdersAlert({ count: this.count, oldest: longest.at }, longest.now);
  }
}

/** Orders that still rested for a position when the desk had closed it. */
export interface LeftResting {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  readonly since: EpochMillis;
  readonly orders: readonly ReportedResting[];
}

/** What is open and too small for any order. */
export interface Dust {
  readonly account: string;
  readonly symbol: string;
  readonly position_id: string;
  /** Unit: contracts. */
  readonly quantity: number;
  readonly observed_at: EpochMillis;
}

/** Dust is no longer shown when its position has not been observed for so long. Unit: milliseconds. */
const OBSERVED_MS = 60 * 60 * 1000;

/** What stays at a venue after the desk has closed what it could: orders that rest, and dust. By the latest record of each. */
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
