import type { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { PaperMirror } from '../../connectors/exchange/paper/live-paper.ts';
import { ProcessLock } from '../../connectors/embedded/process-lock.ts';
import { loadCandleMarket } from '../../connectors/market/candle-market.ts';
import type { Market } from '../../ports/market.ts';
import { simulatedMarket } from '../../pipelines/snapshots/simulated/simulated-market.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { didYouMean } from '../../errors/nearest.ts';
import { MAIN_ACCOUNT } from '../../pipelines/desk/claims.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Exchange } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { DeskNames } from '../../schemas/desk-names.ts';
import { type OpenedExchange, openExchange, openLivePaper } from './open-exchange.ts';
import { exchangeSource } from '../../pipelines/snapshots/exchange-source.ts';
import type { VenueChoice, VenueCliOptions } from '../options/venue-options.ts';
import { originOf } from '../../connectors/system/data-folder.ts';
import { accountsOf } from '../../pipelines/snapshots/simulated/desk-feed.ts';
import type { PositionBook } from '../../ports/position-book.ts';
import { liveMarket, snapshotSource } from '../../pipelines/snapshots/simulated/snapshot-source.ts';
import type { Source } from '../../pipelines/runtime/processor.ts';
import type { SourceParts } from './run.ts';

/** The options that say what a simulated or recorded market is. */
interface MarketCliOptions {
  readonly data: string;
  readonly candles?: readonly string[];
  readonly seed: number;
  readonly interval?: number;
}

export interface VenueParts {
  readonly choice: VenueChoice;
  readonly cli: VenueCliOptions & MarketCliOptions;
  readonly names: DeskNames;
  readonly paper: PaperExchange;
  readonly random: Random;
  readonly machine: Clock;
  readonly logger: Logger;
  /** Whether this process writes snapshots. */
  readonly observes: boolean;
}

export interface OpenedVenue {
  /** The venue's time. */
  readonly clock: Clock;
  readonly connect: () => Promise<Exchange>;
  /** Registers its metrics. */
  readonly measure: (metrics: Metrics) => void;
  /** The source of snapshots; null where this process writes none. */
  readonly desk: LiveDesk | null;
}

/** Opens the chosen venue. Throws USAGE, and DATA_IN_USE where another process speaks for the account. */
export async function openVenue(parts: VenueParts): Promise<OpenedVenue> {
  const { choice, cli, names, paper, machine, logger, observes } = parts;
  if (choice.kind === 'paper') {
    const desk = observes ? await simulatedDesk(parts) : null;
    return { clock: machine, connect: () => Promise.resolve(paper), measure: () => {}, desk };
  }
  if (choice.kind === 'exchange') {
    const exchange = await openExchange(choice.settings, cli.symbols ?? null, machine, logger);
    return { ...exchange, desk: observes ? accountDesk(exchange, cli, names, null) : null };
  }
  if (observes && choice.settings.credentials === null) {
    const message = 'snapshots of an account need its keys: HARVESTLINE_API_KEY, HARVESTLINE_API_SECRET';
    throw new HarvestlineError('USAGE', `${message}; or --market simulated for a desk that needs none`);
  }
  const mirror = new PaperMirror(paper);
  const exchange = await openLivePaper(choice.settings, cli.symbols ?? null, paper, machine, logger);
  return { ...exchange, desk: observes ? accountDesk(exchange, cli, names, (cycle) => mirror.mirror(cycle)) : null };
}

async function simulatedDesk({ cli, names, paper, random, machine, logger }: VenueParts): Promise<LiveDesk> {
  const { seed, interval, data: dataDir } = cli;
  const market = await marketOf(cli, random, logger);
  const unknown = (cli.symbols ?? []).filter((symbol) => !market.symbols.includes(symbol));
  if (unknown.length > 0) {
    const named = unknown.map((symbol) => didYouMean(symbol, market.symbols)).join(', ');
    throw new HarvestlineError('USAGE', `--symbols: the ${market.source} market has no ${named}`);
  }
  return openLiveDesk({ market, seed, interval, dataDir, names, book: paper, random, clock: machine, logger });
}

function marketOf(cli: VenueParts['cli'], random: Random, logger: Logger): Promise<Market> {
  if (cli.market !== 'candles') return Promise.resolve(simulatedMarket(random));
  if (cli.candles === undefined) throw new HarvestlineError('USAGE', '--market candles needs --candles FILE…');
  return loadCandleMarket(cli.candles, (text) => logger.warn({ option: '--candles' }, text));
}

/** Only one process at a time writes snapshots of an account. */
function accountDesk(
  { venue, stream: told, clock }: OpenedExchange,
  { account = MAIN_ACCOUNT, symbols, cycle: cycleMs, stream: isFollowed, data }: VenueParts['cli'],
  names: DeskNames,
  mirror: Parameters<typeof exchangeSource>[0]['mirror'],
): LiveDesk {
  const name = names.local(`account-${venue.venue}-${account.replace(/[^\w.-]/g, '_')}`);
  const lock = ProcessLock.tryAcquire(data, name);
  if (lock === null) {
    throw new HarvestlineError('DATA_IN_USE', `another process speaks for ${name}`, { at: { file: data } });
  }
  const stream = isFollowed === false ? null : told;
  const named = symbols === undefined ? null : new Set(symbols);
  const options = { venue, stream, account, symbols: named, cycleMs, mirror, clock };
  return {
    accounts: [account],
    source: (given) => exchangeSource({ ...options, ...given }),
    release: () => lock.release(),
  };
}

interface LiveDeskOptions {
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

interface LiveDesk {
  readonly source: (parts: SourceParts) => Source;
  /** The accounts that it observes. */
  readonly accounts: readonly string[];
  release(): void;
}

/**
 * A desk for each market, seed and interval, with accounts of its own. Only one process at a time may run it: throws DATA_IN_USE while
 * another does.
 */
function openLiveDesk({ market, seed, interval, dataDir, names, ...parts }: LiveDeskOptions): LiveDesk {
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
