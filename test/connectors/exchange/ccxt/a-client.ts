import { onTestFinished } from 'vitest';
import { CcxtExchange, AccountMode } from '../../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { BINANCE } from '../../../../connectors/exchange/ccxt/venues/binance.ts';
import type { VenueSettings } from '../../../../connectors/exchange/ccxt/venue-settings.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { type Logger, SILENT_LOGGER } from '../../../../ports/logger.ts';
import {
  BinanceServer,
  type BinanceServerOptions,
  TEST_KEYS,
} from '../../../../packages/fake-binance/binance-server.ts';

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Short enough for tests of many time-outs, long enough for a busy machine. Unit: milliseconds. */
const TIMEOUT_MS = 1000;

export function settingsFor(url: string, ccxt: object = {}): VenueSettings {
  return {
    id: 'binanceusdm',
    stake: 'demo',
    credentials: { ...TEST_KEYS, passphrase: null },
    url,
    traits: BINANCE,
    // Without ccxt's own pacing, which would only make tests slow: the server counts weights itself.
    ccxt: { timeout: TIMEOUT_MS, rateLimit: 1, ...ccxt },
  };
}

export interface Connected {
  readonly server: BinanceServer;
  readonly client: VenueClient;
  readonly markets: VenueMarkets;
  readonly venue: CcxtVenue;
  readonly exchange: CcxtExchange;
}

/** ccxt's client on a local server with one market, BTCUSDT at 100. Closed when the test ends. */
export async function connect(
  options: BinanceServerOptions = {},
  logger: Logger = SILENT_LOGGER,
  ccxt: object = {},
): Promise<Connected> {
  const server = await BinanceServer.start({ weightPerMinute: 1e9, holdMs: 3 * TIMEOUT_MS, ...options });
  onTestFinished(() => server.close());
  server.exchange.setMarket({ symbol: 'BTCUSDT', price: '100', tick: '0.1', lotStep: '0.001' });
  return connectTo(server, logger, ccxt);
}

/** Another client on the same server, as after a restart. */
export async function connectTo(
  server: BinanceServer,
  logger: Logger = SILENT_LOGGER,
  ccxt: object = {},
): Promise<Connected> {
  const client = await VenueClient.open(settingsFor(server.url, ccxt), new SystemClock(), logger);
  await client.measureClock();
  const markets = new VenueMarkets(client);
  const mode = await AccountMode.of(client);
  return {
    server,
    client,
    markets,
    venue: new CcxtVenue(client, markets),
    exchange: new CcxtExchange(client, markets, mode),
  };
}
