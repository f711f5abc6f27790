import { CcxtExchange, AccountMode } from '../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../connectors/exchange/ccxt/ccxt-venue.ts';
import { readMarkPrice } from '../../connectors/exchange/ccxt/read-holdings.ts';
import { userStreamOf } from '../../connectors/exchange/ccxt/user-stream.ts';
import { CcxtAccountProbe } from '../../connectors/exchange/ccxt/account-probe.ts';
import { VenueClient } from '../../connectors/exchange/ccxt/venue-client.ts';
import { type VenueMarket, VenueMarkets } from '../../connectors/exchange/ccxt/venue-markets.ts';
import { probeVenue, tryingKeys } from '../../connectors/exchange/ccxt/venue-probe.ts';
import { ExchangeRejection } from '../../connectors/exchange/ccxt/exchange-rejection.ts';
import type { VenueSettings } from '../../connectors/exchange/ccxt/venue-settings.ts';
import { LivePaper } from '../../connectors/exchange/paper/live-paper.ts';
import type { PaperMarket } from '../../connectors/exchange/paper/market-rules.ts';
import type { PaperExchange } from '../../connectors/exchange/paper/paper-exchange.ts';
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { AccountProbe } from '../../ports/desk-probe.ts';
import type { ChangeStream, Venue } from '../../ports/venue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Exchange } from '../../ports/exchange.ts';
import { type Logger, SILENT_LOGGER } from '../../ports/logger.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { PRIORITIES } from '../../connectors/exchange/ccxt/request-queue.ts';

/** An exchange as a process uses it: one client, and so one request allowance, for all of its parts. */
export interface OpenedExchange {
  /** The exchange's time. */
  readonly clock: Clock;
  /** Registers its metrics. */
  readonly measure: (metrics: Metrics) => void;
  /** Its account and markets. */
  readonly venue: Venue;
  /** Its stream of account changes; null where it has none. */
  readonly stream: ChangeStream | null;
  /**
   * Where orders go, once keys and symbols have been checked. Throws EXCHANGE_AWAY, EXCHANGE_UNSUPPORTED, KEYS_REFUSED,
   * or USAGE with every symbol that the exchange does not have.
   */
  readonly connect: () => Promise<Exchange>;
}

/** An exchange that orders are sent to. `symbols`: the only ones to touch there, null for all. Sends no request yet. Throws USAGE. */
export async function openExchange(
  settings: VenueSettings,
  symbols: readonly string[] | null,
  machine: Clock,
  logger: Logger,
): Promise<OpenedExchange> {
  const client = await VenueClient.open(settings, machine, logger);
  const markets = new VenueMarkets(client);
  const { clock } = client;
  const venue = new CcxtVenue(client, markets);
  return {
    clock,
    measure: (metrics) => measureVenue(client, metrics),
    venue,
    stream: userStreamOf(client),
    connect: async () => {
      await client.measureClock();
      await tryingKeys(() => probeVenue(client, markets));
      const mode = await tryingKeys(() => AccountMode.of(client));
      await compareSymbols({ client, markets, venue, symbols });
      logger.info(
        { venue: client.id, stake: settings.stake, mode: mode.now, skewMs: clock.skewMs },
        'the exchange answers',
      );
      return new CcxtExchange(client, markets, mode);
    },
  };
}

/** The same exchange read only: orders go to the paper venue, whose name the positions bear. */
export async function openLivePaper(
  settings: VenueSettings,
  symbols: readonly string[] | null,
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
    measure: (metrics) => measureVenue(client, metrics),
    venue: onPaper(venue, paper.venue),
    stream: userStreamOf(client),
    connect: async () => {
      await client.measureClock();
      await compareSymbols({ client, markets, venue, symbols });
      logger.info({ venue: client.id, orders: paper.venue, skewMs: clock.skewMs }, 'the exchange answers');
      return new LivePaper(paper, {
        rules: async (symbol) => paperMarketOf(await markets.byId(symbol)),
        markPrice: async (symbol) => readMarkPrice(client, await named(symbol), 'look-up'),
      });
    },
  };
}

/** The same exchange, only asked: for `doctor`. `orders`: whether orders go there. Sends no request yet. Throws USAGE. */
export async function openAccountProbe(
  settings: VenueSettings,
  symbols: readonly string[] | null,
  orders: boolean,
  machine: Clock,
): Promise<AccountProbe> {
  const client = await VenueClient.open(settings, machine, SILENT_LOGGER);
  const markets = new VenueMarkets(client);
  const venue = new CcxtVenue(client, markets);
  return new CcxtAccountProbe({
    client,
    markets,
    venue,
    orders,
    symbols: () => demandSymbols({ client, markets, venue, symbols }),
  });
}

