import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText } from '../../ports/exchange.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import { AHEAD_MS, knownSince } from '../../schemas/time-bound.ts';
import type { Refusals } from './ledger.ts';
import type { ExecutionLimits } from './limits.ts';
import type { ReasonOf } from './reasons.ts';

/** Why no order is sent, and the figures in words. */
export interface Suppression {
  readonly reason: ReasonOf<'SUPPRESSED'>;
  readonly detail: string | null;
}

/** An intent that this execution must not act on, whatever it says. */
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
 * An intent that is too old says nothing about now, so it is not even worth asking the venue. It is as old as the earlier of its two
 * times says, that of the observation and the record's own; one that is dated ahead of the clock has no age at all.
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
 * Measured between observations, not by the clock, so that a replay or a restart decides the same. `lastPartial` is the
 * observed_at of the latest partial close of the position that was filled or may have been; null when there is none. One that lies
 * ahead of the clock does not count: it was written before that was refused, and would bar every partial close until then.
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

/** A venue that has refused the last orders of a position is left alone for a while: most refusals last until somebody changes something. */
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
 * The venue's own mark price against that of the snapshot which an intent rests on. Where the two are far apart the decision rests on another
 * price than the position has (another scale, another contract, a feed that stood still): nothing is sent for it.
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
