/**
 * Positions as their snapshots, trades and outcomes show them: which are open, which have been winners for how long, which are no longer
 * observed, and which settle soon.
 *
 * WAT-15  Observations of one position come in order, as its key's partition has them. Trades and closes may come at any time, before or
 *         after the observations they belong to.
 * WAT-16  Only a trade, a close or an observation ends the holding of a winner. Where observations cease it stays as it was last seen.
 *         Observations far apart, up to `keptFor`, are those of a source that paused: the winner was held meanwhile. A position that is
 *         closed on record is held no longer, even if it is still observed.
 * WAT-17  Memory holds the positions that are not known to be closed, and those that were observed or closed lately.
 * WAT-18  `settles_soon` stands for a position from a day before its settlement, or from the snapshot that first names it, until the
 *         position is closed on record or the venue announces no settlement any more.
 */
import type { EpochMillis, PositionId, PositionSnapshot, Side } from '../../schemas/generated/records.ts';
import { AccountWatermarks, Series, type SignalSeries } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';

/** What one snapshot shows of a position. */
interface Observation {
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly source: string;
  readonly opened_at: EpochMillis;
  readonly at: EpochMillis;
  readonly r: number;
}

/** An open position above the R of a winner, as its latest observation shows it. */
export interface Winner {
  readonly position_id: PositionId;
  readonly account: string;
  readonly r: number;
  readonly seenAt: EpochMillis;
  /** Since when it has been a winner of which nothing was closed. */
  readonly since: EpochMillis;
  /** It may have been one before, out of sight. */
  readonly atLeast: boolean;
}

/** An open position that is no longer observed, although its account is, or its models still signal. */
export interface UnobservedPosition {
  readonly position_id: PositionId;
  readonly account: string;
  readonly source: string;
  readonly r: number;
  readonly seenAt: EpochMillis;
  /** The latest snapshot or signal of its account. */
  readonly activeAt: EpochMillis;
  /** Other positions of the account are still observed; else only its models go on. */
  readonly others: boolean;
}

/** A position that nothing on record closed, as it was last observed. */
export interface OpenPosition {
  readonly position_id: PositionId;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly r: number;
  readonly source: string;
  readonly seenAt: EpochMillis;
  /** The time of an observation that is ahead and waits for the next; null without one. */
  readonly aheadAt: EpochMillis | null;
}

interface Position {
  readonly account: string;
  readonly observations: Series<Observation>;
  /** The first of the consecutive observations up to the latest; null before any. */
  first: Observation | null;
  /** Since when they show a winner; null where the latest shows none. */
  winnerSince: EpochMillis | null;
  /** The intervals between its latest observations. Unit: milliseconds. */
  intervals: readonly number[];
  /** Times of its latest trades, newest first. */
  trades: readonly EpochMillis[];
  /** When it was closed completely; null where that is not known. */
  closedAt: EpochMillis | null;
}

/** More than one, so that a trade with a wrong time does not hide those before it. */
const TRADES_KEPT = 4;

/** Enough that one odd interval does not move the median. Unit: intervals of a position. */
const INTERVALS_KEPT = 8;

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
      if (!this.#isConsecutive(before, next)) {
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

  /** The open winners, the longest held first. */
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

  /** The positions no longer observed, the longest first. An observation that waits for the next counts as one. */
  unobserved(watermarks: AccountWatermarks): readonly UnobservedPosition[] {
    const unobserved: UnobservedPosition[] = [];
    for (const [position_id, { observations, closedAt }] of this.#positions) {
      const { last, ahead } = observations;
      if (last === null || closedAt !== null) continue;
      const { account, source, r, at: seenAt } = last;
      const activeAt = watermarks.latestActivity(account);
      const waiting = ahead?.at ?? seenAt;
      const observedAt = waiting <= activeAt + this.#limits.leap ? Math.max(seenAt, waiting) : seenAt;
      if (activeAt - observedAt <= this.#limits.unobservedFor) continue;
      const others = watermarks.of(account) - observedAt > this.#limits.unobservedFor;
      unobserved.push({ position_id, account, source, r, seenAt, activeAt, others });
    }
    return unobserved.toSorted(
      (one, other) => one.seenAt - other.seenAt || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** The positions that nothing on record closed, however long ago they were observed. */
  open(): readonly OpenPosition[] {
    const open: OpenPosition[] = [];
    for (const [position_id, { account, observations, closedAt }] of this.#positions) {
      const { last, ahead } = observations;
      if (last === null || closedAt !== null) continue;
      const { source, symbol, side, r, at: seenAt } = last;
      open.push({ position_id, account, symbol, side, r, source, seenAt, aheadAt: ahead?.at ?? null });
    }
    return open;
  }

  /** By account, the median interval between the latest observations of its positions. Unit: milliseconds. */
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
   * WAT-16. The observation of a winner after a pause, which waits for the next. It is taken at its time where another open position of the
   * account resumed with it, or there is none; else that time is wrong.
   */
  #afterPause(
    id: PositionId,
    last: Observation,
    ahead: Observation | null,
    open: readonly OpenPosition[],
  ): Observation {
    if (ahead === null || ahead.r <= this.#limits.winnerAboveR || !this.#isConsecutive(last, ahead)) return last;
    const others = open.filter(({ position_id }) => position_id !== id);
    const resumed = others.some(({ seenAt, aheadAt }) => Math.abs((aheadAt ?? seenAt) - ahead.at) <= this.#limits.leap);
    return resumed || others.length === 0 ? ahead : last;
  }

  /** Whether both are consecutive: no more than `keptFor` lies between them. */
  #isConsecutive(last: Observation | null, next: Observation): boolean {
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

/** Long enough that a person of any time zone sees it in working hours, short enough that it means now. Unit: milliseconds. */
export const SETTLES_SOON_MS = 24 * 60 * 60 * 1000;

export interface SettlingPosition {
  readonly settlesAt: EpochMillis;
  /** Since when the settlement has been near and known. */
  readonly since: EpochMillis;
}

/** WAT-18. */
export class SettlingPositions {
  readonly #settling = new Map<PositionId, SettlingPosition>();

  /** Snapshots of a position come in order. */
  observed({ position_id: id, settles_at: settlesAt }: PositionSnapshot, at: EpochMillis): void {
    const before = this.#settling.get(id);
    if (settlesAt === null || settlesAt - at > SETTLES_SOON_MS) this.#settling.delete(id);
    else if (before?.settlesAt !== settlesAt) this.#settling.set(id, { settlesAt, since: at });
  }

  /** Drops the positions that are closed. */
  keep(isOpen: (id: PositionId) => boolean): void {
    for (const id of this.#settling.keys()) if (!isOpen(id)) this.#settling.delete(id);
  }

  /** The open positions, the soonest settlement first. */
  soonestFirst(isOpen: (id: PositionId) => boolean): readonly (readonly [PositionId, SettlingPosition])[] {
    return [...this.#settling]
      .filter(([id]) => isOpen(id))
      .toSorted(([, one], [, other]) => one.settlesAt - other.settlesAt);
  }
}
