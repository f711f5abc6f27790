import { ADX, ATR, EMA } from 'trading-signals';
import type { Candle } from '../../ports/market.ts';
import { ObservedRegime, type Regime } from './observed-regime.ts';

/** Wilder's own choice for both of his indexes. Unit: candles. */
const WILDER_PERIOD = 14;
/** The schema's definition of the gradient: against the range of ten candles ago. Unit: candles. */
const GRADIENT_LAG = 10;
/** An average that follows trends of a few hours. Unit: candles of five minutes. */
const AVERAGE_PERIOD = 26;
/** An hour: shorter slopes are mostly noise. Unit: candles of five minutes. */
const SLOPE_LAG = 12;

/** What the candles of one symbol tell. Everything is null until there is enough history for it. */
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

  /** How far the moving average went in the last twelve candles. Unit: average true ranges, signed. */
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
    // Without any movement for a whole period the index is 0/0, and its smoothing would carry that along for ever.
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

/** A ring that gives back the value pushed `lag` pushes earlier; null until there is one. */
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
