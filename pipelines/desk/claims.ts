/**
 * Who works an account: the claims in force, folded from desk.claim. Pure: the same records in the order of the log give the same claims.
 * The topic has one partition, so every reader sees one order, and a claim is a compare-and-set: it is in force if the fold, read back from
 * the log, says so.
 *
 * DSK-7   A claim that contradicts one in force is void: of two processes that claim at once, one finds the other's claim before its own,
 *         and gives way.
 * DSK-8   A claim replaces those it contradicts where it names all of them (`replaces`), as it may once their processes are gone. A claim that
 *         others have joined since has another id (`latest`), so nothing is replaced that the claimant has not seen.
 * DSK-9   A claim of execution for the same venue and mode joins the one in force, and makes it standing where it is standing itself. Two
 *         sources of snapshots never join: each observation would be on the log twice.
 * DSK-10  `desk retire` ends all claims of an account; `isReplaceable` says what else ends one. A claim after any end is that of a
 *         successor: the previous process may not know of it yet, so a successor waits before it works.
 * DSK-11  Processes that work every unclaimed account, and processes of the account `main`, exclude each other: they share a consumer group,
 *         and what one takes from it the other does not see.
 */
import type { ClaimId, DeskClaim, DeskMode, DeskPart, EpochMillis } from '../../schemas/generated/records.ts';

/** Stands for every account that nobody else has claimed: a paper desk without keys works these. */
export const EVERY_OTHER_ACCOUNT = '*';

/** The account at an exchange where none is named. */
export const MAIN_ACCOUNT = 'main';

/** The part of an account that a process works, and where. */
export interface Desk {
  readonly part: DeskPart;
  readonly account: string;
  readonly venue: string;
  readonly mode: DeskMode;
}

/** A claim in force, with those that joined it. */
export interface ClaimInForce extends Desk {
  readonly by_default: boolean;
  readonly standing: boolean;
  /** The process that claimed first, and when. */
  readonly process: string;
  readonly since: EpochMillis;
  /** The claimant is a successor (DSK-10). */
  readonly succeeds: boolean;
  /** DSK-8: the claim_id of the latest claim that joined. */
  readonly latest: ClaimId;
  /** Every process of the claim, the first one included, and when it claimed; most may have ended. */
  readonly processes: ReadonlyMap<string, EpochMillis>;
}

/** What becomes of a claim beside those in force. */
type Verdict =
  | { readonly kind: 'free' }
  /** Free once the processes of these claims are gone. */
  | { readonly kind: 'replaces'; readonly claims: readonly ClaimInForce[] }
  | { readonly kind: 'refused'; readonly by: ClaimInForce };

/** Where the orders of an account went from some time on. */
interface Route {
  readonly from: EpochMillis;
  readonly venue: string;
  readonly mode: DeskMode;
}

export class Claims {
  readonly #inForce = new Map<string, ClaimInForce>();
  readonly #retired = new Map<string, DeskClaim>();
  readonly #routes = new Map<string, Route[]>();
  /** Some claim was retired or replaced. */
  #ended = false;

  apply(claim: DeskClaim): void {
    if (claim.state === 'RETIRED') this.#retire(claim);
    else if (claim.state === 'CLAIMED') this.#claim(claim);
  }

  /** The claim in force for one part of an account. */
  of(account: string, part: DeskPart): ClaimInForce | undefined {
    return this.#inForce.get(keyOf({ account, part }));
  }

  /** All claims in force, by account and part. */
  all(): readonly ClaimInForce[] {
    return [...this.#inForce.values()].toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  }

  /** Whether the process holds the claim. */
  holds(process: string, account: string, part: DeskPart): boolean {
    return this.of(account, part)?.processes.has(process) ?? false;
  }

  /** The latest retirement of the account. */
  retired(account: string): DeskClaim | undefined {
    return this.#retired.get(account);
  }

  verdict(claim: ClaimTerms): Verdict {
    const contradicted = this.#contradicted(claim);
    const [lasting] = contradicted.filter((one) => !isReplaceable(one, claim));
    if (lasting !== undefined) return { kind: 'refused', by: lasting };
    return contradicted.length === 0 ? { kind: 'free' } : { kind: 'replaces', claims: contradicted };
  }

  /** Where the orders of the account went at that time; undefined before its first claim. */
  wentTo(account: string, at: EpochMillis): Pick<Desk, 'venue' | 'mode'> | undefined {
    return this.#routes.get(account)?.findLast(({ from }) => from <= at);
  }

  #claim(claim: DeskClaim): void {
    const contradicted = this.#contradicted(claim);
    // DSK-7, DSK-8.
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
    if (part === 'EXECUTION') this.#addRoute(claim);
  }

  #addRoute({ account, venue, mode, claimed_at }: DeskClaim): void {
    const routes = this.#routes.get(account) ?? [];
    const last = routes.at(-1);
    if (last?.venue === venue && last.mode === mode) return;
    this.#routes.set(account, [...routes, { from: claimed_at, venue, mode }]);
  }

  /** DSK-10. */
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

/** What decides whether two claims contradict each other. */
export type ClaimTerms = Desk & Pick<DeskClaim, 'by_default' | 'process'>;

/** The consumer group that works the intents of an account. */
export function executionGroupOf({ account, by_default }: Pick<ClaimTerms, 'account' | 'by_default'>): string {
  return by_default || account === MAIN_ACCOUNT ? 'execution' : `execution.${account}`;
}

/** DSK-7, DSK-9, DSK-11. */
function contradicts(one: ClaimInForce, claim: ClaimTerms): boolean {
  if (one.account !== claim.account) return sharesGroup(one, claim) || sharesGroup(claim, one);
  if (one.venue !== claim.venue || one.mode !== claim.mode) return true;
  if (claim.by_default && one.standing) return true;
  if (one.part !== claim.part) return false;
  return one.part === 'SNAPSHOTS' ? one.process !== claim.process : one.by_default !== claim.by_default;
}

/** DSK-11. */
function sharesGroup(all: ClaimKind, named: ClaimKind): boolean {
  if (all.part !== 'EXECUTION' || named.part !== 'EXECUTION') return false;
  return all.account === EVERY_OTHER_ACCOUNT && named.account === MAIN_ACCOUNT && !named.by_default;
}

type ClaimKind = Pick<ClaimTerms, 'part' | 'account' | 'by_default'>;

/**
 * Whether a claim may replace one in force once its processes are gone. A standing claim lasts until it is retired, but the same part may
 * go on with it at the same venue and in the same mode. A process that works every unclaimed account never replaces a claim at an exchange:
 * a live desk that is being restarted must not lose its intents to the paper venue.
 */
function isReplaceable(one: ClaimInForce, claim: ClaimTerms): boolean {
  const isSamePart = one.account === claim.account && one.part === claim.part && one.by_default === claim.by_default;
  if (isSamePart && one.venue === claim.venue && one.mode === claim.mode) return true;
  return !one.standing && !(claim.by_default && one.mode !== 'PAPER');
}

function keyOf({ account, part }: Pick<Desk, 'account' | 'part'>): string {
  return JSON.stringify([account, part]);
}
