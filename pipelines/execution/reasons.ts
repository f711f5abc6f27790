import type { RefusalMeaning } from '../../ports/exchange.ts';
import type { ExecutionStatus } from '../../schemas/generated/records.ts';

interface ReasonEntry {
  readonly status: ExecutionStatus;
  /** A second status that it can come with. */
  readonly or?: ExecutionStatus;
  /** The venue refused this very order, and would refuse the next one like it. */
  readonly refusal?: true;
  readonly sentence: string;
}

/** Every reason of an execution.report, with its status and meaning. Stable: never renamed, never reused. */
const REASONS = {
  ORDER_SENT: { status: 'SUBMITTED', sentence: 'The order is about to be sent.' },
  REMAINDER_INCLUDED: {
    status: 'SUBMITTED',
    sentence:
      'The order is about to be sent for the whole position: what the fraction leaves could not be closed later.',
  },
  MAXIMUM_SENT: {
    status: 'SUBMITTED',
    sentence: "The order is about to be sent for the market's maximum: the rest is left to later intents.",
  },

  MAX_NOTIONAL_SENT: {
    status: 'SUBMITTED',
    sentence:
      "The order is about to be sent for as much as the desk's limit on value allows: the rest is left to later intents.",
  },

  FILLED: { status: 'FILLED', sentence: 'The venue filled the order.' },
  REMAINDER_CLOSED: {
    status: 'FILLED',
    sentence: 'The venue closed the whole position: what the fraction leaves could not have been closed later.',
  },
  MAXIMUM_CLOSED: {
    status: 'FILLED',
    sentence: "The venue filled an order of the market's maximum; the rest is left to later intents.",
  },
  MAX_NOTIONAL_CLOSED: {
    status: 'FILLED',
    sentence: "The venue filled an order of the desk's limit on value; the rest is left to later intents.",
  },
  PARTIALLY_FILLED: {
    status: 'FILLED',
    sentence: 'The venue filled a part of what the intent asks for; the rest was cancelled or not sent.',
  },

  KILL_SWITCH: {
    status: 'SUPPRESSED',
    // REJECTED where the order was announced before the switch was found on: it was never sent.
    or: 'REJECTED',
    sentence: 'The kill switch is on, or its state cannot be known: the order is not sent.',
  },
  STALE_INTENT: { status: 'SUPPRESSED', sentence: 'The position was observed too long ago to act on.' },
  COOLDOWN: { status: 'SUPPRESSED', sentence: 'The position was partly closed too short a time ago.' },
  UNSETTLED_ORDER: {
    status: 'SUPPRESSED',
    sentence: 'What became of an earlier order of the position is still unknown.',
  },
  UNKNOWN_SYMBOL: { status: 'SUPPRESSED', sentence: 'The venue has no such market.' },
  FLAT: { status: 'SUPPRESSED', sentence: 'The venue reports no open position.' },
  NOT_SHOWN: {
    status: 'SUPPRESSED',
    sentence: 'The venue shows no such position, and no fill that closed it: nothing is known.',
  },
  BELOW_MINIMUM: {
    status: 'SUPPRESSED',
    sentence: "The order would be below the market's minimum, and a later one need not be.",
  },

  OTHER_ACCOUNT: {
    status: 'SUPPRESSED',
    sentence:
      'The intent is for a venue that its account is not worked at. Older reports say so of other accounts, too, which are left to those who work them now.',
  },
  SYMBOL_NOT_ALLOWED: { status: 'SUPPRESSED', sentence: 'The market is not on the list of those that may be touched.' },
  ABOVE_MAX_NOTIONAL: {
    status: 'SUPPRESSED',
    sentence:
      "Not even the smallest order is within the desk's limit on value. Older reports say so of every order above it.",
  },
  MARK_PRICE_DIFFERS: {
    status: 'SUPPRESSED',
    sentence: "The venue's mark price is far from that of the snapshot: the decision rests on another price.",
  },
  NO_MARK_PRICE: {
    status: 'SUPPRESSED',
    sentence: 'The venue names no mark price of the market: nothing can be valued.',
  },
  SETTLES_NOW: {
    status: 'SUPPRESSED',
    sentence: 'The contract settles within minutes, or its market takes no orders: the settlement closes what is open.',
  },
  NOT_RECORDABLE: {
    status: 'SUPPRESSED',
    sentence: 'What the order would lead to could not be recorded; detail has the failing paths.',
  },
  REFUSED_RECENTLY: {
    status: 'SUPPRESSED',
    sentence: 'The venue refused the last orders of the position; the next waits, longer with each refusal.',
  },
  CLOSE_RATE: { status: 'SUPPRESSED', sentence: 'The desk allows no more orders in this minute.' },

  REDUCE_ONLY_REJECTED: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue holds no position for the order to reduce.',
  },
  BELOW_MIN_NOTIONAL: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the value of the order too small.',
  },
  BELOW_MIN_QUANTITY: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the quantity of the order too small.',
  },
  ABOVE_MAX_QUANTITY: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the quantity of the order too large.',
  },
  INSUFFICIENT_MARGIN: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the margin of the account too small.',
  },
  SYMBOL_REJECTED: { status: 'REJECTED', refusal: true, sentence: 'The venue does not know the market of the order.' },
  PRECISION_REJECTED: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the quantity of the order too precise.',
  },
  PRICE_REJECTED: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue found the price of the order too far from the mark, or no price of the market.',
  },
  WOULD_TAKE: {
    status: 'REJECTED',
    sentence: 'The order would have filled at once, which a post-only order must not; what follows it did not go.',
  },
  VENUE_BUSY: {
    status: 'REJECTED',
    sentence: 'The venue turned the order away for its rate limit or its load; nothing was taken.',
  },
  CLOCK_SKEW: { status: 'REJECTED', sentence: 'The venue refused the time of the order; nothing was taken.' },
  VENUE_REJECTED: {
    status: 'REJECTED',
    refusal: true,
    sentence: 'The venue refused the order; detail has its code and words.',
  },
  NO_FILL: { status: 'REJECTED', sentence: 'The venue took the order and cancelled it without a fill.' },
  NOT_PLACED: { status: 'REJECTED', sentence: 'The order never reached the venue. It is not sent again.' },

  NO_ANSWER: { status: 'UNKNOWN', sentence: 'The venue does not say what became of the order.' },
  STILL_OPEN: { status: 'UNKNOWN', sentence: 'The order was still open when the wait for its end was over.' },
  ORDER_SET_ASIDE: {
    status: 'UNKNOWN',
    sentence: 'The order cannot be finished: its trade or report cannot be made or recorded. It is left to a person.',
  },
  ORDER_VANISHED: { status: 'UNKNOWN', sentence: 'The venue took the order and now denies it.' },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof REASONS;

