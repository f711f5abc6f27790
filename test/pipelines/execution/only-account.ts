import type { WorkedAccounts } from '../../../ports/worked-accounts.ts';

/** As a process that names its account. */
export function onlyAccount(account: string): WorkedAccounts {
  return { works: (asked) => Promise.resolve(asked === account), whyNotNow: () => null, sentAsNow: () => true };
}
