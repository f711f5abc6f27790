/**
 * Who works an account, folded from desk.claim. Pure: the same records in the order of the log give the same claims. The topic has one
 * partition, so that order is the same for everybody who reads it, and a claim is a compare-and-set: it is in force if the fold, read
 * back from the log, says so.
 *
 * M1  A claim that contradicts one in force is not in force: of two processes that claim at the same time, one finds the other's claim
 *     before its own, and gives way.
 * M2  It replaces what it contradicts where it names all of it (`replaces`), which it does when the processes of those claims are gone.
 *     A claim that others have joined since goes by the name of the latest, so nothing is replaced that its claimant has not seen.
 * M3  A claim of execution in the same venue and mode joins the one in force, and makes it a standing one where it is one itself. Two
 *     sources of snapshots never join: each observation would be on the log twice.
 * M4  `desk retire` ends all claims of an account. What ends it otherwise: see `isReplaceable`.
 *     Who claims after anything has ended is a successor: whoever had it before may not know of it yet, so a successor waits before it works.
 * M5  Of the processes that work every account which nobody else has claimed, and those of the account `main`, one kind is there at a
 *     time: they share a consumer group, and what one takes from it the other does not see.
 */
import type { ClaimId, DeskClaim, DeskMode, DeskPart, EpochMillis } from '../../schemas/generated/records.ts';

/** The account of a process that works every account which nobody else has claimed: a paper desk without keys. */
export const EVERY_OTHER_ACCOUNT = '*';

/** The account at an exchange that nobody has named. */
export const MAIN_ACCOUNT = 'main';

/** What a process works, and where. */
export interface Desk {
  readonly part: DeskPart;
  readonly account: string;
  readonly venue: string;
  readonly mode: DeskMode;
}

/** A claim in force, with all that joined it. */
export interface ClaimInForce extends Desk {
  readonly by_default: boolean;
  readonly standing: boolean;
  /** The process that claimed first, and when. */
  readonly process: string;
  readonly since: EpochMillis;
  /** M4. */
  readonly succeeds: boolean;
  /** M2: the claim_id of the latest that joined. */
  readonly latest: ClaimId;
  /** Every process that joined, the first of them among them, and when; most of them may have ended. */
  readonly processes: ReadonlyMap<string, EpochMillis>;
}

/** How a claim stands to those in force. */
export type Verdict =
  | { readonly kind: 'free' }
  /** Free once the processes of those are gone. */
  | { readonly kind: 'replaces'; readonly claims: readonly ClaimInForce[] }
  | { readonly kind: 'refused'; readonly by: ClaimInForce };

/** From when on the orders of an account went where. */
interface Stretch {
  readonly from: EpochMillis;
  readonly venue: string;
  readonly mode: DeskMode;
}

export class Claims {
  readonly #inForce = new Map<string, ClaimInForce>();
  readonly #retired = new Map<string, DeskClaim>();
  readonly #stretches = new Map<string, Stretch[]>();
  /** Something was retired or replaced. */
  #ended = false;

  apply(claim: DeskClaim): void {
    if (claim.state === 'RETIRED') this.#retire(claim);
    else if (claim.state === 'CLAIMED') this.#claim(claim);
  }

  /** The claim in force of one part of an account. */
  of(account: string, part: DeskPart): ClaimInForce | undefined {
    return this.#inForce.get(keyOf({ account, part }));
  }

