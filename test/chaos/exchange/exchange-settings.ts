import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import { TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

/** Short enough that a run of thousands of time-outs ends, long enough for a busy machine. Unit: milliseconds. */
const TIMEOUT_MS = 1000;

/** ccxt's client for a local server, without the pace that a real exchange needs. */
export function settingsFor(url: string): VenueSettings {
  return {
    id: 'binanceusdm',
    stake: 'demo',
    credentials: { ...TEST_KEYS, passphrase: null },
    url,
    traits: { clientOrderIds: 'verbatim', fillsWindowMs: WEEK_MS, fillsFromId: 'fromId' },
    ccxt: { timeout: TIMEOUT_MS, rateLimit: 0.01 },
  };
}
