/**
 * Two ways in which an account falls silent: its feed ends, and nobody observes its open positions (`silentFeeds`), or scoring sends no
 * intent although winners are open (`silentAccounts`).
 */
import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';
import type { OpenPosition, Winner } from './watched-positions.ts';
import type { IntentTally } from './topic-joins.ts';

/** An account with open positions, and no snapshots any more. */
export interface SilentFeed {
  readonly account: string;
  readonly source: string;
  /** The time of its last snapshot. */
  readonly since: EpochMillis;
  readonly silentMs: number;
  /** The usual interval between two snapshots of a position; null where too few are known. */
  readonly usualMs: number | null;
  readonly positions: readonly PositionId[];
}

interface FeedParts {
  readonly open: readonly OpenPosition[];
  /** Null where too few are known. Unit: milliseconds. */
  readonly usualInterval: (account: string) => number | null;
  readonly watermarks: AccountWatermarks;
  /** The reader's clock where the log is written live; null elsewhere. */
  readonly now: EpochMillis | null;
  /** By account: when its last snapshot was read, by the same clock as `now`. Absent where all its snapshots were there at the start. */
  readonly cameAt: ReadonlyMap<string, EpochMillis>;
  readonly limits: StallLimits;
}

/**
 * The feeds that ended, the longest silence first. Where the log is written live, silence is measured by the reader's clock, since no record
 * moves event time any more: from when the last snapshot was read, or from its own time where it was there at the start. Elsewhere, as
 * over the log of `dev`, it is measured by the account's latest snapshot or signal, so a market that ended is not silent.
 */
export function silentFeeds({
  open,
  usualInterval,
  watermarks,
  now,
  cameAt,
  limits,
}: FeedParts): readonly SilentFeed[] {
  const silent: SilentFeed[] = [];
  for (const account of watermarks.accounts) {
    const accountNow = Math.max(now ?? -Infinity, watermarks.latestActivity(account));
    const watermark = watermarks.of(account);
    const came = cameAt.get(account);
    const silentFor = (since: EpochMillis): number =>
      now === null || came === undefined ? accountNow - since : now - came;
    // Its last snapshot is as late as the watermark or later. That nearly always is enough to know, without a look at its positions.
    const atMost = silentFor(watermark);
    if (atMost <= leastLimit(limits)) continue;
    const usualMs = usualInterval(account);
    const limit = limitOf(usualMs, limits);
    if (atMost <= limit) continue;
    const timed = open
      .filter((position) => position.account === account)
      .map((position) => ({ ...position, at: observedAt(position, accountNow + limits.leap) }));
    const since = timed.reduce((latest, { at }) => Math.max(latest, at), watermark);
    // A position that was lost before the feed ended belongs to snapshots_ceased.
    const [first, ...others] = timed.filter(({ at }) => since - at <= limits.unobservedFor);
    const silentMs = silentFor(since);
    if (first === undefined || silentMs <= limit) continue;
    const { source } = first;
    silent.push({ account, source, since, silentMs, usualMs, positions: idsOf([first, ...others]) });
  }
  return silent.toSorted((one, other) => other.silentMs - one.silentMs || (one.account < other.account ? -1 : 1));
}

function observedAt({ seenAt, aheadAt }: OpenPosition, until: EpochMillis): EpochMillis {
  const times = [seenAt, aheadAt ?? seenAt].filter((at) => at <= until);
  return Math.max(-Infinity, ...times);
}

/** Whatever the usual interval is. */
function leastLimit({ silentAtLeast, silentAtMost, unobservedFor }: StallLimits): number {
  return Math.min(silentAtLeast, silentAtMost, unobservedFor);
}

function limitOf(usualMs: number | null, { silentCycles, silentAtLeast, silentAtMost, unobservedFor }: StallLimits) {
  if (usualMs === null) return unobservedFor;
  return Math.min(silentAtMost, Math.max(silentAtLeast, silentCycles * usualMs));
}

function idsOf(positions: readonly OpenPosition[]): readonly PositionId[] {
  return positions.map(({ position_id }) => position_id).toSorted();
}

/** An account with open winners and no intent for any of its positions. */
export interface SilentAccount {
  readonly account: string;
  readonly now: EpochMillis;
  readonly winners: number;
  /** Since when a winner has been open and no intent has come. */
  readonly since: EpochMillis;
  /** The winner may have been open before, out of sight. */
  readonly atLeast: boolean;
  /** Null where none is in sight. */
  readonly latestIntentAt: EpochMillis | null;
}

interface SilenceParts {
  readonly winners: readonly Winner[];
  readonly tally: IntentTally;
  readonly watermarks: AccountWatermarks;
  readonly limits: StallLimits;
}

/** The silent accounts, the longest silence first. */
export function silentAccounts({ winners, tally, watermarks, limits }: SilenceParts): readonly SilentAccount[] {
  const observed = winners.filter((winner) => isObserved(winner, watermarks, limits));
  const silent: SilentAccount[] = [];
  for (const [account, open] of Map.groupBy(observed, (winner) => winner.account)) {
    const now = watermarks.of(account);
    const [first] = open.toSorted((one, other) => one.since - other.since);
    const latestIntentAt = tally.latestAt(account, now + limits.leap);
    const since = Math.max(first?.since ?? now, latestIntentAt ?? -Infinity);
    if (now - since <= limits.heldFor) continue;
    const atLeast = first?.atLeast === true && since === first.since;
    silent.push({ account, now, winners: open.length, since, atLeast, latestIntentAt });
  }
  return silent.toSorted(
    (one, other) => other.now - other.since - (one.now - one.since) || (one.account < other.account ? -1 : 1),
  );
}

/** Whether the winner is still observed. If not, it belongs to snapshots_ceased: scoring has no snapshot to decide on. */
export function isObserved({ account, seenAt }: Winner, watermarks: AccountWatermarks, limits: StallLimits): boolean {
  return watermarks.latestActivity(account) - seenAt <= limits.unobservedFor;
}
