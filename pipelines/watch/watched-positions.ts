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
import { AccountWatermarks, Series, SeriesWatermark, type SignalSeries } from './account-watermarks.ts';
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
  readonly id: PositionId;
  readonly account: WatchedAccount;
  readonly observations: Series<Observation>;
  /** The first of the consecutive observations up to the latest; null before any. */
  first: Observation | null;
  /** Since when they show a winner; null where the latest shows none. */
  winnerSince: EpochMillis | null;
  /** The intervals between its latest observations, oldest first. Unit: milliseconds. */
  intervals: number[];
  /** Times of its latest trades, newest first. */
  trades: readonly EpochMillis[];
  /** When it was closed completely; null where that is not known. */
  closedAt: EpochMillis | null;
  /** As it was last observed; null after a record, until it is asked for. */
  shown: OpenPosition | null;
}

/** What is kept up to date of the positions of one account (WAT-22). */
interface WatchedAccount {
  readonly name: string;
  readonly positions: Set<Position>;
  watermark: SeriesWatermark;
  /** The median interval, null where none is known; undefined after a record, until it is asked for. */
  usualInterval: number | null | undefined;
}

/** More than one, so that a trade with a wrong time does not hide those before it. */
const TRADES_KEPT = 4;

/** Enough that one odd interval does not move the median. Unit: intervals of a position. */
const INTERVALS_KEPT = 8;

export class WatchedPositions {
  readonly #limits: StallLimits;
  readonly #positions = new Map<PositionId, Position>();
  readonly #accounts = new Map<string, WatchedAccount>();
  /** Those that are not known to be closed, in the order of their first records. */
  readonly #unclosed = new Set<Position>();
  /** Those of them whose latest observation shows a winner. */
  readonly #winners = new Set<Position>();
  /** Null after a record, until it is asked for. */
  #open: readonly OpenPosition[] | null = null;

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  observed(id: PositionId, observation: Observation): void {
    const position = this.#of(id, observation.account);
    const { account } = position;
    let before = position.observations.last;
    for (const next of position.observations.add(observation)) {
      if (!this.#isConsecutive(before, next)) {
        position.first = position.winnerSince = null;
        position.intervals = [];
      } else if (before !== null) {
        position.intervals.push(next.at - before.at);
        if (position.intervals.length > INTERVALS_KEPT) position.intervals.shift();
      }
      position.first ??= next;
      position.winnerSince = next.r > this.#limits.winnerAboveR ? (position.winnerSince ?? next.at) : null;
      before = next;
    }
    account.watermark.moved(position.observations);
    account.usualInterval = undefined;
    if (position.winnerSince !== null && position.closedAt === null) this.#winners.add(position);
    else this.#winners.delete(position);
    this.#changed(position);
  }

  traded(id: PositionId, account: string, at: EpochMillis): void {
    const position = this.#of(id, account);
    if (position.trades.includes(at)) return;
    position.trades = [...position.trades, at].toSorted((one, other) => other - one).slice(0, TRADES_KEPT);
  }

  closed(id: PositionId, account: string, at: EpochMillis): void {
    const position = this.#of(id, account);
    position.closedAt = Math.min(position.closedAt ?? at, at);
    this.#unclosed.delete(position);
    this.#winners.delete(position);
    this.#changed(position);
  }

