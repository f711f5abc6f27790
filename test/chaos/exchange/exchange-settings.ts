import { BINANCE } from '../../../connectors/exchange/ccxt/venues/binance.ts';
import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import { TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';

/** Short enough that a run of thousands of time-outs ends, long enough for a busy machine. Unit: milliseconds. */
const TIMEOUT_MS = 1000;

/** ccxt's client for a local server, without the pace that a real exchange needs. */
export function settingsFor(url: string): VenueSettings {
  return {
    id: 'binanceusdm',
    stake: 'demo',
    credentials: { ...TEST_KEYS, passphrase: null },
    url,
    traits: BINANCE,
    ccxt: { timeout: TIMEOUT_MS, rateLimit: 0.01 },
  };
}
