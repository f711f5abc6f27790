import type { EpochMillis } from '../../ports/clock.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import type { ExecutionLimits } from './limits.ts';
import type { ReasonOf } from './reasons.ts';

/** Why no order is sent, and the figures in words. */
export interface Suppression {
  readonly reason: ReasonOf<'SUPPRESSED'>;
  readonly detail: string | null;
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
