import type { RefusalMeaning } from '../../../../ports/exchange.ts';

/**
 * What an exchange's refusal means for an order that was just sent. The codes are data of each venue (venues/).
 *
 * - `taken-or-not`  the order may exist: it is asked for by its client id and never sent again
 * - `refused`       nothing was or will be taken, and sending it again would change nothing
 * - `again`         nothing was taken; after the wait that the exchange names, or `waitMs`, it may be sent again
 * - `resync`        nothing was taken: the clock is measured again, then it may be sent again
 */
export interface CodeRule {
  readonly meaning: 'taken-or-not' | 'refused' | 'again' | 'resync';
  /** What an order that is given up is reported with. */
  readonly refusal: RefusalMeaning;
  /** How often an order is sent in all. */
  readonly attempts: number;
  /** Before it is sent again, where the exchange names no time. Unit: milliseconds. */
  readonly waitMs: number;
  /**
   * What we know is not so any more, and is asked for again: the rules of the market (they refuse what we took for allowed), or whether the
   * account is in hedge mode. Left out: nothing.
   */
  readonly outdated?: 'rules' | 'mode';
  /** The whole answer to a look-up: there is no such order. */
  readonly absent?: true;
}

/** By the code in the reply's body. */
export type CodeTable = ReadonlyMap<string, CodeRule>;

/** A short queue at the exchange is over in less. Unit: milliseconds. */
const SHORT_WAIT_MS = 250;

/**
 * The longest that an order waits to be sent again: a kill switch is obeyed within a second, and the next snapshot decides
 * anew anyway. Unit: milliseconds.
 */
export const LONGEST_WAIT_MS = 500;

/** Turned away at the door. */
export const AGAIN: CodeRule = { meaning: 'again', refusal: 'busy', attempts: 3, waitMs: SHORT_WAIT_MS };
/** The exchange does not know, or does not say, what became of it. */
export const TAKEN_OR_NOT: CodeRule = { meaning: 'taken-or-not', refusal: 'other', attempts: 1, waitMs: 0 };
/** The client order id is known there: the order may be this one. */
export const DUPLICATE_ID: CodeRule = { ...TAKEN_OR_NOT, refusal: 'duplicate-id' };
/** Its timestamp is outside the window that the exchange allows. */
export const RESYNC: CodeRule = { meaning: 'resync', refusal: 'clock', attempts: 2, waitMs: 0 };
/** It does not fit the position mode of the account. */
export const OTHER_MODE: CodeRule = { meaning: 'again', refusal: 'other', attempts: 2, waitMs: 0, outdated: 'mode' };
export const REFUSED: CodeRule = { meaning: 'refused', refusal: 'other', attempts: 1, waitMs: 0 };
export const ABSENT: CodeRule = { ...REFUSED, absent: true };

/** A definite no, and what it is a no to. */
export function refused(refusal: RefusalMeaning): CodeRule {
  return { ...REFUSED, refusal };
}

/** The market's rules are not what we take them for. */
export function otherRules(refusal: RefusalMeaning): CodeRule {
  return { ...REFUSED, refusal, outdated: 'rules' };
}

export function codeTable(rules: Readonly<Record<string, CodeRule>>): CodeTable {
  return new Map(Object.entries(rules));
}

const FORBIDDEN = 403;

/** By the HTTP status, where the body names no code that is in a table: 429 and 418 are the rate limit and the ban that follows it. */
const BY_STATUS: ReadonlyMap<number, CodeRule> = new Map<number, CodeRule>([
  [429, AGAIN],
  [418, AGAIN],
  [401, refused('keys')],
  [FORBIDDEN, REFUSED],
  [404, REFUSED],
]);

/** By ccxt's class of an error, for exchanges whose codes are in no table of ours. Its names are those of its manual. */
const BY_CLASS: ReadonlyMap<string, CodeRule> = new Map<string, CodeRule>([
  ['RequestTimeout', TAKEN_OR_NOT],
  ['ExchangeNotAvailable', TAKEN_OR_NOT],
  ['OnMaintenance', TAKEN_OR_NOT],
  ['NetworkError', TAKEN_OR_NOT],
  ['OperationFailed', TAKEN_OR_NOT],
  ['BadResponse', TAKEN_OR_NOT],
  ['DuplicateOrderId', DUPLICATE_ID],
  ['RateLimitExceeded', AGAIN],
  ['DDoSProtection', AGAIN],
  ['InvalidNonce', RESYNC],
  ['OrderNotFound', ABSENT],
  ['InsufficientFunds', refused('margin')],
  ['BadSymbol', otherRules('symbol')],
  // A no that another try will not change.
  ['AuthenticationError', refused('keys')],
  ['PermissionDenied', refused('keys')],
  ['AccountNotEnabled', refused('keys')],
  ['AccountSuspended', refused('keys')],
]);

/** An answer of an exchange that is not what was asked for. */
export interface Answer {
  readonly status: number;
  /** The body's; null where it names none. */
  readonly code: string | null;
  /** ccxt's class of the error; null where it made none. */
  readonly ccxtClass: string | null;
}

/**
 * The code decides where it is in the table, since client libraries put several of them into one error class; then the status, then ccxt's
 * class. A status of 5xx means that the exchange does not know what became of the order, as does any answer that is in no table.
 */
export function ruleFor(codes: CodeTable, { status, code, ccxtClass }: Answer): CodeRule {
  const byCode = code === null ? undefined : codes.get(code);
  if (byCode !== undefined) return byCode;
  // A 403 without a code comes from what stands before the exchange, which knows no keys.
  const byStatus = status === FORBIDDEN && code !== null ? undefined : BY_STATUS.get(status);
  if (byStatus !== undefined) return byStatus;
  const isAnswered = code !== null && status >= 200 && status < 500 && status !== 408;
  if (!isAnswered) return TAKEN_OR_NOT;
  return (ccxtClass === null ? undefined : BY_CLASS.get(ccxtClass)) ?? REFUSED;
}
