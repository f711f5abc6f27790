import { CcxtExchange } from '../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../connectors/exchange/ccxt/ccxt-venue.ts';
import { namedMarkPrice } from '../../connectors/exchange/ccxt/mark-price.ts';
import { detectPositionMode } from '../../connectors/exchange/ccxt/position-mode.ts';
import { VenueClient } from '../../connectors/exchange/ccxt/venue-client.ts';
import { type VenueMarket, VenueMarkets } from '../../connectors/exchange/ccxt/venue-markets.ts';
import type { VenueSettings } from '../../connectors/exchange/ccxt/venue-settings.ts';
import { LivePaper } from '../../connectors/exchange/paper/live-paper.ts';
import type { PaperMarket } from '../../connectors/exchange/paper/market-rules.ts';
import type { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Exchange } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Venue } from '../../ports/venue.ts';

/** An exchange as a process uses it: one client, and so one allowance, for all of its parts. */
export interface OpenedExchange {
  /** The exchange's time. */
  readonly clock: Clock;
  /** Unit: milliseconds. */
  readonly skewMs: () => number;
  /** What its account and markets tell. */
  readonly venue: Venue;
  /** Where orders go, once it is known how the account counts positions. Throws EXCHANGE_AWAY or EXCHANGE_UNSUPPORTED. */
  readonly connect: () => Promise<Exchange>;
}

/** An exchange that orders are sent to. Asks it nothing yet. Throws USAGE. */
export async function openExchange(settings: VenueSettings, machine: Clock, logger: Logger): Promise<OpenedExchange> {
  const client = await VenueClient.open(settings, machine, logger);
  const markets = new VenueMarkets(client);
  const { clock } = client;
  return {
    clock,
    skewMs: () => clock.skewMs,
    venue: new CcxtVenue(client, markets),
    connect: async () => {
      await client.measureClock();
      const mode = await detectPositionMode(client);
      await markets.ready();
      logger.info({ venue: client.id, stake: settings.stake, mode, skewMs: clock.skewMs }, 'the exchange answers');
      return new CcxtExchange(client, markets, mode);
    },
  };
}

/** The same exchange for looking only: orders go to the paper venue, which says whose positions they are. */
export async function openLivePaper(
  settings: VenueSettings,
  paper: PaperExchange,
  machine: Clock,
  logger: Logger,
): Promise<OpenedExchange> {
  const client = await VenueClient.open(settings, machine, logger);
  const markets = new VenueMarkets(client);
  const { clock } = client;
  const venue = new CcxtVenue(client, markets);
  const named = async (symbol: string): Promise<VenueMarket> => {
    const market = await markets.byId(symbol);
    if (market !== null) return market;
    throw new HarvestlineError('EXCHANGE_AWAY', `${client.id} names no linear market ${symbol}`);
  };
  return {
    clock,
    skewMs: () => clock.skewMs,
    venue: onPaper(venue, paper.venue),
    connect: async () => {
      await client.measureClock();
      logger.info({ venue: client.id, orders: paper.venue, skewMs: clock.skewMs }, 'the exchange answers');
      return new LivePaper(paper, {
        rules: async (symbol) => paperMarketOf(await markets.byId(symbol)),
        markPrice: async (symbol) => namedMarkPrice(client, await named(symbol)),
      });
    },
  };
}

/** Records of a paper account name the paper venue: no other execution takes its intents. */
function onPaper(real: CcxtVenue, name: string): Venue {
  return {
    venue: name,
    holdings: () => real.holdings(),
    fills: (symbol, since) => real.fills(symbol, since),
    orderOrigin: (symbol, orderId) => real.orderOrigin(symbol, orderId),
    candles: (symbol, count) => real.candles(symbol, count),
    stops: (symbol, side) => real.stops(symbol, side),
  };
}

function paperMarketOf(market: VenueMarket | null): PaperMarket | null {
  return market === null ? null : { ...market.rules, tick: market.tick };
}
