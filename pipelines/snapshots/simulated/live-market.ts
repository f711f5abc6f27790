import type { Market, MarketCycle } from '../../../ports/market.ts';
import type { EpochMillis } from '../../../ports/clock.ts';

/** A market on the wall clock. */
export interface LiveMarket extends Market {
  /** When that cycle's candles close, also where the market has ended by then. */
  closesAt(cycle: number): EpochMillis;
}

/**
 * A market whose candles close now instead of when they were recorded or simulated: cycle n at `origin + n * intervalMs`.
 * Prices are the market's; with a shorter interval they move faster, and every time that a record carries is real.
 */
export function liveMarket(market: Market, origin: EpochMillis, intervalMs: number): LiveMarket {
  const closesAt = (cycle: number): EpochMillis => origin + cycle * intervalMs;
  return {
    source: market.source,
    symbols: market.symbols,
    intervalMs,
    cycle: (index): MarketCycle | undefined => {
      const cycle = market.cycle(index);
      if (cycle === undefined) return undefined;
      const now = closesAt(index);
      return { now, ticks: cycle.ticks.map((tick) => ({ ...tick, candle: { ...tick.candle, closedAt: now } })) };
    },
    closesAt,
    cycleAfter: (time) => Math.max(0, Math.floor((time - origin) / intervalMs) + 1),
  };
}
