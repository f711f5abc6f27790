/**
 * How a part of this process comes to work accounts, and keeps them: it claims them on desk.claim (claims.ts), shows on desk.process that
 * it lives (presence.ts), and stops where a claim is lost.
 *
 * reads      desk.claim, whole and then on; desk.process, where a claim is in the way
 * writes     desk.claim
 * guarantee
 *
 * DSK-1  An account is worked only while the claims, read back from the log after the own claim was appended, show that it holds.
 * DSK-2  A process that claims an account which another had before waits TAKEOVER_MS before working it. A process that was only paused or out of reach,
 *        or whose account was retired, sends its last order within that time (LAST_FRESH_MS).
 * DSK-3  A claim that is lost, to a person or to another process, is never claimed again by this process: it stops.
 */
import { HarvestlineError, isKind } from '../../errors/harvestline-error.ts';
import { type ClaimInForce, type ClaimTerms, EVERY_OTHER_ACCOUNT, MAIN_ACCOUNT } from './claims.ts';
import { BEAT_MS, type Presence } from './presence.ts';
import { formatEventTime } from '../../render/event-time.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { WorkedAccounts } from '../../ports/worked-accounts.ts';
import type { ClaimId, DeskClaim, DeskMode, DeskPart, ExecutionReport } from '../../schemas/generated/records.ts';
import { TopicWriter } from '../../schemas/topic-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { commandText } from '../alerts/alerts.ts';
import { ClaimBook, type ClaimBookOptions, LAST_FRESH_MS, livingProcess } from './claim-book.ts';
import { type RetryingPart, retryPart } from '../runtime/part-retry.ts';

/** DSK-2: longer than the oldest claims that an order may rest on, by the time it takes to send. Unit: milliseconds. */
const TAKEOVER_MS = LAST_FRESH_MS + 500;

export interface AccountClaimsOptions extends ClaimBookOptions {
  readonly part: DeskPart;
  /** The name of the process and its part, as on desk.process. */
  readonly process: string;
  /** The user it runs as. */
  readonly by: string;
  readonly venue: string;
  readonly mode: DeskMode;
  /** The flags that name the log in the command that ends a claim. */
  readonly words?: string;
  /** Ends the waiting for other processes to be gone. */
  readonly signal: AbortSignal;
}

export class AccountClaims implements WorkedAccounts {
  readonly #options: AccountClaimsOptions;
  readonly #book: ClaimBook;
  readonly #writer: TopicWriter;
  /** By account, when it was claimed. */
  readonly #held = new Map<string, EpochMillis>();
  readonly #claiming = new Map<string, Promise<boolean>>();

  constructor(options: AccountClaimsOptions) {
    this.#options = options;
    this.#book = new ClaimBook(options);
    this.#writer = new TopicWriter(TOPICS.deskClaim.writer, options.codec);
  }

