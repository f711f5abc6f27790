import type { EpochMillis } from '../../ports/clock.ts';
import type { Exact } from '../../ports/exact-decimal.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
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

/** An order that is worth more than a desk allows. `rounded` in contracts. */
export function aboveMaximum(rounded: Exact, intent: HarvestIntent, limits: ExecutionLimits): Suppression | null {
  const { maxOrderNotional } = limits;
  const notional = rounded.mul(intent.mark_price);
  if (maxOrderNotional === null || notional.lte(maxOrderNotional)) return null;
  const detail = `${rounded.toFixed()} at ${intent.mark_price} are worth ${notional.toFixed()}, at most ${maxOrderNotional} are allowed`;
  return { reason: 'ABOVE_MAX_NOTIONAL', detail };
}

/** An intent that is too old says nothing about now, so it is not even worth asking the venue. */
export function staleness(intent: HarvestIntent, now: EpochMillis, limits: ExecutionLimits): Suppression | null {
  const age = now - intent.observed_at;
  if (age <= limits.maxIntentAgeMs) return null;
  return { reason: 'STALE_INTENT', detail: `observed ${age} ms ago, at most ${limits.maxIntentAgeMs} ms are allowed` };
}

/**
 * Measured between observations, not by the clock, so that a replay or a restart decides the same. `lastPartial` is the
 * observed_at of the latest partial close of the position that was filled or may have been; null when there is none.
 */
export function cooldown(
  intent: HarvestIntent,
  lastPartial: EpochMillis | null,
  limits: ExecutionLimits,
): Suppression | null {
  if (intent.action === 'CLOSE' || lastPartial === null) return null;
  const since = intent.observed_at - lastPartial;
  if (since >= limits.cooldownMs) return null;
  return {
    reason: 'COOLDOWN',
    detail: `observed ${since} ms after the last partial close, at least ${limits.cooldownMs} ms are asked for`,
  };
}
