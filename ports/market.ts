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
