import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { VenueClient } from './venue-client.ts';

/** In one-way mode a symbol has one position; in hedge mode a long and a short one, which orders name. */
export type PositionMode = 'one-way' | 'hedge';

/** What ccxt must be able to do with an exchange. */
const NEEDED = ['fetchPositions', 'fetchMyTrades', 'fetchOrder', 'createOrder', 'fetchTime', 'fetchOHLCV'] as const;

/**
 * How the account counts positions. Throws EXCHANGE_UNSUPPORTED where ccxt cannot do with the exchange what is needed, or the
 * mode is one that this program does not know; EXCHANGE_AWAY.
 */
export async function detectPositionMode(client: VenueClient): Promise<PositionMode> {
  const { has } = client.api;
  const lacking = NEEDED.filter((method) => !has[method]);
  if (lacking.length > 0) {
    throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `ccxt's ${client.id} lacks ${lacking.join(', ')}`);
  }
  // An exchange that has no such question has no such choice.
  if (!has['fetchPositionMode']) return 'one-way';
  const { hedged } = await client.ask('position mode', (api) => api.fetchPositionMode());
  if (hedged === true) return 'hedge';
  if (hedged === false) return 'one-way';
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `${client.id} does not say whether the account is in hedge mode`);
}
