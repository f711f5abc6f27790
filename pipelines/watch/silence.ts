import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import type { StallLimits } from './stall-limits.ts';
import type { OpenPosition, Winner } from './watched-positions.ts';
import type { IntentTally } from './topic-joins.ts';

/** An account with open positions of which no snapshot comes any more. */
export interface SilentFeed {
  readonly account: string;
  readonly source: string;
  /** The time of its last snapshot. */
  readonly since: EpochMillis;
  readonly silentMs: number;
  /** What usually lies between two snapshots of a position; null: too few are known. */
  readonly usualMs: number | null;
  readonly positions: readonly PositionId[];
}

export interface FeedParts {
  readonly open: readonly OpenPosition[];
  /** By account. */
  readonly usualIntervals: ReadonlyMap<string, number>;
  readonly watermarks: AccountWatermarks;
  /** Where the log is written live. */
  readonly now: EpochMillis | null;
  /** By account: when a snapshot of it came last, by the same clock as `now`. Unknown for what was on the log before. */
  readonly cameAt: ReadonlyMap<string, EpochMillis>;
  readonly limits: StallLimits;
}

/**
 * Feeds that died: the longest silent first. No record comes that could move event time, so where the log is written live the reader's
 * clock is held against it: the silence is what passed since a snapshot came, or, of what was there already, since the time of the
 * last one. Elsewhere, as over the log of `dev`, an account's time is what its snapshots and models have come to, and a market that
 * ended is not silent.
 */
export function silentFeeds({
  open,
  usualIntervals,
  watermarks,
  now,
  cameAt,
  limits,
}: FeedParts): readonly SilentFeed[] {
  const silent: SilentFeed[] = [];
  for (const [account, positions] of Map.groupBy(open, (position) => position.account)) {
    const accountNow = Math.max(now ?? -Infinity, watermarks.heardOf(account));
    const timed = positions.map((position) => ({ ...position, at: observedAt(position, accountNow + limits.leap) }));
    const since = timed.reduce((latest, { at }) => Math.max(latest, at), watermarks.of(account));
    // One that was not observed before the feed died is a matter of snapshots_ceased.
    const [first, ...others] = timed.filter(({ at }) => since - at <= limits.unobservedFor);
    const usualMs = usualIntervals.get(account) ?? null;
    const came = cameAt.get(account);
    const silentMs = now === null || came === undefined ? accountNow - since : now - came;
    if (first === undefined || silentMs <= limitOf(usualMs, limits)) continue;
    const { source } = first;
    silent.push({ account, source, since, silentMs, usualMs, positions: idsOf([first, ...others]) });
  }
  return silent.toSorted((one, other) => other.silentMs - one.silentMs || (one.account < other.account ? -1 : 1));
}

function observedAt({ seenAt, aheadAt }: OpenPosition, until: EpochMillis): EpochMillis {
  const times = [seenAt, aheadAt ?? seenAt].filter((at) => at <= until);
  return Math.max(-Infinity, ...times);
}

function limitOf(usualMs: number | null, { silentCycles, silentAtLeast, silentAtMost, unobservedFor }: StallLimits) {
  if (usualMs === null) return unobservedFor;
  return Math.min(silentAtMost, Math.max(silentAtLeast, silentCycles * usualMs));
}

function idsOf(positions: readonly OpenPosition[]): readonly PositionId[] {
  return positions.map(({ position_id }) => position_id).toSorted();
}

/** An account with winners of which scoring wants nothing, nor of any other of its positions. */
export interface SilentAccount {
  readonly account: string;
  readonly now: EpochMillis;
  readonly winners: number;
  /** Since then winners were open and no intent came. */
  readonly since: EpochMillis;
  readonly atLeast: boolean;
  /** Null: none is in sight. */
  readonly latestIntentAt: EpochMillis | null;
  /** Intents before that are out of sight. */
  readonly sightFrom: EpochMillis;
}

export interface SilenceParts {
  readonly winners: readonly Winner[];
  readonly tally: IntentTally;
  readonly watermarks: AccountWatermarks;
  readonly limits: StallLimits;
  readonly sightFrom: EpochMillis;
}

/** Accounts whose winners are observed, and scoring wants nothing: the longest first. */
export function silentAccounts({
  winners,
  tally,
  watermarks,
  limits,
  sightFrom,
}: SilenceParts): readonly SilentAccount[] {
  const observed = winners.filter((winner) => isObserved(winner, watermarks, limits));
  const silent: SilentAccount[] = [];
  for (const [account, open] of Map.groupBy(observed, (winner) => winner.account)) {
    const now = watermarks.of(account);
    const [first] = open.toSorted((one, other) => one.since - other.since);
    const latestIntentAt = tally.latestAt(account, now + limits.leap);
    const since = Math.max(first?.since ?? now, latestIntentAt ?? -Infinity);
    if (now - since <= limits.heldFor) continue;
    const atLeast = first?.atLeast === true && since === first.since;
    silent.push({ account, now, winners: open.length, since, atLeast, latestIntentAt, sightFrom });
  }
  return silent.toSorted(
    (one, other) => other.now - other.since - (one.now - one.since) || (one.account < other.account ? -1 : 1),
  );
}

/** Where it is not, snapshots_ceased tells of it: scoring cannot want anything of what it does not see. */
export function isObserved({ account, seenAt }: Winner, watermarks: AccountWatermarks, limits: StallLimits): boolean {
  return watermarks.heardOf(account) - seenAt <= limits.unobservedFor;
}
