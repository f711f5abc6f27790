import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Market, MarketCycle } from '../../ports/market.ts';
import { diskError } from '../../connectors/system/disk-errors.ts';
import { makeDataFolder } from '../../connectors/system/data-folder.ts';
import { HarvestlineError, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';

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

const ORIGIN_FILE = z.object({ origin: z.int().positive() });

/**
 * When the desk's market began: `now` at its first start, and the same ever after, so that a restart goes on where the prices
 * would be by now. Kept in the data folder. Throws LOG_UNREADABLE for a file that is not ours.
 */
export function originOf(dataDir: string, desk: string, now: EpochMillis): EpochMillis {
  const file = join(dataDir, `${desk}.json`);
  makeDataFolder(dataDir);
  try {
    writeFileSync(file, JSON.stringify({ origin: now }), { flag: 'wx', mode: 0o600 });
    return now;
  } catch (thrown) {
    const isThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
    if (!isThere) throw diskError(file, thrown);
  }
  try {
    return ORIGIN_FILE.parse(JSON.parse(readFileSync(file, 'utf8'))).origin;
  } catch (cause) {
    throw new HarvestlineError('LOG_UNREADABLE', `holds no start of a market: ${messageOf(cause)}`, {
      at: { file },
      cause,
    });
  }
}
