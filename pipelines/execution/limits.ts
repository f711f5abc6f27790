/**
 * The limits that bound execution: as data, and as checks of an intent against them. Each check returns why no order may be sent for the
 * intent, or null.
 */
import type { Clock, EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, MarketEnding } from '../../ports/exchange.ts';
import type { ClientOrderId, HarvestIntent } from '../../schemas/generated/records.ts';
import { AHEAD_MS, knownSince } from '../../schemas/time-bound.ts';
import { DEFAULT_TERMS, type OrderTerms } from './order-plan.ts';
import type { Suppression } from './reasons.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export interface ExecutionLimits {
  /** An intent whose position was observed longer ago is not acted on. Unit: milliseconds. */
  readonly maxIntentAgeMs: number;
  /** The least time between the observations that two partial closes of one position rest on. Unit: milliseconds. */
  readonly cooldownMs: number;
  /** The waits between look-ups of an order in doubt; after the last one the order ends UNKNOWN. Unit: milliseconds. */
  readonly lookUpWaitsMs: readonly number[];
  /**
   * The most that one order may be worth at the venue's mark price: a larger one is cut, and later intents take the rest. Null: no bound. Unit:
   * quote currency.
   */
  readonly maxOrderNotional: number | null;
  /** The most by which the venue's mark price may differ from the snapshot's, either way. Unit: ratio of the two. */
  readonly maxMarkRatio: number;
  /** The most orders announced in any minute, by all partitions of the process. Null: no bound. */
  readonly maxClosesPerMinute: number | null;
  /**
   * How long a position waits for its next order after the venue refused one: doubled with each further refusal in a row, up to
   * `longestRefusedWaitMs`. Unit: milliseconds.
   */
  readonly refusedWaitMs: number;
  readonly longestRefusedWaitMs: number;
  /**
   * How many pairs of account and symbol are worked at the same time, by all partitions of the process. With more, questions use up the
   * venue's request allowance, and orders wait in its queue.
   */
  readonly maxAtOnce: number;
  /** The only markets in which orders are sent. Null: all. */
  readonly symbols: ReadonlySet<string> | null;
  readonly order: OrderTerms;
  /** True: orders that still rest for a position after it was closed are left and reported. False: they are cancelled. */
  readonly leaveResting: boolean;
  /** True: intents that name another venue are suppressed. False: all are worked, as the paper venue stands in for other venues. */
  readonly ownVenueOnly: boolean;
}

export const DEFAULT_LIMITS: ExecutionLimits = {
  // A backlog of an hour must not trade at prices of an hour ago; a few missed snapshot cycles do no harm.
  maxIntentAgeMs: 5 * MINUTE_MS,
  // A policy recommends the same fraction until prices move: without a pause 75 % a cycle is a full close.
  cooldownMs: 30 * MINUTE_MS,
  // About 10 s, twice Binance's default recvWindow: older requests are refused there, so an order that is absent by then never
  // arrives. The first waits match the usual time of a fill.
  lookUpWaitsMs: [50, 100, 200, 400, 800, 1600, 2000, 2000, 2850],
  // Within the five minutes that an intent may be old, a market that halves or doubles has a newer snapshot; a price of another
  // scale, currency or contract is off by far more.
  maxMarkRatio: 2,
  // A desk sets these bounds itself; without one, orders that only reduce risk are not bounded.
  maxOrderNotional: null,
  maxClosesPerMinute: null,
  // A refusal that passes by itself (rules that changed) costs one cycle at most; one that lasts costs four orders an hour.
  refusedWaitMs: 5 * SECOND_MS,
  longestRefusedWaitMs: 15 * MINUTE_MS,
  // The paper venue has no request allowance: this many keep the 0.2 s of an order from bounding how fast a backlog is worked.
  maxAtOnce: 64,
  symbols: null,
  order: DEFAULT_TERMS,
  // A stop that outlives its position closes the next one, or is taken for that one's stop.
  leaveResting: false,
  ownVenueOnly: false,
};

/** An intent for another venue, or for a market that is not on the list. */
export function outOfBounds(intent: HarvestIntent, venue: string, limits: ExecutionLimits): Suppression | null {
  const { ownVenueOnly, symbols } = limits;
  if (ownVenueOnly && intent.venue !== venue) {
    const detail = `of ${intent.account} at ${intent.venue}; it is worked at ${venue}`;
    return { reason: 'OTHER_ACCOUNT', detail };
  }
  if (symbols !== null && !symbols.has(intent.symbol)) {
    return { reason: 'SYMBOL_NOT_ALLOWED', detail: `${intent.symbol} is not among ${[...symbols].join(', ')}` };
  }
  return null;
}

/**
 * An intent that is too old to say anything about now. Its age counts from the earlier of the observation and the record's timestamp; an
 * observation dated ahead of the clock has no known age.
 */
export function staleness(
  { observed_at: observedAt }: HarvestIntent,
  timestamp: EpochMillis,
  now: EpochMillis,
  { maxIntentAgeMs }: ExecutionLimits,
): Suppression | null {
  if (observedAt > now + AHEAD_MS) {
    return {
      reason: 'STALE_INTENT',
      detail: `observed ${observedAt - now} ms ahead of the clock: its age is not known`,
    };
  }
  const age = now - knownSince(observedAt, timestamp);
  if (age <= maxIntentAgeMs) return null;
  return { reason: 'STALE_INTENT', detail: `observed ${age} ms ago, at most ${maxIntentAgeMs} ms are allowed` };
}

