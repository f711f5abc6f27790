/** `trades_starved`: intents keep coming, and no trade does. */
import { formatEventTime } from '../../render/event-time.ts';
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Alert, tailFrom } from './alerts.ts';

/** A single suppressed or refused intent is ordinary; twenty in a row without one trade are not. Unit: intents. */
export const STARVED_INTENTS = 20;

const HOUR_MS = 60 * 60 * 1000;

/** Longer than any cooldown, stale or look-up window, and far below the 40 hours that once went unseen. Unit: milliseconds. */
export const STARVED_SPAN_MS = 6 * HOUR_MS;

/**
 * Counts the intents after the last live trade, in constant memory. Times are record timestamps, in any order.
 *
 * With all trades before the intents it is exact. With both as they come, a trade drops the intents counted before it even where a few of
 * them are newer: the alert then comes later by as many intents, never earlier.
 */
export class IntentsSinceTrade {
  #lastTradeAt: EpochMillis | null = null;
  #intents = 0;
  #firstIntentAt: EpochMillis | null = null;
  #latestIntentAt: EpochMillis | null = null;

  /** The last trade so far; null before any. */
  get lastTradeAt(): EpochMillis | null {
    return this.#lastTradeAt;
  }

  /** A live trade. An imported one must be left out: it does not show that trades come. */
  trade(at: EpochMillis): void {
    if (this.#lastTradeAt !== null && at <= this.#lastTradeAt) return;
    this.#lastTradeAt = at;
    this.#intents = 0;
    this.#firstIntentAt = null;
    this.#latestIntentAt = null;
  }

  intent(at: EpochMillis): void {
    if (this.#lastTradeAt !== null && at <= this.#lastTradeAt) return;
    this.#intents += 1;
    this.#firstIntentAt = Math.min(this.#firstIntentAt ?? at, at);
    this.#latestIntentAt = Math.max(this.#latestIntentAt ?? at, at);
  }

  /** Raised by STARVED_INTENTS over STARVED_SPAN_MS, counted from the last trade, or from the first intent where there was none. */
  alert(): Alert | null {
    const since = this.#lastTradeAt ?? this.#firstIntentAt;
    const latest = this.#latestIntentAt;
    if (since === null || latest === null || this.#intents < STARVED_INTENTS) return null;
    if (latest - since < STARVED_SPAN_MS) return null;
    const hours = ((latest - since) / HOUR_MS).toFixed(1);
    const trades =
      this.#lastTradeAt === null ? 'no trade ever closed' : `the last trade closed at ${formatEventTime(since)}`;
    return {
      name: 'trades_starved',
      since,
      evidence: `${this.#intents} intents in ${hours} h up to ${formatEventTime(latest)}, but ${trades}.`,
      next: tailFrom(TOPICS.executionReport.name, since),
    };
  }
}
