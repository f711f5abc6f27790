/** Indicators and the regime of a market, computed from its five-minute candles; and those of one symbol at a venue, kept up to date. */
import { ADX, ATR, EMA } from 'trading-signals';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Candle } from '../../ports/market.ts';
import type { Venue } from '../../ports/venue.ts';

/** Wilder's own choice for the average true range and the average directional index. Unit: candles. */
const WILDER_PERIOD = 14;
/** The volatility gradient is defined by the schema against the average true range of ten candles ago. Unit: candles. */
const GRADIENT_LAG = 10;
/** The moving average follows trends of a few hours. Unit: candles of five minutes. */
const AVERAGE_PERIOD = 26;
/** The slope of the moving average is taken over an hour: shorter slopes are mostly noise. Unit: candles of five minutes. */
const SLOPE_LAG = 12;

/** The indicators of one symbol. Each is null until there is enough history for it. */
export class Indicators {
  readonly #range = new ATR(WILDER_PERIOD);
  #strength = new ADX(WILDER_PERIOD);
  readonly #average = new EMA(AVERAGE_PERIOD);
  readonly #ranges = new Lagged(GRADIENT_LAG);
  readonly #averages = new Lagged(SLOPE_LAG);
  readonly #regime = new ObservedRegime();
  #averageTrueRange: number | null = null;
  #volatilityGradient: number | null = null;
  #momentum: number | null = null;

  /** Wilder's average true range over 14 candles. Unit: quote currency per contract. */
  get averageTrueRange(): number | null {
    return this.#averageTrueRange;
  }

  /** The average true range over the one ten candles ago, less 1: 0.1 is 10 % wider. Unit: ratio, signed. */
  get volatilityGradient(): number | null {
    return this.#volatilityGradient;
  }

  /** How far the moving average moved in the last twelve candles. Unit: average true ranges, signed. */
  get momentum(): number | null {
    return this.#momentum;
  }

  get regime(): Regime | null {
    return this.#regime.value;
  }

  update(candle: Candle): void {
    const range = this.#range.add(candle);
    const strength = this.#strength.add(candle);
    const average = this.#average.add(candle.close);
    // After a whole period without movement the index is 0/0, and its smoothing would keep NaN for ever.
    if (Number.isNaN(strength)) this.#strength = new ADX(WILDER_PERIOD);
    this.#averageTrueRange = range === null || range === 0 ? null : range;
    const earlierRange = range === null ? null : this.#ranges.push(range);
    this.#volatilityGradient = range === null || !earlierRange ? null : range / earlierRange - 1;
    const earlierAverage = average === null ? null : this.#averages.push(average);
    this.#momentum =
      this.#averageTrueRange === null || average === null || earlierAverage === null
        ? null
        : (average - earlierAverage) / this.#averageTrueRange;
    if (strength !== null && !Number.isNaN(strength) && this.#momentum !== null)
      this.#regime.update(strength, this.#momentum);
  }
}

/** A ring buffer: `push` returns the value pushed `lag` pushes earlier, or null until there is one. */
class Lagged {
  readonly #ring: Float64Array;
  #pushes = 0;

  constructor(lag: number) {
    this.#ring = new Float64Array(lag);
  }

  push(value: number): number | null {
    const slot = this.#pushes % this.#ring.length;
    const earlier = this.#pushes < this.#ring.length ? null : (this.#ring[slot] ?? null);
    this.#ring[slot] = value;
    this.#pushes++;
    return earlier;
  }
}

/** The regimes that are read from candles. */
const REGIMES = ['TREND_UP', 'TREND_DOWN', 'RANGE'] as const;
export type Regime = (typeof REGIMES)[number];

/** True for a regime read from candles; false for a name that the desk's models chose. */
export function isObservedRegime(name: string): name is Regime {
  return REGIMES.some((regime) => regime === name);
}

/** A trend begins at this average directional index: Wilder's rule of thumb ("New Concepts in Technical Trading Systems", 1978). */
const TREND_STARTS_AT = 25;
/** A trend ends only this far below, so that the regime does not flicker while the index is around 25. */
const TREND_ENDS_AT = 12;
/** A trend has a direction once the moving average has moved this much over its lag. Unit: average true ranges. */
const DIRECTION_NEEDS = 0.5;
/** A new regime is named once this many consecutive candles show it: three quarters of an hour. Unit: candles. */
const CONFIRMED_AFTER = 9;

/**
 * The regime, from trend strength and the slope of a moving average. Two kinds of hysteresis keep it stable: a trend begins and ends at different
 * thresholds, and several candles must agree.
 */
export class ObservedRegime {
  #regime: Regime | null = null;
  #candidate: Regime | null = null;
  #seen = 0;

  /** Null before the first update. The first one names the regime at once, since there is no earlier one to keep. */
  get value(): Regime | null {
    return this.#regime;
  }

  /** `strength`: average directional index, 0 to 100. `slope`: move of the average over its lag, in average true ranges. */
  update(strength: number, slope: number): void {
    const candidate = this.#read(strength, slope);
    if (candidate === this.#regime) {
      this.#seen = 0;
      return;
    }
    this.#seen = candidate === this.#candidate ? this.#seen + 1 : 1;
    this.#candidate = candidate;
    if (this.#regime !== null && this.#seen < CONFIRMED_AFTER) return;
    this.#regime = candidate;
    this.#seen = 0;
  }

  #read(strength: number, slope: number): Regime {
    const inTrend = this.#regime === 'TREND_UP' || this.#regime === 'TREND_DOWN';
    if (inTrend && strength >= TREND_ENDS_AT) {
      // A flat slope does not end a trend; a slope against it does.
      const along = this.#regime === 'TREND_UP' ? slope : -slope;
      if (along > -DIRECTION_NEEDS) return this.#regime ?? 'RANGE';
    }
    if (strength < TREND_STARTS_AT || Math.abs(slope) < DIRECTION_NEEDS) return 'RANGE';
    return slope > 0 ? 'TREND_UP' : 'TREND_DOWN';
  }
}

const CANDLE_MS = 5 * 60 * 1000;

/**
 * How many candles are read first. The slowest indicators need some forty: the slope of a 26-candle average over 12, and Wilder's smoothing.
 * With three times as many the start of the series no longer matters. Unit: candles.
 */
const HISTORY = 120;

/** Indicators older than this are unknown. One missing candle is tolerated: a venue may publish a closed candle a little late. Unit: milliseconds. */
const STALE_AFTER_MS = 2 * CANDLE_MS;

/** The indicators of one symbol at a venue. Candles are read only when another one has closed. */
export class SymbolMarket {
  readonly #symbol: string;
  readonly #venue: Venue;
  #indicators = new Indicators();
  #lastClosedAt: EpochMillis = 0;

  constructor(symbol: string, venue: Venue) {
    this.#symbol = symbol;
    this.#venue = venue;
  }

  /** Brings the indicators up to `now`. Throws EXCHANGE_AWAY, and keeps what was known before. */
  async update(now: EpochMillis): Promise<void> {
    if (now < this.#lastClosedAt + CANDLE_MS) return;
    const closedSince = Math.floor((now - this.#lastClosedAt) / CANDLE_MS);
    const resumed = closedSince < HISTORY;
    // One more than has closed, which shows whether the series has a gap.
    const candles = await this.#venue.candles(this.#symbol, resumed ? closedSince + 1 : HISTORY);
    const first = candles[0];
    if (first === undefined) return;
    if (this.#lastClosedAt > 0 && first.closedAt > this.#lastClosedAt + CANDLE_MS) {
      // A gap is not filled: the history is read anew.
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
