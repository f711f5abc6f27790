/**
 * Who works an account, folded from desk.claim. Pure: the same records in the order of the log give the same claims.
 *
 * M1  Of an account's claims of one part, the first in the order of the log is in force until it is retired or replaced: of two
 *     processes that claim at the same time, one finds the other's claim before its own, and gives way.
 * M2  A later claim replaces the one in force only where it names it (`replaces`), which it does when that one's process is gone and
 *     the claim does not stand without it.
 * M3  A claim of the same venue and mode joins the one in force, and makes it a standing one where it is one itself. Two sources of
 *     snapshots never join: each observation would be on the log twice.
 * M4  `desk retire` ends all claims of an account.
 */
import type { DeskClaim, DeskMode, DeskPart } from '../../schemas/generated/records.ts';

/** The account of a process that works every account which nobody else has claimed: a paper desk without keys. */
export const EVERY_OTHER_ACCOUNT = '*';

/** What a process works, and where. */
export interface Desk {
  readonly part: DeskPart;
  readonly account: string;
  readonly venue: string;
  readonly mode: DeskMode;
}

export class Claims {
  readonly #inForce = new Map<string, DeskClaim>();

  apply(claim: DeskClaim): void {
    const { account, part, state, standing, replaces } = claim;
    if (state === 'RETIRED') {
      for (const one of this.#inForce.values()) if (one.account === account) this.#inForce.delete(keyOf(one));
      return;
    }
    const key = keyOf({ account, part });
    const before = this.#inForce.get(key);
    if (before === undefined || before.claim_id === replaces) this.#inForce.set(key, claim);
    else if (standing && isJoined(before, claim)) this.#inForce.set(key, { ...before, standing });
  }

  /** The claim in force of one part of an account. */
  of(account: string, part: DeskPart): DeskClaim | undefined {
    return this.#inForce.get(keyOf({ account, part }));
  }

  /** All that are in force, by account and part. */
  all(): readonly DeskClaim[] {
    return [...this.#inForce.values()].toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  }

  /** The claims in force that a process which works `desk` contradicts (M1, M3). */
  against(desk: Desk, process: string): readonly DeskClaim[] {
    return this.all().filter(
      (claim) =>
        claim.account === desk.account &&
        (claim.venue !== desk.venue ||
          claim.mode !== desk.mode ||
          (claim.part === 'SNAPSHOTS' && desk.part === 'SNAPSHOTS' && claim.process !== process)),
    );
  }
}

/** M3. */
function isJoined(before: DeskClaim, { part, venue, mode }: DeskClaim): boolean {
  return part === 'EXECUTION' && before.venue === venue && before.mode === mode;
}

function keyOf({ account, part }: Pick<DeskClaim, 'account' | 'part'>): string {
  return JSON.stringify([account, part]);
}
