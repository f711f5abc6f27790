import type { DecimalText } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarket } from './venue-markets.ts';

/** The price at which the exchange values positions now. Throws EXCHANGE_AWAY. Unit: quote currency per contract. */
export async function markPriceOf(client: VenueClient, { symbol }: VenueMarket): Promise<DecimalText> {
  return client.ask(`mark price of ${symbol}`, async (api) => {
    const ticker = api.has['fetchMarkPrice'] ? await api.fetchMarkPrice(symbol) : await api.fetchTicker(symbol);
    const price = ticker.markPrice ?? ticker.last;
    if (price === undefined) throw new Error('the exchange names none');
    return toText(new Exact(price));
  });
}
