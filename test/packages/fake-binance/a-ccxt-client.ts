import { binanceusdm } from 'ccxt';
import { type BinanceServer, TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';

/** Longer than any answer takes on a busy machine. Unit: milliseconds. */
const PATIENCE_MS = 60_000;

/** ccxt's client of Binance USD-M on the local server. */
export function ccxtClient(server: BinanceServer, config: object = {}): binanceusdm {
  const client = new binanceusdm({
    apiKey: TEST_KEYS.key,
    secret: TEST_KEYS.secret,
    timeout: PATIENCE_MS,
    enableRateLimit: false,
    ...config,
  });
  // The server has neither wallets nor spot margins.
  client.has['fetchCurrencies'] = false;
  client.options['fetchMargins'] = false;
  client.options['fetchOpenOrders'] = { warnWithoutSymbol: false };
  const moved = Object.entries(client.urls['api'] as Record<string, unknown>).map(([name, url]) => [
    name,
    typeof url === 'string' ? url.replace(/^https:\/\/[^/]+/, server.url) : url,
  ]);
  client.urls['api'] = Object.fromEntries(moved) as object;
  return client;
}
