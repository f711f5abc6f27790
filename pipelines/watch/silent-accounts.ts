import type { EpochMillis } from '../../schemas/generated/records.ts';
import type { AccountWatermarks } from './account-watermarks.ts';
import type { IntentTally } from './intent-tally.ts';
import type { StallLimits } from './stall-limits.ts';
import type { Winner } from './watched-positions.ts';

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
