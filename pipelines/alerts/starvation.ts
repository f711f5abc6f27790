import type { EpochMillis } from '../../schemas/generated/records.ts';
import { type Alert, tradesStarvedAlert } from './alerts.ts';

/**
 * Counts the intents that came after the last live trade, in constant memory. Times are record timestamps, in any order.
 *
 * Told all trades before the intents, it is exact. Told them as they come, a trade drops the intents counted before it
 * even where a few of them are newer: the alert then comes later by as many intents, never earlier.
 */
export class IntentsSinceTrade {
  #lastTradeAt: EpochMillis | null = null;
  #intents = 0;
  #firstIntentAt: EpochMillis | null = null;
  #latestIntentAt: EpochMillis | null = null;

  /** The last trade so far; null when there never was one. */
  get lastTradeAt(): EpochMillis | null {
    return this.#lastTradeAt;
  }

  /** A trade that was closed live. An imported one must not be told here: it does not show that trades come. */
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

  alert(): Alert | null {
    return tradesStarvedAlert({
      lastTradeAt: this.#lastTradeAt,
      intents: this.#intents,
      firstIntentAt: this.#firstIntentAt,
      latestIntentAt: this.#latestIntentAt,
    });
  }
}
