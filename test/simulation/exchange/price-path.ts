/**
 * The price of one symbol: a random walk over five-minute steps whose drift changes from regime to regime, straight between two steps, with
 * jumps where the world adds them. Candles are those steps.
 *
 * SIM-30  The price depends on the seed, the time and the jumps alone, not on how often or when it is asked for.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Candle } from '../../../ports/market.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { SimulatedMarket } from './simulated-market.ts';

/** The length of a step, and of a candle. Unit: milliseconds. */
export const STEP_MS = 5 * 60_000;

/** Steps before the start: enough for every indicator. */
const HISTORY = 128;

/** Kept at least; at most twice as many. Unit: candles. */
const CANDLES_KEPT = 256;

/** A regime lasts at least and at most that long: an hour to a day and a half. Unit: steps. */
const REGIME_STEPS = [12, 432] as const;

/** The standard deviation of a regime's drift. Unit: standard deviations of a step. */
const DRIFT = 0.12;

/** How strongly the price is pulled home, so that years do not carry it away: about a third off is usual. Unit: share of the logarithm a step. */
const PULL = 2e-5;

/** How far a candle reaches beyond its open and close. Unit: standard deviations of a step. */
const WICK = 0.5;

/** The lowest price. Unit: ticks. */
const LOWEST_TICKS = 100;

export class PricePath {
  readonly #random: RandomStream;
  readonly #market: SimulatedMarket;
  readonly #scale: number;
  readonly #candles: Candle[] = [];
  #drift = 0;
  #regimeLeft = 0;
  /** The straight line from the latest step or jump to the next step. */
  #fromAt: EpochMillis;
  #from: number;
  #toAt: EpochMillis;
  #to = 0;
  /** Of the candle that is not closed yet. */
  #open = 0;
  #high = 0;
  #low = 0;

  constructor(market: SimulatedMarket, random: RandomStream, start: EpochMillis) {
    this.#market = market;
    this.#random = random;
    this.#scale = 10 ** market.priceDecimals;
    this.#toAt = (Math.floor(start / STEP_MS) - HISTORY) * STEP_MS;
    this.#fromAt = this.#toAt;
    this.#from = market.startPrice;
    this.#to = market.startPrice;
    this.#begin();
    this.#advance(start);
  }

  /** Unit: ticks. */
  ticks(now: EpochMillis): number {
    return Math.max(1, Math.round(this.#at(now) * this.#scale));
  }

  /** The latest closed candles, oldest first. */
  candles(now: EpochMillis, count: number): readonly Candle[] {
    this.#advance(now);
    return this.#candles.slice(-Math.min(count, CANDLES_KEPT));
  }

  /** The latest closed candle. */
  latest(now: EpochMillis): Candle | undefined {
    this.#advance(now);
    return this.#candles.at(-1);
  }

  /** The price jumps. Unit: fraction of the price, signed, above -1. */
  jump(now: EpochMillis, fraction: number): void {
    const before = this.#at(now);
    this.#reach(before);
    this.#from = before * (1 + fraction);
    this.#fromAt = now;
    this.#to *= 1 + fraction;
    this.#reach(this.#from);
  }

  /** When the price reaches that many ticks on its way to the next step; null: not before it. */
  crossing(now: EpochMillis, ticks: number): EpochMillis | null {
    const here = this.#at(now);
    const share = (ticks / this.#scale - here) / (this.#to - here);
    return share > 0 && share <= 1 ? Math.ceil(now + share * (this.#toAt - now)) : null;
  }

  #at(now: EpochMillis): number {
    this.#advance(now);
    const share = (now - this.#fromAt) / (this.#toAt - this.#fromAt);
    return this.#from + Math.max(0, share) * (this.#to - this.#from);
  }

  #advance(now: EpochMillis): void {
    while (this.#toAt <= now) {
      this.#close();
      this.#begin();
    }
  }

  #begin(): void {
    const { volatility, startPrice } = this.#market;
    this.#from = this.#to;
    this.#fromAt = this.#toAt;
    this.#toAt += STEP_MS;
    if (this.#regimeLeft === 0) {
      this.#drift = this.#random.normal() * DRIFT;
      this.#regimeLeft = this.#random.integer(...REGIME_STEPS);
    }
    this.#regimeLeft -= 1;
    const move = volatility * (this.#drift + this.#random.normal()) - PULL * Math.log(this.#from / startPrice);
    this.#to = Math.max(this.#from * Math.exp(move), LOWEST_TICKS / this.#scale);
    this.#open = this.#from;
    this.#high = this.#from;
    this.#low = this.#from;
  }

  #close(): void {
    const { volatility } = this.#market;
    this.#reach(this.#to);
    const high = this.#high * (1 + this.#random.uniform() * WICK * volatility);
    const low = this.#low * (1 - this.#random.uniform() * WICK * volatility);
    this.#candles.push({
      closedAt: this.#toAt,
      open: this.#onTick(this.#open),
      high: this.#onTick(high),
      low: this.#onTick(low),
      close: this.#onTick(this.#to),
      volume: this.#random.integer(10, 5000),
    });
    if (this.#candles.length >= 2 * CANDLES_KEPT) this.#candles.splice(0, CANDLES_KEPT);
  }

  #reach(price: number): void {
    this.#high = Math.max(this.#high, price);
    this.#low = Math.min(this.#low, price);
  }

  #onTick(price: number): number {
    return Math.max(1, Math.round(price * this.#scale)) / this.#scale;
  }
}