/** The reasons that go with one status. */
export type ReasonOf<S extends ExecutionStatus> = {
  [R in Reason]: (typeof REASONS)[R] extends { readonly status: S } | { readonly or: S } ? R : never;
}[Reason];

/** Why no order is sent for an intent. */
export interface Suppression {
  readonly reason: ReasonOf<'SUPPRESSED'>;
  /** The figures in words; null where the reason says it all. */
  readonly detail: string | null;
}

/** Every reason for which no order is sent. */
export const SUPPRESSIONS: readonly string[] = Object.entries(REASONS).flatMap(([reason, { status }]) =>
  status === 'SUPPRESSED' ? [reason] : [],
);

const REFUSALS: ReadonlySet<string> = new Set(
  Object.entries(REASONS).flatMap(([reason, entry]) => ('refusal' in entry ? [reason] : [])),
);

/** Whether the venue would refuse the next order like it as well. */
export function isRefusal(reason: string): boolean {
  return REFUSALS.has(reason);
}

const REJECTIONS = {
  'reduce-only': 'REDUCE_ONLY_REJECTED',
  blocked: 'VENUE_REJECTED',
  'min-notional': 'BELOW_MIN_NOTIONAL',
  'min-quantity': 'BELOW_MIN_QUANTITY',
  'max-quantity': 'ABOVE_MAX_QUANTITY',
  precision: 'PRECISION_REJECTED',
  margin: 'INSUFFICIENT_MARGIN',
  symbol: 'SYMBOL_REJECTED',
  price: 'PRICE_REJECTED',
  'would-take': 'WOULD_TAKE',
  busy: 'VENUE_BUSY',
  clock: 'CLOCK_SKEW',
  keys: 'VENUE_REJECTED',
  other: 'VENUE_REJECTED',
  'duplicate-id': null,
} as const satisfies Record<RefusalMeaning, ReasonOf<'REJECTED'> | null>;

/** The reason of a rejection by the venue; null where the rejection leaves open whether the order exists. */
export function rejectionReason(meaning: RefusalMeaning): ReasonOf<'REJECTED'> | null {
  return REJECTIONS[meaning];
}