/** A delisted market is still of interest where the account has traded in it within this time. Unit: milliseconds. */
const DEALT_IN_MS = 90 * 24 * 60 * 60 * 1000;

/**
 * Checks the named symbols before anything runs: the position of a misspelt one would silently go unwatched. A delisted market in which
 * the account has traded is no misspelling: the end of its position is still to be recorded, and the other positions are to be watched.
 * Open positions that are not named are logged once.
 */
async function compareSymbols(asked: NamedSymbols): Promise<void> {
  const { client, venue, symbols } = asked;
  const { credentials } = client.settings;
  await demandSymbols(asked);
  if (credentials === null) return;
  const open = await tryingKeys(() => venue.holdings());
  if (symbols === null) return;
  const named = new Set(symbols);
  const shown = [...open.holdings, ...open.incomplete];
  const others = [...new Set(shown.map(({ symbol }) => symbol))].filter((symbol) => !named.has(symbol));
  if (others.length === 0) return;
  client.logger.warn(
    { venue: client.id, symbols: others },
    `open at ${client.id} and not among --symbols, so neither observed nor closed: ${others.join(', ')}`,
  );
}

interface NamedSymbols {
  readonly client: VenueClient;
  readonly markets: VenueMarkets;
  readonly venue: CcxtVenue;
  readonly symbols: readonly string[] | null;
}

/** Throws USAGE with every named symbol that the exchange does not have. */
async function demandSymbols({ client, markets, venue, symbols }: NamedSymbols): Promise<void> {
  if (symbols === null) return;
  const { credentials } = client.settings;
  const takenOff =
    credentials === null ? [] : await dealtInBefore(await markets.unlisted(symbols), markets, venue, client);
  await markets.demand(symbols.filter((symbol) => !takenOff.includes(symbol)));
  if (takenOff.length === 0) return;
  client.logger.warn(
    { venue: client.id, symbols: takenOff },
    `among --symbols, and not listed at ${client.id} any more: only what became of their positions is recorded: ${takenOff.join(', ')}`,
  );
}

/** The ids in which the account has fills. Throws EXCHANGE_AWAY. */
async function dealtInBefore(
  ids: readonly string[],
  markets: VenueMarkets,
  venue: CcxtVenue,
  { clock }: VenueClient,
): Promise<readonly string[]> {
  const dealtIn: string[] = [];
  for (const id of ids) {
    if ((await markets.byRecordedId(id)) === null) continue;
    try {
      const { fills } = await tryingKeys(() => venue.fills(id, clock.now() - DEALT_IN_MS));
      if (fills.length > 0) dealtIn.push(id);
    } catch (thrown) {
      // The exchange never had such a market.
      if (!(thrown instanceof HarvestlineError && thrown.cause instanceof ExchangeRejection && thrown.cause.final))
        throw thrown;
    }
  }
  return dealtIn;
}

/** Records of a paper account name the paper venue, so that execution at the exchange does not take its intents. */
function onPaper(real: CcxtVenue, name: string): Venue {
  return {
    venue: name,
    holdings: () => real.holdings(),
    fills: (symbol, since) => real.fills(symbol, since),
    olderFills: (symbol, before) => real.olderFills(symbol, before),
    orderOrigin: (symbol, orderId) => real.orderOrigin(symbol, orderId),
    candles: (symbol, count) => real.candles(symbol, count),
    stops: (symbol, side) => real.stops(symbol, side),
  };
}

function paperMarketOf(market: VenueMarket | null): PaperMarket | null {
  return market === null ? null : { ...market.rules, tick: market.tick };
}

/** Metrics of an exchange at each scrape: the clock skew, and the cost of its requests. */
function measureVenue({ clock, queue }: VenueClient, metrics: Metrics): void {
  const skew = metrics.gauge('clockSkew', {});
  const used = metrics.gauge('venueAllowanceUsed', {});
  const spent = PRIORITIES.map((priority) => ({
    priority,
    counter: metrics.counter('venueWeight', { priority }),
    counted: 0,
  }));
  metrics.onLook(() => {
    skew.set(clock.skewMs);
    used.set(queue.used ?? 0);
    for (const one of spent) {
      const now = queue.spent[one.priority];
      one.counter.add(now - one.counted);
      one.counted = now;
    }
  });
}
