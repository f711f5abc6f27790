import type { EpochMillis } from './clock.ts';

/** Orders are stopped, by a person. */
export interface Halt {
  /** The whole desk, or one account. */
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
  readonly since: EpochMillis;
}

/** The desk's kill switch, asked before every order. */
export interface KillSwitch {
  /** What stops the account's orders; null: nothing. Throws a transient error while nobody can tell. */
  halted(account: string): Promise<Halt | null>;
}

/** For worlds without people. */
export const NEVER_HALTED: KillSwitch = { halted: () => Promise.resolve(null) };
