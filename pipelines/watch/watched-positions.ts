import type { EpochMillis, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import { AccountWatermarks, Series, type SignalSeries } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Alert, EVIDENCE_REPORTS } from '../alerts/alerts.ts';
import { formatEventTime } from '../../render/event-time.ts';
import { tailFrom } from '../../render/suggested-commands.ts';

/** What one snapshot shows of a position. */
export interface Observation {
  readonly account: string;
  readonly source: string;
  readonly opened_at: EpochMillis;
  readonly at: EpochMillis;
  readonly r: number;
}

/** A position above the threshold, as the latest observation shows it. */
export interface Winner {
  readonly position_id: PositionId;
  readonly account: string;
  readonly r: number;
  readonly seenAt: EpochMillis;
  /** Since then it was a winner, and nothing of it was closed. */
  readonly since: EpochMillis;
  /** It may have been one before: that is out of sight. */
  readonly atLeast: boolean;
}

/** A position that nothing ended, and that is no longer observed while its account is, or its models speak of it. */
export interface Unobserved {
  readonly position_id: PositionId;
  readonly account: string;
  readonly source: string;
  readonly r: number;
  readonly seenAt: EpochMillis;
  /** Until when its account is heard of. */
  readonly heardAt: EpochMillis;
  /** Others of the account are observed still; else only its models speak. */
  readonly others: boolean;
}

/** A position that nothing on record closed, as it was observed last. */
export interface OpenPosition {
  readonly position_id: PositionId;
  readonly account: string;
  readonly source: string;
  readonly seenAt: EpochMillis;
  /** The time of an observation that leaps ahead and waits for the next; null without one. */
  readonly aheadAt: EpochMillis | null;
}

interface Position {
  readonly account: string;
  readonly observations: Series<Observation>;
  /** The first of the consecutive observations that the latest goes on from; null before any. */
  first: Observation | null;
  /** Since when they show a winner; null: the latest shows none. */
  winnerSince: EpochMillis | null;
  /** Between its latest observations. Unit: milliseconds. */
  intervals: readonly number[];
  /** Times of its latest trades, newest first. */
  trades: readonly EpochMillis[];
  /** When it was closed whole; null: not known to be. */
  closedAt: EpochMillis | null;
}

/** A trade whose time is far off must not hide those before it. */
const TRADES_KEPT = 4;

/** So many that one odd interval moves no median. Unit: intervals of a position. */
const INTERVALS_KEPT = 8;

/**
 * Positions as they are observed, and since when nothing of them was closed.
 *
 * W1  Observations of one position come in order, as its key's partition has them. Trades and ends may come at any time, before or after
 *     the observations they belong to.
 * W2  Only a trade, an end or an observation says that a winner is held no longer: where observations cease, it is still as it was seen
 *     last. Observations that are far apart, up to what is kept, are of a source that paused: it was held meanwhile. What is closed on
 *     record is held no longer, though it be observed on.
 * W3  Memory holds positions that are not known to be closed, and those that were seen or closed of late.
 */
export class WatchedPositions {
  readonly #limits: StallLimits;
  readonly #positions = new Map<PositionId, Position>();

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  observed(id: PositionId, observation: Observation): void {
    const position = this.#of(id, observation.account);
    let before = position.observations.last;
    for (const next of position.observations.add(observation)) {
      if (!this.#goesOn(before, next)) {
        position.first = position.winnerSince = null;
        position.intervals = [];
      } else if (before !== null)
        position.intervals = [...position.intervals, next.at - before.at].slice(-INTERVALS_KEPT);
      position.first ??= next;
      position.winnerSince = next.r > this.#limits.winnerAboveR ? (position.winnerSince ?? next.at) : null;
      before = next;
    }
  }

  traded(id: PositionId, account: string, at: EpochMillis): void {
    const position = this.#of(id, account);
    if (position.trades.includes(at)) return;
    position.trades = [...position.trades, at].toSorted((one, other) => other - one).slice(0, TRADES_KEPT);
  }

