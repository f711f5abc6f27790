import { onTestFinished } from 'vitest';
import { CcxtExchange, AccountMode } from '../../../../connectors/exchange/ccxt/ccxt-exchange.ts';
import { CcxtVenue } from '../../../../connectors/exchange/ccxt/ccxt-venue.ts';
import { VenueClient } from '../../../../connectors/exchange/ccxt/venue-client.ts';
import { VenueMarkets } from '../../../../connectors/exchange/ccxt/venue-markets.ts';
import { probeVenue } from '../../../../connectors/exchange/ccxt/venue-probe.ts';
import type { VenueSettings } from '../../../../connectors/exchange/ccxt/venue-settings.ts';
import { BYBIT } from '../../../../connectors/exchange/ccxt/venues/bybit.ts';
import { OKX } from '../../../../connectors/exchange/ccxt/venues/okx.ts';
import { SystemClock } from '../../../../connectors/system/system-clock.ts';
import { SILENT_LOGGER } from '../../../../ports/logger.ts';
import { BybitServer, type BybitServerOptions, TEST_KEYS } from '../../../../packages/fake-bybit/bybit-server.ts';
import type { Desk } from '../../../../packages/fake-exchange/desk.ts';
import type { MarketSpec } from '../../../../packages/fake-exchange/market.ts';
import { OkxServer, type OkxServerOptions, TEST_KEYS as OKX_KEYS } from '../../../../packages/fake-okx/okx-server.ts';
import type { OneShot } from '../../../../packages/fake-exchange/venue-server.ts';

/** Short enough for tests of many time-outs, long enough for a busy machine. Unit: milliseconds. */
const TIMEOUT_MS = 1000;

/** ccxt's client on a local server. Closed when the test ends. */
export interface VenueWorld {
  readonly desk: Desk;
  readonly client: VenueClient;
  readonly markets: VenueMarkets;
  readonly venue: CcxtVenue;
  readonly exchange: CcxtExchange;
  readonly fail: (...faults: readonly OneShot[]) => void;
  /** The number of requests of a `METHOD path`. */
  readonly asked: (request: string) => number;
}

/** What the contract tests need to know of an exchange. */
interface TestedVenue {
  readonly id: string;
  /** Bitcoin against USDT, and a pair against USDC. */
  readonly btc: string;
  readonly usdc: string;
  readonly placing: string;
  readonly lookingUp: string;
  /** Size of a contract of `btc`. Unit: base currency. */
  readonly contractSize: string;
  readonly connect: (options?: { readonly hedge?: boolean; readonly fills?: number }) => Promise<VenueWorld>;
}

const BYBIT_SETTINGS = { id: 'bybit', stake: 'demo', traits: BYBIT } as const;

export function bybitSettings(url: string, ccxt: object = {}): VenueSettings {
  const credentials = { ...TEST_KEYS, passphrase: null };
  // Without ccxt's own pacing, which would only make tests slow.
  return { ...BYBIT_SETTINGS, credentials, url, ccxt: { timeout: TIMEOUT_MS, rateLimit: 1, ...ccxt } };
}

export async function startBybit(options: BybitServerOptions = {}): Promise<BybitServer> {
  const server = await BybitServer.start(options);
  onTestFinished(() => server.close());
  for (const market of BYBIT_MARKETS) server.desk.setMarket(market);
  return server;
}

const BYBIT_MARKETS: readonly MarketSpec[] = [
  {
    symbol: 'BTCUSDT',
    base: 'BTC',
    price: '60000',
    tick: '0.1',
    lotStep: '0.001',
    marketMaxQuantity: '500',
    maxQuantity: '1190',
    minNotional: '5',
  },
  { symbol: 'ETHPERP', base: 'ETH', quote: 'USDC', price: '2500', tick: '0.01', lotStep: '0.01', minNotional: '5' },
];

export const TESTED_BYBIT: TestedVenue = {
  id: 'bybit',
  btc: 'BTCUSDT',
  usdc: 'ETHPERP',
  placing: 'POST /v5/order/create',
  lookingUp: 'GET /v5/order/history',
  contractSize: '1',
  connect: async (options = {}) => {
    const server = await startBybit(options);
    return worldOf(bybitSettings(server.url), server);
  },
};

export function okxSettings(url: string): VenueSettings {
  const ccxt = { timeout: TIMEOUT_MS, rateLimit: 1 };
  return { id: 'okx', stake: 'demo', traits: OKX, credentials: OKX_KEYS, url, ccxt };
}

export async function startOkx(options: OkxServerOptions = {}): Promise<OkxServer> {
  const server = await OkxServer.start(options);
  onTestFinished(() => server.close());
  for (const market of OKX_MARKETS) server.desk.setMarket(market);
  return server;
}

/** Sizes in contracts of 0.01 BTC and 0.1 ETH. */
const OKX_MARKETS: readonly MarketSpec[] = [
  {
    symbol: 'BTC-USDT-SWAP',
    base: 'BTC',
    price: '60000',
    tick: '0.1',
    lotStep: '0.1',
    contractSize: '0.01',
    marketMaxQuantity: '50000',
    maxQuantity: '100000000',
  },
  {
    symbol: 'ETH-USDC-SWAP',
    base: 'ETH',
    quote: 'USDC',
    price: '2500',
    tick: '0.01',
    lotStep: '0.1',
    contractSize: '0.1',
  },
];

export const TESTED_OKX: TestedVenue = {
  id: 'okx',
  btc: 'BTC-USDT-SWAP',
  usdc: 'ETH-USDC-SWAP',
  placing: 'POST /api/v5/trade/batch-orders',
  lookingUp: 'GET /api/v5/trade/order',
  contractSize: '0.01',
  connect: async (options = {}) => {
    const server = await startOkx(options);
    return worldOf(okxSettings(server.url), server);
  },
};

export async function worldOf(
  settings: VenueSettings,
  server: { readonly desk: Desk; readonly http: { readonly requests: ReadonlyMap<string, number> } } & Pick<
    VenueWorld,
    'fail'
  >,
): Promise<VenueWorld> {
  const client = await VenueClient.open(settings, new SystemClock(), SILENT_LOGGER);
  await client.measureClock();
  const markets = new VenueMarkets(client);
  await probeVenue(client, markets);
  const exchange = new CcxtExchange(client, markets, await AccountMode.of(client));
  return {
    desk: server.desk,
    client,
    markets,
    venue: new CcxtVenue(client, markets),
    exchange,
    fail: (...faults) => server.fail(...faults),
    asked: (request) => server.http.requests.get(request) ?? 0,
  };
}
