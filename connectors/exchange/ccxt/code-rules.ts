/**
 * What the answers of an exchange mean for an order that was just sent, as data. Binance USD-M's numeric codes; the code
 * decides, since client libraries put several of them into one error class.
 *
 * - `taken-or-not`  the order may exist: it is asked for by its client id and never sent again
 * - `refused`       nothing was or will be taken, and sending it again would change nothing
 * - `again`         nothing was taken; after the wait that the exchange names, or `waitMs`, it may be sent again
 * - `resync`        nothing was taken: the clock is measured again, then it may be sent again
 */
export interface CodeRule {
  readonly meaning: 'taken-or-not' | 'refused' | 'again' | 'resync';
  /** How often an order is sent in all. */
  readonly attempts: number;
  /** Before it is sent again, where the exchange names no time. Unit: milliseconds. */
  readonly waitMs: number;
  /**
   * What we know is not so any more, and is asked for again: the rules of the market (they refuse what we took for allowed), or whether the
   * account is in hedge mode. Left out: nothing.
   */
  readonly outdated?: 'rules' | 'mode';
}

/** A short queue at the exchange is over in less. Unit: milliseconds. */
const SHORT_WAIT_MS = 250;

/**
 * The longest that an order waits to be sent again: a kill switch is obeyed within a second, and the next snapshot decides
 * anew anyway. Unit: milliseconds.
 */
export const LONGEST_WAIT_MS = 500;

const AGAIN: CodeRule = { meaning: 'again', attempts: 3, waitMs: SHORT_WAIT_MS };
const TAKEN_OR_NOT: CodeRule = { meaning: 'taken-or-not', attempts: 1, waitMs: 0 };
const REFUSED: CodeRule = { meaning: 'refused', attempts: 1, waitMs: 0 };
const RESYNC: CodeRule = { meaning: 'resync', attempts: 2, waitMs: 0 };
const OTHER_MODE: CodeRule = { meaning: 'again', attempts: 2, waitMs: 0, outdated: 'mode' };
const OTHER_RULES: CodeRule = { ...REFUSED, outdated: 'rules' };

/** By the code in the reply's body. */
const BY_CODE: ReadonlyMap<string, CodeRule> = new Map<string, CodeRule>([
  // Internal error, disconnected, unexpected response, time-out: execution status unknown.
  ['-1000', TAKEN_OR_NOT],
  ['-1001', TAKEN_OR_NOT],
  ['-1006', TAKEN_OR_NOT],
  ['-1007', TAKEN_OR_NOT],
  // The client id is known: the order may be this one.
  ['-4116', TAKEN_OR_NOT],
  // Too many requests or orders, system overloaded: turned away at the door.
  ['-1003', AGAIN],
  ['-1008', AGAIN],
  ['-1015', AGAIN],
  // The timestamp is outside the window, at the gateway or at the matching engine.
  ['-1021', RESYNC],
  ['-5028', RESYNC],
  // The order names no side where the account is in hedge mode, or one where it is not; reduceOnly where that goes without saying.
  ['-4061', OTHER_MODE],
  ['-1106', OTHER_MODE],
  // Too precise, too small or large a quantity, too small a value, a filter of the market, no such market.
  ['-1111', OTHER_RULES],
  ['-4003', OTHER_RULES],
  ['-4004', OTHER_RULES],
  ['-4005', OTHER_RULES],
  ['-4023', OTHER_RULES],
  ['-4164', OTHER_RULES],
  ['-1013', OTHER_RULES],
  ['-1121', OTHER_RULES],
  // -2022 and all others: a definite no.
]);

/** By the HTTP status, where the body names no code: 429 and 418 are the rate limit and the ban that follows it. */
const BY_STATUS: ReadonlyMap<number, CodeRule> = new Map<number, CodeRule>([
  [429, AGAIN],
  [418, AGAIN],
  [401, REFUSED],
  [403, REFUSED],
  [404, REFUSED],
]);

/**
 * `code` is the body's, null where it names none. A status of 5xx means that the exchange does not know what became of the
 * order, as does any answer that is in no table.
 */
export function ruleFor(status: number, code: string | null): CodeRule {
  const byCode = code === null ? undefined : BY_CODE.get(code);
  if (byCode !== undefined) return byCode;
  const byStatus = BY_STATUS.get(status);
  if (byStatus !== undefined) return byStatus;
  return code !== null && status >= 200 && status < 500 && status !== 408 ? REFUSED : TAKEN_OR_NOT;
}
