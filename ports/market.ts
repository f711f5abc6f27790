import type { EpochMillis } from './clock.ts';

/** One closed candle of one symbol. Prices in quote currency per contract, positive; times are the candle's end. */
export interface Candle {
  readonly closedAt: EpochMillis;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** One symbol's candle that closed in a cycle. */
export interface MarketTick {
  readonly symbol: string;
  readonly candle: Candle;
  /**
   * The hidden drift of the price, which models see through noise. Null where nobody knows it, as with recorded candles.
   * Unit: standard deviations of one candle's return, signed.
   */
  readonly drift: number | null;
}

export interface MarketCycle {
  readonly now: EpochMillis;
  /** A symbol without a candle at `now` is absent: nothing is invented for it. */
  readonly ticks: readonly MarketTick[];
}

/** Candles of several symbols on one timeline. The same market gives the same cycle whenever it is asked. */
export interface Market {
  readonly source: 'simulated' | 'candles';
  readonly symbols: readonly string[];
  /** Length of the shortest candle. Unit: milliseconds. */
  readonly intervalMs: number;
  /** Cycles -WARM_UP_CYCLES to -1 are history for the indicators; 0 is the first to act on. Undefined once the data ends. Cheapest in ascending order. */
  cycle(index: number): MarketCycle | undefined;
  /** First cycle, from 0, whose time is after `time`. */
  cycleAfter(time: EpochMillis): number;
}

/**
 * Enough for the slowest indicator (the average directional index over 14 candles has a value after 27), with some to spare. Unit: cycles.
 */
export const WARM_UP_CYCLES = 48;
