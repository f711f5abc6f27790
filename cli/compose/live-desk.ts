import { ProcessLock } from '../../connectors/embedded/process-lock.ts';
import { originOf } from '../../connectors/system/market-origin.ts';
import { accountsOf } from '../../pipelines/snapshots/simulated/desk-feed.ts';
import type { Market } from '../../ports/market.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { PositionBook } from '../../ports/position-book.ts';
import type { Random } from '../../ports/random.ts';
import type { DeskNames } from '../../schemas/desk-names.ts';
import { liveMarket } from '../../pipelines/snapshots/simulated/live-market.ts';
import type { Source } from '../../pipelines/runtime/source.ts';
import type { SourceParts } from './run.ts';
import { snapshotSource } from '../../pipelines/snapshots/simulated/snapshot-source.ts';

export interface LiveDeskOptions {
  readonly market: Market;
  readonly seed: number;
  /** Real time between two candles; the market's own where undefined. Unit: milliseconds. */
  readonly interval: number | undefined;
  readonly dataDir: string;
  readonly names: DeskNames;
  readonly book: PositionBook;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LiveDesk {
  readonly source: (parts: SourceParts) => Source;
  /** Those that it observes. */
  readonly accounts: readonly string[];
  release(): void;
}

/**
 * A desk of its own for each market, seed and interval, with accounts of its own. One process at a time speaks for it:
 * throws DATA_IN_USE while another does.
 */
export function openLiveDesk({ market, seed, interval, dataDir, names, ...parts }: LiveDeskOptions): LiveDesk {
  const intervalMs = interval ?? market.intervalMs;
  const desk = `live-${market.source}-${seed}-${intervalMs}ms`;
  const lock = ProcessLock.tryAcquire(dataDir, names.local(desk));
  if (lock === null) {
    throw new HarvestlineError('DATA_IN_USE', `another process speaks for ${desk}`, { at: { file: dataDir } });
  }
  const live = liveMarket(market, originOf(dataDir, names.local(desk), parts.clock.now()), intervalMs);
  return {
    accounts: accountsOf(desk, market.symbols),
    source: (given) => snapshotSource({ ...given, ...parts, desk, market: live }),
    release: () => lock.release(),
  };
}