  /**
   * Claims an account for as long as this process works, and beyond where `standing`. Where another claim is in the way, waits until it is
   * known whether its processes are gone. Throws ACCOUNT_TAKEN.
   */
  async take(account: string, standing: boolean): Promise<void> {
    const { part, signal, logger } = this.#options;
    const by_default = part === 'EXECUTION' && account === EVERY_OTHER_ACCOUNT;
    const terms = this.#terms(account, by_default);
    while (!signal.aborted) {
      const claims = await this.#book.read();
      const verdict = claims.verdict(terms);
      if (verdict.kind === 'refused') throw this.#taken(verdict.by, account, null);
      const replaced = verdict.kind === 'replaces' ? verdict.claims : [];
      if (replaced.length > 0) {
        logger.info({ account, claims: replaced.map(({ latest }) => latest) }, 'waiting to see whether others work it');
        const living = await livingProcess(replaced, this.#options, signal);
        const [found] = replaced.filter(({ processes }) => living !== null && processes.has(living));
        if (found !== undefined) throw this.#taken(found, account, living);
        if (signal.aborted) break;
      }
      if (!(await this.#append(terms, standing, replaced))) continue;
      if (replaced.length > 0)
        logger.warn({ account, claims: replaced.map(({ latest }) => latest) }, 'took over what gone processes had');
      return;
    }
    throw new HarvestlineError('BROKER_AWAY', `${account} was not claimed before the stop`);
  }

  /** Whether this process works the account. A process that works every other account claims it now where nobody has. */
  async works(account: string): Promise<boolean> {
    const claims = await this.#book.fresh();
    const { process, part } = this.#options;
    for (const held of [account, EVERY_OTHER_ACCOUNT]) {
      if (this.#held.has(held) && !claims.holds(process, held, part)) throw this.#lost(held);
    }
    if (this.#held.has(account)) return true;
    if (!this.#held.has(EVERY_OTHER_ACCOUNT) || part !== 'EXECUTION') return false;
    const terms = this.#terms(account, true);
    if (claims.verdict(terms).kind !== 'free') return false;
    const claiming = this.#claiming.get(account) ?? this.#append(terms, false, []);
    this.#claiming.set(account, claiming);
    try {
      return await claiming;
    } finally {
      this.#claiming.delete(account);
    }
  }

  whyNotNow(account: string): string | null {
    const { process, part } = this.#options;
    if (!this.#book.isFreshEnough)
      return `${TOPICS.deskClaim.name} does not answer: who works ${named(account)} is not known`;
    return this.#book.claims.holds(process, account, part) ? null : this.#lost(account).message;
  }

  /** Makes sure that every claim still holds, by claims read a second ago at most. Throws ACCOUNT_TAKEN. */
  async hold(): Promise<void> {
    const claims = await this.#book.fresh();
    const { process, part } = this.#options;
    for (const account of this.#held.keys()) if (!claims.holds(process, account, part)) throw this.#lost(account);
  }

  sentAsNow({ account, submitted_at, reported_at }: Pick<ExecutionReport, 'account' | 'submitted_at' | 'reported_at'>) {
    const went = this.#book.claims.wentTo(account, submitted_at ?? reported_at);
    return went === undefined || (went.venue === this.#options.venue && went.mode === this.#options.mode);
  }

  /** Checks the claims at every heartbeat until `signal` aborts. Throws ACCOUNT_TAKEN once an account is lost (DSK-3). */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(BEAT_MS, signal);
      if (signal.aborted) return;
      try {
        await this.hold();
      } catch (thrown) {
        // Whoever needs the log reports that it does not answer; no order is announced meanwhile (DSK-4).
        if (!isKind(thrown, 'transient')) throw thrown;
      }
    }
  }

  #terms(account: string, by_default: boolean): ClaimTerms {
    const { part, process, venue, mode } = this.#options;
    return { part, account, venue, mode, process, by_default };
  }

  /** DSK-1, DSK-2. */
  async #append(terms: ClaimTerms, standing: boolean, replaced: readonly ClaimInForce[]): Promise<boolean> {
    const { log, clock, by, signal } = this.#options;
    const { process, account, part } = terms;
    const now = clock.now();
    const claim: DeskClaim = {
      claim_id: `${process}/${account}/${now}` as ClaimId,
      ...terms,
      state: 'CLAIMED',
      standing,
      replaces: replaced.map(({ latest }) => latest),
      by,
      reason: null,
      claimed_at: now,
    };
    await log.append([this.#writer.encode(TOPICS.deskClaim, claim, now)]);
    const claims = await this.#book.read();
    if (!claims.holds(process, account, part)) return false;
    if (claims.of(account, part)?.succeeds === true) await clock.sleep(TAKEOVER_MS, signal);
    this.#held.set(account, now);
    return true;
  }

  /** Why the account is refused, and how the other claim is ended. */
  #taken({ account, venue, mode, process, standing, since }: ClaimInForce, wanted: string, living: string | null) {
    const { part, venue: ownVenue, mode: ownMode, words = '' } = this.#options;
    const holder =
      living !== null
        ? `${living}, which is at work`
        : `${process}${standing ? ', a claim that stands until it is retired' : ''}`;
    const advice =
      wanted === EVERY_OTHER_ACCOUNT && account === MAIN_ACCOUNT
        ? ' A process for other accounts names the one that it works (--account NAME), or its own desk (--desk NAME).'
        : '';
    return new HarvestlineError(
      'ACCOUNT_TAKEN',
      `${part.toLowerCase()} of ${named(wanted)} at ${ownVenue} (${ownMode}) is refused: ${named(account)} is worked at ${venue} ` +
        `(${mode}) since ${formatEventTime(since)} by ${holder}.${advice} If that is over: ` +
        commandText({ words: 'desk retire', args: [account, '--by', 'NAME', '--reason', 'TEXT'] }, words),
    );
  }

  #lost(account: string): HarvestlineError {
    const { part } = this.#options;
    const claimedAt = this.#held.get(account) ?? 0;
    const retired = this.#book.claims.retired(account);
    const now = this.#book.claims.of(account, part);
    const how =
      now !== undefined
        ? `${now.process} works it now, at ${now.venue} (${now.mode})`
        : retired !== undefined && retired.claimed_at >= claimedAt
          ? `it was retired by ${retired.by}: ${retired.reason ?? ''}`
          : `the claim is no longer on ${TOPICS.deskClaim.name}`;
    return new HarvestlineError('ACCOUNT_TAKEN', `this process no longer works ${named(account)}: ${how}`);
  }
}

function named(account: string): string {
  return account === EVERY_OTHER_ACCOUNT ? 'every other account' : `account ${account}`;
}

interface WorkingPartOptions {
  /** `execution`, or the name of the source of snapshots, as in health. */
  readonly name: string;
  readonly accounts: readonly string[];
  /** The claims stand even while no process works the accounts. */
  readonly standing: boolean;
  readonly claims: AccountClaims;
  readonly presence: Presence;
  readonly retrying: RetryingPart;
}

/** The part of a process that works accounts, as execution or as a source of snapshots: claims them first, then shows that it lives. */
export class WorkingPart {
  readonly name: string;
  readonly claims: AccountClaims;
  readonly #options: WorkingPartOptions;
  readonly #ended = new AbortController();
  #begun = false;

  constructor(options: WorkingPartOptions) {
    this.name = options.name;
    this.claims = options.claims;
    this.#options = options;
  }

  /** Resolves once the accounts are this part's to work. Throws ACCOUNT_TAKEN. */
  async begin(): Promise<void> {
    const { accounts, standing, claims, presence, retrying } = this.#options;
    await retryPart(retrying, 'claim', () => Promise.all(accounts.map((account) => claims.take(account, standing))));
    await retryPart(retrying, 'presence', () => presence.begin());
    this.#begun = true;
    // Not awaited: a heartbeat may wait for a log that does not answer, and a drain must not.
    void presence.beat(this.#ended.signal);
  }

  /** Never throws. */
  async end(): Promise<void> {
    this.#ended.abort();
    if (this.#begun) await this.#options.presence.end();
  }
}
