import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import { AccountTimes } from './account-times.ts';
import type { SignalTimes } from './signal-times.ts';
import type { StallLimits } from './stall-limits.ts';
import { SteadyLooks } from './steady-looks.ts';

/** One look at a position. */
export interface Look {
  readonly account: string;
  readonly source: string;
  readonly opened_at: EpochMillis;
  readonly at: EpochMillis;
  readonly r: number;
}

/** A position above the threshold, as the latest look shows it. */
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

interface Position {
  readonly account: string;
  readonly looks: SteadyLooks<Look>;
  /** The latest look that is believed, and the first; null before any. */
  last: Look | null;
  first: Look | null;
  /** Start of the stretch of looks that show a winner; null: the latest look shows none. */
  winnerSince: EpochMillis | null;
  /** Times of its latest trades, newest first. */
  trades: readonly EpochMillis[];
  /** When it was closed whole; null: not known to be. */
  closedAt: EpochMillis | null;
}

/** A trade whose time is far off must not hide those before it. */
const TRADES_KEPT = 4;

/**
 * Positions as they are observed, and since when nothing of them was closed.
 *
 * W1  Looks at one position come in order, as its key's partition has them. Trades and ends may come at any time, before or after the
 *     looks they belong to.
 * W2  Only a trade, an end or a look says that a winner is held no longer: where looks cease, it is still as it was seen last. Looks that
 *     are far apart, up to what is kept, are of a source that paused: it was held meanwhile. What is closed on record is held no longer,
 *     though it be observed on.
 * W3  Memory holds positions that are not known to be closed, and those that were seen or closed of late.
 */
export class WatchedPositions {
  readonly #limits: StallLimits;
  readonly #positions = new Map<PositionId, Position>();

  constructor(limits: StallLimits) {
    this.#limits = limits;
  }

  look(id: PositionId, look: Look): void {
    const position = this.#of(id, look.account);
    const { looks, anew } = position.looks.tell(look);
    if (anew && !this.#paused(position.last, looks[0])) position.first = position.winnerSince = null;
    for (const one of looks) {
      position.first ??= one;
      position.last = one;
      position.winnerSince = one.r > this.#limits.winnerAboveR ? (position.winnerSince ?? one.at) : null;
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

  /** The time that each account and each source has come to. */
  times(signals: SignalTimes): AccountTimes {
    const times = new AccountTimes(this.#limits.leap, signals);
    for (const [id, { looks, last, closedAt }] of this.#positions) {
      // Nothing of a position is observed after its end: such a look has a wrong clock's time, and no later one can say so.
      if (last !== null) times.add(id, last, { at: Math.min(looks.at, closedAt ?? Infinity), steady: looks.steady });
    }
    return times;
  }

  /** Winners that are not known to be closed, those that are held longest first. */
  winners(): readonly Winner[] {
    const winners: Winner[] = [];
    for (const [position_id, { looks, last, first, winnerSince, trades, closedAt }] of this.#positions) {
      if (last === null || winnerSince === null || closedAt !== null) continue;
      const { ahead } = looks;
      const latest = ahead !== null && ahead.r > this.#limits.winnerAboveR && this.#paused(last, ahead) ? ahead : last;
      const { account, r, at: seenAt, opened_at } = latest;
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

  /** Those that are not observed while their account is, the longest first. A look that waits for the next is one too. */
  unobserved(times: AccountTimes): readonly Unobserved[] {
    const unobserved: Unobserved[] = [];
    for (const [position_id, { looks, last, closedAt }] of this.#positions) {
      if (last === null || closedAt !== null) continue;
      const { account, source, r, at: seenAt } = last;
      const heardAt = times.heardOf(account);
      const waiting = looks.ahead?.at ?? seenAt;
      const observedAt = waiting <= heardAt + this.#limits.leap ? Math.max(seenAt, waiting) : seenAt;
      if (heardAt - observedAt <= this.#limits.unobservedFor) continue;
      const others = times.ofAccount(account) - observedAt > this.#limits.unobservedFor;
      unobserved.push({ position_id, account, source, r, seenAt, heardAt, others });
    }
    return unobserved.toSorted(
      (one, other) => one.seenAt - other.seenAt || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** From when on signals could show that an account with open positions lives on; Infinity without any. */
  heardFrom(times: AccountTimes): EpochMillis {
    let earliest = Infinity;
    for (const { account, last, closedAt } of this.#positions.values()) {
      if (last !== null && closedAt === null) earliest = Math.min(earliest, times.ofAccount(account));
    }
    return earliest;
  }

  /** W3. */
  forget(before: (account: string) => EpochMillis): void {
    for (const [id, { account, last, trades, closedAt }] of this.#positions) {
      if (last !== null && closedAt === null) continue;
      const latest = Math.max(last?.at ?? -Infinity, trades[0] ?? -Infinity, closedAt ?? -Infinity);
      if (latest < before(account)) this.#positions.delete(id);
    }
  }

  get size(): number {
    return this.#positions.size;
  }

  /** W2. */
  #paused(last: Look | null, next: Look | undefined): boolean {
    if (last === null || next === undefined) return false;
    return next.at >= last.at && next.at - last.at <= this.#limits.keptFor;
  }

  #of(id: PositionId, account: string): Position {
    let position = this.#positions.get(id);
    if (position === undefined) {
      const looks = new SteadyLooks<Look>(this.#limits.leap);
      position = { account, looks, last: null, first: null, winnerSince: null, trades: [], closedAt: null };
      this.#positions.set(id, position);
    }
    return position;
  }
}
