import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { VenueClient } from './venue-client.ts';
import type { PositionMode } from './venues/venue-traits.ts';

/** How the account counts positions: as last asked, since its owner may change it while it is flat. */
export class AccountMode {
  readonly #client: VenueClient;
  #mode: PositionMode;

  private constructor(client: VenueClient, mode: PositionMode) {
    this.#client = client;
    this.#mode = mode;
  }

  /** Throws EXCHANGE_UNSUPPORTED where the exchange does not say, EXCHANGE_AWAY. */
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

/** Throws EXCHANGE_UNSUPPORTED where the exchange does not say, EXCHANGE_AWAY. */
async function detectPositionMode(client: VenueClient): Promise<PositionMode> {
  const mode = await client.ask('look-up', 'position mode', (api) => client.settings.traits.positionMode(api));
  if (mode !== null) return mode;
  throw new HarvestlineError('EXCHANGE_UNSUPPORTED', `${client.id} does not say whether the account is in hedge mode`);
}
