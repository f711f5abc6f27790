import type { EpochMillis } from '../../ports/clock.ts';
import type { Venue } from '../../ports/venue.ts';
import { Indicators } from './indicators.ts';

const CANDLE_MS = 5 * 60 * 1000;

/**
 * Candles to begin with: the slowest indicator, the slope of a 26-candle average over 12, and Wilder's smoothing need some
 * forty; with three times as many the start of the series is forgotten. Unit: candles.
 */
const HISTORY = 120;

/** A venue may be a little late with a closed candle: with one missing the indicators still tell of now. Unit: milliseconds. */
const STALE_AFTER_MS = 2 * CANDLE_MS;

/** What the five-minute candles of one symbol tell, fetched only when another one has closed. */
export class SymbolMarket {
  readonly #symbol: string;
  readonly #venue: Venue;
  #indicators = new Indicators();
  #lastClosedAt: EpochMillis = 0;

  constructor(symbol: string, venue: Venue) {
    this.#symbol = symbol;
    this.#venue = venue;
  }

  /** Brings the indicators up to `now`. Throws EXCHANGE_AWAY; what was known before is kept. */
  async update(now: EpochMillis): Promise<void> {
    if (now < this.#lastClosedAt + CANDLE_MS) return;
    const closedSince = Math.floor((now - this.#lastClosedAt) / CANDLE_MS);
    const resumed = closedSince < HISTORY;
    // One more than has closed shows that the series goes on without a gap.
    const candles = await this.#venue.candles(this.#symbol, resumed ? closedSince + 1 : HISTORY);
    const first = candles[0];
    if (first === undefined) return;
    if (this.#lastClosedAt > 0 && first.closedAt > this.#lastClosedAt + CANDLE_MS) {
      // A gap: nothing is made up for it, the history is read anew.
      this.#indicators = new Indicators();
      this.#lastClosedAt = 0;
      return this.update(now);
    }
    for (const candle of candles) {
      if (candle.closedAt <= this.#lastClosedAt) continue;
      this.#indicators.update(candle);
      this.#lastClosedAt = candle.closedAt;
    }
  }

  /** Null: too little history, or too old. */
  volatilityGradient(now: EpochMillis): number | null {
    return this.#stale(now) ? null : this.#indicators.volatilityGradient;
  }

  /** Null: too little history, or too old. */
  regime(now: EpochMillis): string | null {
    return this.#stale(now) ? null : this.#indicators.regime;
  }

  #stale(now: EpochMillis): boolean {
    return now - this.#lastClosedAt > STALE_AFTER_MS;
  }
}
