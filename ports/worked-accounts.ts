import type { ExecutionReport } from '../schemas/generated/records.ts';

/** The accounts that a process of execution works, asked before everything it does for one. */
export interface WorkedAccounts {
  /**
   * Whether this process works the account, as observed a second ago at most. Throws ACCOUNT_TAKEN where it did and does
   * no longer, a transient error while nobody can tell.
   */
  works(account: string): Promise<boolean>;
  /**
   * Asked at the moment of sending: why an order of the account must not go. Rests on an observation that is so fresh that nobody
   * else can have begun to work the account since. Null: it may go.
   */
  whyNotNow(account: string): string | null;
  /** Whether an order of an account that this process works was sent where this process sends them now. */
  sentAsNow(order: Pick<ExecutionReport, 'account' | 'venue' | 'submitted_at' | 'reported_at'>): boolean;
}

/** Every account is worked here: for a single process. */
export const EVERY_ACCOUNT: WorkedAccounts = {
  works: () => Promise.resolve(true),
  whyNotNow: () => null,
  sentAsNow: () => true,
};
