import type { DecimalText } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { Priority } from './request-queue.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket } from './venue-markets.ts';
import { ExchangeRejection } from './exchange-rejection.ts';

/**
 * The price at which the exchange values positions now. Null where it answers and names none, or 0: a market that is suspended or
 * taken off. Throws EXCHANGE_AWAY. Unit: quote currency per contract.
 */
export async function namedMarkPrice(
  client: VenueClient,
  { symbol }: PastMarket,
  priority: Priority,
): Promise<DecimalText | null> {
  return client.ask(priority, `mark price of ${symbol}`, async (api) => {
    try {
      const ticker = api.has['fetchMarkPrice'] ? await api.fetchMarkPrice(symbol) : await api.fetchTicker(symbol);
      const price = new Exact(ticker.markPrice ?? ticker.last ?? 0);
      return price.gt(0) ? toText(price) : null;
    } catch (thrown) {
      // A definite no: every later question would get it as well.
      if (thrown instanceof ExchangeRejection && thrown.rule.meaning === 'refused') return null;
      throw thrown;
    }
  });
}
