import { BINANCE } from '../../../connectors/exchange/ccxt/venues/binance.ts';
import type { VenueSettings } from '../../../connectors/exchange/ccxt/venue-settings.ts';
import { DEFAULT_TERMS, type OrderTerms } from '../../../pipelines/execution/order-plan.ts';
import type { OrderStyle } from '../../../schemas/generated/records.ts';
import { TEST_KEYS } from '../../../packages/fake-binance/binance-server.ts';

/** How the orders of a run are sent: with waits a twentieth as long as usual. */
export function termsFor(style: OrderStyle): OrderTerms {
  return { ...DEFAULT_TERMS, style, slices: 3, postOnlyMs: 100, tryAgainMs: [10, 20, 40], slicePauseMs: 10 };
}

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
