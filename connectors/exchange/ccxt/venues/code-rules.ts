import type { RefusalMeaning } from '../../../../ports/exchange.ts';

/**
 * What an exchange's rejection means for an order that was just sent. Each exchange's file maps its codes to these rules.
 *
 * - `unknown`   the order may exist: it is looked up by its client id, and never sent again
 * - `rejected`  the order was not taken, and sending it again would change nothing
 * - `retry`     the order was not taken; it may be sent again after the wait that the exchange asks for, or `waitMs`
 * - `resync`    the order was not taken; it may be sent again once the clock has been measured
 */
export interface RejectionRule {
  readonly meaning: 'unknown' | 'rejected' | 'retry' | 'resync';
  /** The meaning that the report of a rejected order carries. */
  readonly refusal: RefusalMeaning;
  /** The most times that an order is sent, the first included. */
  readonly attempts: number;
  /** The wait before the next attempt where the exchange asks for none. Unit: milliseconds. */
  readonly waitMs: number;
  /**
   * What this process has cached that the rejection proves wrong, and that is therefore read again: the rules of the market, or the account's
   * position mode. Left out: nothing.
   */
  readonly outdated?: 'rules' | 'mode';
  /** The exchange states that there is no such order: a complete answer to a look-up. */
  readonly absent?: true;
}

/** Rules by the code in the body of a reply. */
export type CodeTable = ReadonlyMap<string, RejectionRule>;

/** Long enough for a short queue at the exchange to empty. Unit: milliseconds. */
const SHORT_WAIT_MS = 250;

/**
 * The longest that an order waits for its next attempt. A halt must take effect within a second, and the next snapshot decides again
 * anyway. Unit: milliseconds.
 */
export const LONGEST_RETRY_WAIT_MS = 500;

/** The exchange is too busy, or a rate limit is exhausted. */
export const RETRY: RejectionRule = { meaning: 'retry', refusal: 'busy', attempts: 3, waitMs: SHORT_WAIT_MS };
/** The exchange does not know, or does not say, whether the order was taken. */
export const EXECUTION_UNKNOWN: RejectionRule = { meaning: 'unknown', refusal: 'other', attempts: 1, waitMs: 0 };
/** The exchange has an order of this client order id: it may be the one that was just sent. */
export const DUPLICATE_ID: RejectionRule = { ...EXECUTION_UNKNOWN, refusal: 'duplicate-id' };
/** The request's timestamp is outside the window that the exchange allows. */
export const RESYNC: RejectionRule = { meaning: 'resync', refusal: 'clock', attempts: 2, waitMs: 0 };
/** The order does not fit the account's position mode. */
export const WRONG_MODE: RejectionRule = {
  meaning: 'retry',
  refusal: 'other',
  attempts: 2,
  waitMs: 0,
  outdated: 'mode',
};
export const REJECTED: RejectionRule = { meaning: 'rejected', refusal: 'other', attempts: 1, waitMs: 0 };
export const ABSENT: RejectionRule = { ...REJECTED, absent: true };

/** A definite rejection of that meaning. */
export function rejected(refusal: RefusalMeaning): RejectionRule {
  return { ...REJECTED, refusal };
}

/** A rejection which shows that the market's rules have changed since they were read. */
export function rulesChanged(refusal: RefusalMeaning): RejectionRule {
  return { ...REJECTED, refusal, outdated: 'rules' };
}

export function codeTable(rules: Readonly<Record<string, RejectionRule>>): CodeTable {
  return new Map(Object.entries(rules));
}

const FORBIDDEN = 403;

/** Rules by HTTP status, for replies without a known code. 429 is the rate limit, 418 the ban for ignoring it. */
const BY_STATUS: ReadonlyMap<number, RejectionRule> = new Map<number, RejectionRule>([
  [429, RETRY],
  [418, RETRY],
  [401, rejected('keys')],
  [FORBIDDEN, REJECTED],
  [404, REJECTED],
]);

/** Rules by ccxt's error class, for exchanges without a table of codes. The names are those of ccxt's manual. */
const BY_CLASS: ReadonlyMap<string, RejectionRule> = new Map<string, RejectionRule>([
  ['RequestTimeout', EXECUTION_UNKNOWN],
  ['ExchangeNotAvailable', EXECUTION_UNKNOWN],
  ['OnMaintenance', EXECUTION_UNKNOWN],
  ['NetworkError', EXECUTION_UNKNOWN],
  ['OperationFailed', EXECUTION_UNKNOWN],
  ['BadResponse', EXECUTION_UNKNOWN],
  ['DuplicateOrderId', DUPLICATE_ID],
  ['RateLimitExceeded', RETRY],
  ['DDoSProtection', RETRY],
  ['InvalidNonce', RESYNC],
  ['OrderNotFound', ABSENT],
  ['InsufficientFunds', rejected('margin')],
  ['BadSymbol', rulesChanged('symbol')],
  // Definite: the same keys will be rejected again.
  ['AuthenticationError', rejected('keys')],
  ['PermissionDenied', rejected('keys')],
  ['AccountNotEnabled', rejected('keys')],
  ['AccountSuspended', rejected('keys')],
]);

/** What identifies a rejection. */
export interface Answer {
  readonly status: number;
  /** The exchange's own code; null where the body has none. */
  readonly code: string | null;
  /** ccxt's class of the error; null where ccxt saw none. */
  readonly ccxtClass: string | null;
}

/**
 * The rule for a rejection: by its code, else by its HTTP status, else by ccxt's error class. The code comes first because ccxt puts several
 * codes into one class. Without a code, and for any status of 5xx, whether the order was taken is unknown.
 */
export function ruleFor(codes: CodeTable, { status, code, ccxtClass }: Answer): RejectionRule {
  const byCode = code === null ? undefined : codes.get(code);
  if (byCode !== undefined) return byCode;
  // A 403 without a code comes from a proxy or firewall in front of the exchange, and says nothing about the keys.
  const byStatus = status === FORBIDDEN && code !== null ? undefined : BY_STATUS.get(status);
  if (byStatus !== undefined) return byStatus;
  const isAnswered = code !== null && status >= 200 && status < 500 && status !== 408;
  if (!isAnswered) return EXECUTION_UNKNOWN;
  return (ccxtClass === null ? undefined : BY_CLASS.get(ccxtClass)) ?? REJECTED;
}
