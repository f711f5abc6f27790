import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { VenueClient } from './venue-client.ts';

/** In one-way mode a symbol has one position; in hedge mode a long and a short one, which orders name. */
export type PositionMode = 'one-way' | 'hedge';

/** What ccxt must be able to do with an exchange. */
const NEEDED = ['fetchPositions', 'fetchMyTrades', 'fetchOrder', 'createOrder', 'fetchTime', 'fetchOHLCV'] as const;

/** How the account counts positions: as last asked, since its owner may change it while it is flat. */
export class AccountMode {
  readonly #client: VenueClient;
  #mode: PositionMode;

  private constructor(client: VenueClient, mode: PositionMode) {
    this.#client = client;
    this.#mode = mode;
  }

  /** Throws EXCHANGE_UNSUPPORTED, EXCHANGE_AWAY. */
  static async of(client: VenueClient): Promise<AccountMode> {
    return new AccountMode(client, await detectPositionMode(client));
  }

  get now(): PositionMode {
    return this.#mode;
  }

  /** Asks again, because an order was refused for it. Throws EXCHANGE_AWAY. */
  async refresh(): Promise<void> {
    const before = this.#mode;
    this.#mode = await detectPositionMode(this.#client);
    if (this.#mode === before) return;
    const context = { venue: this.#client.id, before, mode: this.#mode };
    this.#client.logger.warn(context, `the account's position mode was changed from ${before} to ${this.#mode}`);
  }
}

/**
 * How the account counts positions. Throws EXCHANGE_UNSUPPORTED where ccxt cannot do with the exchange what is needed, or the
 * mode is one that this program does not know; EXCHANGE_AWAY.
 */
async function detectPositionMode(client: VenueClient): Promise<PositionMode> {
  const { has } = client.api;
  const lacking = NEEDED.filter((method) => !has[method]);
  if (lacking.length > 0) {
    throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `ccxt's ${client.id} lacks ${lacking.join(', ')}`);
  }
  // An exchange that has no such question has no such choice.
  if (!has['fetchPositionMode']) return 'one-way';
  const { hedged } = await client.ask('look-up', 'position mode', (api) => api.fetchPositionMode());
  if (hedged === true) return 'hedge';
  if (hedged === false) return 'one-way';
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `${client.id} does not say whether the account is in hedge mode`);
}
