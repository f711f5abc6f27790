import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueHolding } from '../../../ports/venue.ts';
import { markPriceOf } from './mark-price.ts';
import { UnifiedPosition, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarkets } from './venue-markets.ts';

/**
 * The open positions that an exchange shows, of one market or of all. Positions in markets that are not linear are left out: R and
 * profit would be counted wrongly. Throws EXCHANGE_AWAY.
 */
export async function readHoldings(
  client: VenueClient,
  markets: VenueMarkets,
  symbol: string | null,
): Promise<readonly VenueHolding[]> {
  await markets.ready();
  const market = symbol === null ? null : await markets.byId(symbol);
  if (symbol !== null && market === null) return [];
  const shown = await client.ask('positions', async (api) => {
    const positions = await api.fetchPositions(
      market === null ? undefined : [market.symbol],
      market === null ? {} : { symbol: market.id },
    );
    return positions.map((position) => unified(UnifiedPosition, position));
  });
  const holdings: VenueHolding[] = [];
  for (const { symbol: name, side, contracts, entryPrice, markPrice, ...position } of shown) {
    if (contracts === null || new Exact(contracts).isZero()) continue;
    const own = await markets.bySymbol(name);
    if (own === null || (market !== null && own.id !== market.id)) continue;
    if (side === null || entryPrice === null) {
      const message = `${client.id} shows ${contracts} of ${own.id} without its side or entry price`;
      throw new HarvestlineError('EXCHANGE_AWAY', message);
    }
    holdings.push({
      symbol: own.id,
      side: side === 'long' ? 'LONG' : 'SHORT',
      quantity: toText(new Exact(contracts).abs().mul(own.contractSize)),
      entryPrice: toText(new Exact(entryPrice)),
      markPrice: markPrice === null ? await markPriceOf(client, own) : toText(new Exact(markPrice)),
      updatedAt: position.lastUpdateTimestamp ?? position.timestamp,
    });
  }
  return holdings;
}
