import type { EpochMillis } from '../../ports/clock.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import { AHEAD_MS, knownSince } from '../../schemas/time-bound.ts';
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