  /** All that are in force, by account and part. */
  all(): readonly ClaimInForce[] {
    return [...this.#inForce.values()].toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  }

  /** Whether the process is among those that work the account. */
  holds(process: string, account: string, part: DeskPart): boolean {
    return this.of(account, part)?.processes.has(process) ?? false;
  }

  /** Who retired the account last. */
  retired(account: string): DeskClaim | undefined {
    return this.#retired.get(account);
  }

  verdict(claim: ClaimTerms): Verdict {
    const contradicted = this.#contradicted(claim);
    const [lasting] = contradicted.filter((one) => !isReplaceable(one, claim));
    if (lasting !== undefined) return { kind: 'refused', by: lasting };
    return contradicted.length === 0 ? { kind: 'free' } : { kind: 'replaces', claims: contradicted };
  }

  /** Where the orders of the account went at that time, as far as it was claimed. */
  wentTo(account: string, at: EpochMillis): Pick<Desk, 'venue' | 'mode'> | undefined {
    return this.#stretches.get(account)?.findLast(({ from }) => from <= at);
  }

  #claim(claim: DeskClaim): void {
    const contradicted = this.#contradicted(claim);
    // M1, M2.
    if (!contradicted.every((one) => claim.replaces.includes(one.latest) && isReplaceable(one, claim))) return;
    for (const one of contradicted) this.#end(one);
    const { claim_id, part, account, venue, mode, by_default, standing, process, claimed_at } = claim;
    const joined = this.#inForce.get(keyOf(claim));
    this.#inForce.set(
      keyOf(claim),
      joined === undefined
        ? {
            part,
            account,
            venue,
            mode,
            by_default,
            standing,
            process,
            since: claimed_at,
            succeeds: this.#ended,
            latest: claim_id,
            processes: new Map([[process, claimed_at]]),
          }
        : {
            ...joined,
            standing: joined.standing || standing,
            latest: claim_id,
            processes: new Map([...joined.processes, [process, claimed_at]]),
          },
    );
    if (part === 'EXECUTION') this.#went(claim);
  }

  #went({ account, venue, mode, claimed_at }: DeskClaim): void {
    const stretches = this.#stretches.get(account) ?? [];
    const last = stretches.at(-1);
    if (last?.venue === venue && last.mode === mode) return;
    this.#stretches.set(account, [...stretches, { from: claimed_at, venue, mode }]);
  }

  /** M4. */
  #retire(claim: DeskClaim): void {
    this.#retired.set(claim.account, claim);
    for (const one of this.#inForce.values()) if (one.account === claim.account) this.#end(one);
  }

  #end(claim: ClaimInForce): void {
    this.#inForce.delete(keyOf(claim));
    this.#ended = true;
  }

  #contradicted(claim: ClaimTerms): readonly ClaimInForce[] {
    return this.all().filter((one) => contradicts(one, claim));
  }
}

/** What decides whether two claims go together. */
export type ClaimTerms = Desk & Pick<DeskClaim, 'by_default' | 'process'>;

/** The consumer group that works the intents of an account. */
export function executionGroupOf({ account, by_default }: Pick<ClaimTerms, 'account' | 'by_default'>): string {
  return by_default || account === MAIN_ACCOUNT ? 'execution' : `execution.${account}`;
}

/** M1, M3, M5. */
function contradicts(one: ClaimInForce, claim: ClaimTerms): boolean {
  if (one.account !== claim.account) return sharesGroup(one, claim) || sharesGroup(claim, one);
  if (one.venue !== claim.venue || one.mode !== claim.mode) return true;
  if (claim.by_default && one.standing) return true;
  if (one.part !== claim.part) return false;
  return one.part === 'SNAPSHOTS' ? one.process !== claim.process : one.by_default !== claim.by_default;
}

/** M5. */
function sharesGroup(all: ClaimKind, named: ClaimKind): boolean {
  if (all.part !== 'EXECUTION' || named.part !== 'EXECUTION') return false;
  return all.account === EVERY_OTHER_ACCOUNT && named.account === MAIN_ACCOUNT && !named.by_default;
}

type ClaimKind = Pick<ClaimTerms, 'part' | 'account' | 'by_default'>;

/**
 * Whether a claim may take the place of one in force once the processes of that are gone. A standing claim stands until it is retired,
 * but for one that goes on in the same way. A process that works every other account never takes one over from an exchange: a live desk
 * that is being restarted must not lose its intents to the paper venue.
 */
function isReplaceable(one: ClaimInForce, claim: ClaimTerms): boolean {
  const goesOn = one.account === claim.account && one.part === claim.part && one.by_default === claim.by_default;
  if (goesOn && one.venue === claim.venue && one.mode === claim.mode) return true;
  return !one.standing && !(claim.by_default && one.mode !== 'PAPER');
}

function keyOf({ account, part }: Pick<Desk, 'account' | 'part'>): string {
  return JSON.stringify([account, part]);
}