  watermarks(signals: SignalSeries, now: EpochMillis | null): AccountWatermarks {
    const observed = new Map<string, SeriesWatermark>();
    for (const [name, { watermark }] of this.#accounts) if (watermark.at > -Infinity) observed.set(name, watermark);
    return new AccountWatermarks(observed, signals, this.#limits.leap, now);
  }

  /** The open winners, the longest held first. */
  winners(): readonly Winner[] {
    const winners: Winner[] = [];
    for (const position of this.#winners) {
      const { id: position_id, account, observations, first, winnerSince, trades } = position;
      const { last } = observations;
      if (last === null || winnerSince === null) continue;
      const { r, at: seenAt, opened_at } = this.#afterPause(position, last);
      const tradedAt = trades.find((at) => at <= seenAt + this.#limits.leap) ?? -Infinity;
      const since = Math.max(winnerSince, tradedAt);
      const atLeast = since === first?.at && opened_at < since;
      winners.push({ position_id, account: account.name, r, seenAt, since, atLeast });
    }
    return winners.toSorted(
      (one, other) =>
        other.seenAt - other.since - (one.seenAt - one.since) || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** The positions no longer observed, the longest first. An observation that waits for the next counts as one. */
  unobserved(watermarks: AccountWatermarks): readonly UnobservedPosition[] {
    const unobserved: UnobservedPosition[] = [];
    const { leap, unobservedFor } = this.#limits;
    for (const { position_id, account, source, r, seenAt, aheadAt } of this.open()) {
      const activeAt = watermarks.latestActivity(account);
      const waiting = aheadAt ?? seenAt;
      const observedAt = waiting <= activeAt + leap ? Math.max(seenAt, waiting) : seenAt;
      if (activeAt - observedAt <= unobservedFor) continue;
      const others = watermarks.of(account) - observedAt > unobservedFor;
      unobserved.push({ position_id, account, source, r, seenAt, activeAt, others });
    }
    return unobserved.toSorted(
      (one, other) => one.seenAt - other.seenAt || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** The positions that nothing on record closed, however long ago they were observed. The same array until one of them changes. */
  open(): readonly OpenPosition[] {
    return (this.#open ??= Array.from(this.#unclosed, shownOf).filter((shown) => shown !== null));
  }

  /** The median interval between the latest observations of the positions of an account; null where none is known. Unit: milliseconds. */
  usualInterval(name: string): number | null {
    const account = this.#accounts.get(name);
    if (account === undefined) return null;
    if (account.usualInterval === undefined) {
      const intervals = Float64Array.from([...account.positions].flatMap((position) => position.intervals)).toSorted();
      account.usualInterval = intervals[Math.floor(intervals.length / 2)] ?? null;
    }
    return account.usualInterval;
  }

  forget(before: (account: string) => EpochMillis): void {
    const left = new Set<WatchedAccount>();
    for (const [id, position] of this.#positions) {
      const { account, observations, trades, closedAt } = position;
      const seenAt = observations.last?.at ?? -Infinity;
      if (seenAt > -Infinity && closedAt === null) continue;
      const latest = Math.max(seenAt, trades[0] ?? -Infinity, closedAt ?? -Infinity);
      if (latest >= before(account.name)) continue;
      this.#positions.delete(id);
      this.#unclosed.delete(position);
      account.positions.delete(position);
      left.add(account);
    }
    for (const account of left) {
      const series = Array.from(account.positions, ({ observations }) => observations);
      account.watermark = new SeriesWatermark(this.#limits.leap, series);
      account.usualInterval = undefined;
      if (account.positions.size === 0) this.#accounts.delete(account.name);
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
  #afterPause({ id, account, observations: { ahead } }: Position, last: Observation): Observation {
    if (ahead === null || ahead.r <= this.#limits.winnerAboveR || !this.#isConsecutive(last, ahead)) return last;
    const others = this.open().filter((other) => other.account === account.name && other.position_id !== id);
    const resumed = others.some(({ seenAt, aheadAt }) => Math.abs((aheadAt ?? seenAt) - ahead.at) <= this.#limits.leap);
    return resumed || others.length === 0 ? ahead : last;
  }

  /** Whether both are consecutive: no more than `keptFor` lies between them. */
  #isConsecutive(last: Observation | null, next: Observation): boolean {
    return last !== null && next.at >= last.at && next.at - last.at <= this.#limits.keptFor;
  }

  #changed(position: Position): void {
    position.shown = null;
    this.#open = null;
  }

  #of(id: PositionId, accountName: string): Position {
    const known = this.#positions.get(id);
    if (known !== undefined) return known;
    const account = this.#account(accountName);
    const observations = new Series<Observation>(this.#limits.leap);
    const unknown = { first: null, winnerSince: null, closedAt: null, shown: null };
    const position: Position = { id, account, observations, intervals: [], trades: [], ...unknown };
    this.#positions.set(id, position);
    this.#unclosed.add(position);
    account.positions.add(position);
    return position;
  }

  #account(name: string): WatchedAccount {
    let account = this.#accounts.get(name);
    if (account === undefined) {
      const watermark = new SeriesWatermark(this.#limits.leap);
      this.#accounts.set(name, (account = { name, positions: new Set(), watermark, usualInterval: undefined }));
    }
    return account;
  }
}

/** Null where it was never observed. */
function shownOf(position: Position): OpenPosition | null {
  if (position.shown !== null) return position.shown;
  const { last, ahead } = position.observations;
  if (last === null) return null;
  const { source, symbol, side, r, at: seenAt } = last;
  const { id: position_id, account } = position;
  position.shown = { position_id, account: account.name, symbol, side, r, source, seenAt, aheadAt: ahead?.at ?? null };
  return position.shown;
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