  closed(id: PositionId, account: string, at: EpochMillis): void {
    const position = this.#of(id, account);
    position.closedAt = Math.min(position.closedAt ?? at, at);
  }

  watermarks(signals: SignalSeries, now: EpochMillis | null): AccountWatermarks {
    const observed = [...this.#positions.values()].filter(({ observations }) => observations.last !== null);
    const byAccount = Map.groupBy(observed, ({ account }) => account);
    const series = [...byAccount].map(
      ([account, positions]) => [account, positions.map(({ observations }) => observations)] as const,
    );
    return new AccountWatermarks(new Map(series), signals, this.#limits.leap, now);
  }

  /** Winners that are not known to be closed, those that are held longest first. */
  winners(): readonly Winner[] {
    const winners: Winner[] = [];
    const open = Map.groupBy(this.open(), ({ account }) => account);
    for (const [position_id, { account, observations, first, winnerSince, trades, closedAt }] of this.#positions) {
      const { last, ahead } = observations;
      if (last === null || winnerSince === null || closedAt !== null) continue;
      const { r, at: seenAt, opened_at } = this.#afterPause(position_id, last, ahead, open.get(account) ?? []);
      const tradedAt = trades.find((at) => at <= seenAt + this.#limits.leap) ?? -Infinity;
      const since = Math.max(winnerSince, tradedAt);
      const atLeast = since === first?.at && opened_at < since;
      winners.push({ position_id, account, r, seenAt, since, atLeast });
    }
    return winners.toSorted(
      (one, other) =>
        other.seenAt - other.since - (one.seenAt - one.since) || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** Those that are not observed while their account is, the longest first. An observation that waits for the next is one too. */
  unobserved(watermarks: AccountWatermarks): readonly Unobserved[] {
    const unobserved: Unobserved[] = [];
    for (const [position_id, { observations, closedAt }] of this.#positions) {
      const { last, ahead } = observations;
      if (last === null || closedAt !== null) continue;
      const { account, source, r, at: seenAt } = last;
      const heardAt = watermarks.heardOf(account);
      const waiting = ahead?.at ?? seenAt;
      const observedAt = waiting <= heardAt + this.#limits.leap ? Math.max(seenAt, waiting) : seenAt;
      if (heardAt - observedAt <= this.#limits.unobservedFor) continue;
      const others = watermarks.of(account) - observedAt > this.#limits.unobservedFor;
      unobserved.push({ position_id, account, source, r, seenAt, heardAt, others });
    }
    return unobserved.toSorted(
      (one, other) => one.seenAt - other.seenAt || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** Those that nothing on record closed, however long ago they were observed. */
  open(): readonly OpenPosition[] {
    const open: OpenPosition[] = [];
    for (const [position_id, { account, observations, closedAt }] of this.#positions) {
      const { last, ahead } = observations;
      if (last === null || closedAt !== null) continue;
      const { source, at: seenAt } = last;
      open.push({ position_id, account, source, seenAt, aheadAt: ahead?.at ?? null });
    }
    return open;
  }

  /** By account, the time that usually lies between two observations of a position: the median of the latest. Unit: milliseconds. */
  usualIntervals(): ReadonlyMap<string, number> {
    const usual = new Map<string, number>();
    for (const [account, positions] of Map.groupBy(this.#positions.values(), (position) => position.account)) {
      const sorted = positions.flatMap(({ intervals }) => intervals).toSorted((one, other) => one - other);
      const median = sorted[Math.floor(sorted.length / 2)];
      if (median !== undefined) usual.set(account, median);
    }
    return usual;
  }

  forget(before: (account: string) => EpochMillis): void {
    for (const [id, { account, observations, trades, closedAt }] of this.#positions) {
      const seenAt = observations.last?.at ?? -Infinity;
      if (seenAt > -Infinity && closedAt === null) continue;
      const latest = Math.max(seenAt, trades[0] ?? -Infinity, closedAt ?? -Infinity);
      if (latest < before(account)) this.#positions.delete(id);
    }
  }

  /** Whether nothing on record closed it. */
  isOpen(id: PositionId): boolean {
    const position = this.#positions.get(id);
    return position !== undefined && position.closedAt === null;
  }

  has(id: PositionId): boolean {
    return this.#positions.has(id);
  }

  get size(): number {
    return this.#positions.size;
  }

  /**
   * W2. The observation of a winner after a pause, which waits for the next. Where its account has other open positions, one of them
   * resumed with it: else it is the time that is wrong.
   */
  #afterPause(
    id: PositionId,
    last: Observation,
    ahead: Observation | null,
    open: readonly OpenPosition[],
  ): Observation {
    if (ahead === null || ahead.r <= this.#limits.winnerAboveR || !this.#goesOn(last, ahead)) return last;
    const others = open.filter(({ position_id }) => position_id !== id);
    const resumed = others.some(({ seenAt, aheadAt }) => Math.abs((aheadAt ?? seenAt) - ahead.at) <= this.#limits.leap);
    return resumed || others.length === 0 ? ahead : last;
  }

  /** Not more than what is kept lies between them. */
  #goesOn(last: Observation | null, next: Observation): boolean {
    return last !== null && next.at >= last.at && next.at - last.at <= this.#limits.keptFor;
  }

  #of(id: PositionId, account: string): Position {
    let position = this.#positions.get(id);
    if (position === undefined) {
      const observations = new Series<Observation>(this.#limits.leap);
      position = {
        account,
        observations,
        first: null,
        winnerSince: null,
        intervals: [],
        trades: [],
        closedAt: null,
      };
      this.#positions.set(id, position);
    }
    return position;
  }
}

/**
 * The alert about positions whose contract is delivered or taken off soon, from their snapshots. Pure: times are those of the records.
 *
 * LA1 `settles_soon` stands for a position from a day before its settlement, or from the snapshot that first names it, until the position is
 *     closed on record or the venue announces no end any more.
 */

/** Long enough that a person of any time zone sees it in working hours, short enough that it means now. Unit: milliseconds. */
export const SETTLES_SOON_MS = 24 * 60 * 60 * 1000;

interface Settling {
  readonly settlesAt: EpochMillis;
  /** Since when it is soon and known to be. */
  readonly since: EpochMillis;
}

export class SettlingPositions {
  readonly #settling = new Map<PositionId, Settling>();

  /** The latest snapshot of a position: they come in order. */
  observed({ position_id: id, settles_at: settlesAt }: PositionSnapshot, at: EpochMillis): void {
    const before = this.#settling.get(id);
    if (settlesAt === null || settlesAt - at > SETTLES_SOON_MS) this.#settling.delete(id);
    else if (before?.settlesAt !== settlesAt) this.#settling.set(id, { settlesAt, since: at });
  }

  /** Positions that are no more. */
  keep(isOpen: (id: PositionId) => boolean): void {
    for (const id of this.#settling.keys()) if (!isOpen(id)) this.#settling.delete(id);
  }

  /** LA1. `isOpen`: whether nothing on record closed it. */
  alert(isOpen: (id: PositionId) => boolean): Alert | null {
    const open = [...this.#settling].filter(([id]) => isOpen(id));
    if (open.length === 0) return null;
    const soonest = open.toSorted(([, one], [, other]) => one.settlesAt - other.settlesAt);
    const named = soonest
      .slice(0, EVIDENCE_REPORTS)
      .map(([id, { settlesAt }]) => `${id} at ${formatEventTime(settlesAt)}`);
    const since = open.reduce((oldest, [, one]) => Math.min(oldest, one.since), Infinity);
    return {
      name: 'settles_soon',
      since,
      evidence:
        `The ${open.length === 1 ? 'contract of 1 position settles' : `contracts of ${open.length} positions settle`} soon, the first: ` +
        `${named.join('; ')}. No order is sent in the last minutes: close it at the venue, or let the settlement close it at its price. ` +
        `Look closer: ${tailFrom(TOPICS.positionSnapshot.name, since)}`,
    };
  }
}
