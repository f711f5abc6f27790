import type { ExecutionReport } from '../schemas/generated/records.ts';

/** The accounts that a process of execution works, asked before everything it does for one. */
export interface WorkedAccounts {
  /**
   * Whether the account is this process's to work, as of a look that is a second old at most. Throws ACCOUNT_TAKEN where it was and is
   * no longer, a transient error while nobody can tell.
   */
  works(account: string): Promise<boolean>;
  /**
   * For the moment of sending: why an order of an account that this process worked must not go, as of a look that is so fresh that nobody
   * else can have begun to work it; null: it may.
   */
  whyNotNow(account: string): string | null;
  /** Whether an order of an account that this process works was sent where this process sends them now. */
  sentAsNow(order: Pick<ExecutionReport, 'account' | 'venue' | 'submitted_at' | 'reported_at'>): boolean;
}

/** For worlds of one process. */
export const EVERY_ACCOUNT: WorkedAccounts = {
  works: () => Promise.resolve(true),
  whyNotNow: () => null,
  sentAsNow: () => true,
};