/**
 * A partial close too soon after the last one. Measured between observations rather than by the clock, so that a replay or a restart decides
 * the same. `lastPartial` is the observed_at of the position's latest partial close that was filled or may have been; null: there is none.
 * One that lies ahead of the clock was written before such times were refused, and is ignored: it would bar every partial close until then.
 */
export function cooldown(
  intent: HarvestIntent,
  timestamp: EpochMillis,
  lastPartial: EpochMillis | null,
  now: EpochMillis,
  limits: ExecutionLimits,
): Suppression | null {
  if (intent.action === 'CLOSE' || lastPartial === null || lastPartial > now + AHEAD_MS) return null;
  const since = knownSince(intent.observed_at, timestamp) - lastPartial;
  if (since >= limits.cooldownMs) return null;
  return {
    reason: 'COOLDOWN',
    detail: `observed ${since} ms after the last partial close, at least ${limits.cooldownMs} ms are asked for`,
  };
}

/** The observation time from which on `cooldown` lets a partial close pass again. */
export function cooldownEnd(
  lastPartial: EpochMillis,
  { cooldownMs }: Pick<ExecutionLimits, 'cooldownMs'>,
): EpochMillis {
  return lastPartial + cooldownMs;
}

/** Consecutive orders of a position that the venue refused. */
export interface Refusals {
  readonly count: number;
  /** When the latest was reported. */
  readonly latestAt: EpochMillis;
}

/** A position whose last orders the venue refused, too short a time ago: most refusals last until somebody changes something. */
export function refusedRecently(
  refusals: Refusals | null,
  now: EpochMillis,
  { refusedWaitMs, longestRefusedWaitMs }: ExecutionLimits,
): Suppression | null {
  if (refusals === null) return null;
  const wait = Math.min(longestRefusedWaitMs, refusedWaitMs * 2 ** (refusals.count - 1));
  const since = now - refusals.latestAt;
  // A clock that was set back must not make the wait longer.
  if (since >= wait || since < 0) return null;
  const orders = refusals.count === 1 ? 'the last order' : `the last ${refusals.count} orders`;
  return {
    reason: 'REFUSED_RECENTLY',
    detail: `the venue refused ${orders}, ${since} ms ago; the next waits ${wait} ms`,
  };
}

/**
 * No order is announced this shortly before a contract is delivered or delisted: an order that the venue is slow with is looked up for a
 * minute, and venues stop matching some minutes before the announced time. The settlement itself closes what is still open. Unit:
 * milliseconds.
 */
const LAST_MINUTES_MS = 5 * MINUTE_MS;

/** A contract that takes no orders, or is about to settle. `ending` is undefined where the venue announces no end. */
export function settlesNow(ending: MarketEnding | undefined, now: EpochMillis): Suppression | null {
  if (ending === undefined) return null;
  const { settlesAt, takesOrders, status } = ending;
  if (!takesOrders) {
    return { reason: 'SETTLES_NOW', detail: `the market takes no orders${status === null ? '' : `: it is ${status}`}` };
  }
  if (settlesAt === null || settlesAt - now > LAST_MINUTES_MS) return null;
  const left = settlesAt - now;
  const when = left > 0 ? `in ${left} ms` : `${-left} ms ago`;
  return { reason: 'SETTLES_NOW', detail: `settles ${when}: no order is sent in the last ${LAST_MINUTES_MS} ms` };
}

/**
 * The venue's mark price is far from the one in the intent's snapshot: the decision rests on another price than the position has (another
 * scale, another contract, a feed that stood still).
 */
export function markDiffers(
  { mark_price: snapshots, symbol }: HarvestIntent,
  venues: DecimalText,
  { maxMarkRatio }: ExecutionLimits,
): Suppression | null {
  const ratio = new Exact(venues).div(snapshots);
  if (ratio.lte(maxMarkRatio) && ratio.gte(new Exact(1).div(maxMarkRatio))) return null;
  return {
    reason: 'MARK_PRICE_DIFFERS',
    detail: `the snapshot has ${symbol} at ${snapshots}, the venue at ${venues}: more than ${maxMarkRatio} times apart`,
  };
}

/**
 * The orders announced in the last minute by all partitions of a process, which `maxClosesPerMinute` bounds. An order counts once, however
 * often it is added: a restart reads it back from the reports. Other processes with the same keys count their own.
 */
export class CloseRate {
  readonly #clock: Clock;
  readonly #announced = new Map<ClientOrderId, EpochMillis>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announced(clientOrderId: ClientOrderId, at: EpochMillis): void {
    if (this.isRecent(at)) this.#announced.set(clientOrderId, at);
  }

  /** The venue took nothing of the order: another may go in its place. */
  withdrawn(clientOrderId: ClientOrderId): void {
    this.#announced.delete(clientOrderId);
  }

  /** Whether an order announced at that time still counts. */
  isRecent(at: EpochMillis): boolean {
    return at > this.#clock.now() - MINUTE_MS;
  }

  /** How many orders other than this one were announced in the last minute. */
  others(clientOrderId: ClientOrderId): number {
    const since = this.#clock.now() - MINUTE_MS;
    for (const [announced, at] of this.#announced) if (at <= since) this.#announced.delete(announced);
    return this.#announced.size - (this.#announced.has(clientOrderId) ? 1 : 0);
  }
}
