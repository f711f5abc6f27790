import { type BackOff, patiently } from '../runtime/back-off.ts';
import type { AccountClaims } from './account-claims.ts';
import type { Presence } from './presence.ts';

export interface WorkingPartOptions {
  /** Execution, or the source of snapshots: as in health. */
  readonly name: string;
  readonly accounts: readonly string[];
  /** The claims stand while no process works the accounts. */
  readonly standing: boolean;
  readonly claims: AccountClaims;
  readonly presence: Presence;
  readonly backOff: BackOff;
}

/** What this process does for accounts, as execution or as a source of snapshots: it claims them first, and says that it lives. */
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
    const { accounts, standing, claims, presence, backOff } = this.#options;
    await patiently(backOff, 'claim', () => Promise.all(accounts.map((account) => claims.take(account, standing))));
    await patiently(backOff, 'presence', () => presence.begin());
    this.#begun = true;
    // Not waited for: a beat may wait for a log that is away, and no drain waits for that.
    void presence.beat(this.#ended.signal);
  }

  /** Never throws. */
  async end(): Promise<void> {
    this.#ended.abort();
    if (this.#begun) await this.#options.presence.end();
  }
}
