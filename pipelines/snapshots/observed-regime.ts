/** What the desk calls the state of a market, as seen in its candles. */
const REGIMES = ['TREND_UP', 'TREND_DOWN', 'RANGE'] as const;
export type Regime = (typeof REGIMES)[number];

/** Whether a word for a regime is one of ours. */
export function isObservedRegime(name: string): name is Regime {
  return REGIMES.some((regime) => regime === name);
}

/** Wilder's rule of thumb ("New Concepts in Technical Trading Systems", 1978): an average directional index above 25 is a trend. */
const TREND_STARTS_AT = 25;
/** A trend in force ends only well below, so that an index around 25 does not flicker. */
const TREND_ENDS_AT = 12;
/** The average must have moved this much over its lag, for a trend to have a direction. Unit: average true ranges. */
const DIRECTION_NEEDS = 0.5;
/** Consecutive candles that must tell of a new regime before it is called so: three quarters of an hour. Unit: candles. */
const CONFIRMED_AFTER = 9;

/**
 * Names the regime from trend strength and the slope of a moving average, with hysteresis twice: different thresholds to enter
 * and to leave a trend, and a number of candles that must agree.
 */
export class ObservedRegime {
  #regime: Regime | null = null;
  #candidate: Regime | null = null;
  #seen = 0;

  /** Null before the first update, which names the regime at once: there is none yet to be loyal to. */
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
      // A pause does not end a trend; a slope against it does.
      const along = this.#regime === 'TREND_UP' ? slope : -slope;
      if (along > -DIRECTION_NEEDS) return this.#regime ?? 'RANGE';
    }
    if (strength < TREND_STARTS_AT || Math.abs(slope) < DIRECTION_NEEDS) return 'RANGE';
    return slope > 0 ? 'TREND_UP' : 'TREND_DOWN';
  }
}
