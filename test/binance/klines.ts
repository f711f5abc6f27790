import type { Random } from '../../ports/random.ts';

/** Intervals that the server knows. Unit: milliseconds. */
const INTERVALS_MS: Readonly<Record<string, number>> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
};

/** How far a candle goes at most. Unit: fraction of price. */
const SWING = 0.004;

export type Kline = readonly (number | string)[];

/**
 * Made-up candles around a price, the same for the same seed, symbol and time. The newest is still forming, as Binance gives it.
 * Undefined for an interval that the server does not know.
 */
export function klines(
  random: Random,
  symbol: string,
  interval: string,
  price: number,
  now: number,
  limit: number,
): readonly Kline[] | undefined {
  const length = INTERVALS_MS[interval];
  if (length === undefined) return undefined;
  const last = Math.floor(now / length);
  const closeOf = (index: number): number =>
    price * (1 + SWING * (random.stream(symbol, interval, index).uniform() - 0.5));
  return Array.from({ length: limit }, (_, back): Kline => {
    const index = last - (limit - 1 - back);
    const [open, close] = [closeOf(index - 1), closeOf(index)];
    const [high, low] = [Math.max(open, close) * (1 + SWING / 8), Math.min(open, close) * (1 - SWING / 8)];
    const texts = [open, high, low, close].map((value) => value.toPrecision(8));
    return [index * length, ...texts, '1000', (index + 1) * length - 1, '1000', 10, '500', '500', '0'];
  });
}
