import { z } from 'zod';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { AccountProbe, KeyRights, MarginBalance } from '../../../ports/desk-probe.ts';
import { AccountMode } from './ccxt-exchange.ts';
import type { CcxtVenue } from './ccxt-venue.ts';
import { ExchangeRejection } from './exchange-rejection.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarkets } from './venue-markets.ts';
import { probeVenue, tryingKeys } from './venue-probe.ts';

/** ccxt's balances by currency, as decimal texts or numbers. */
const Balances = z.record(z.string(), z.coerce.number().nullish());
const Account = z.object({ total: Balances, free: Balances });

interface AccountProbeParts {
  readonly client: VenueClient;
  readonly markets: VenueMarkets;
  readonly venue: CcxtVenue;
  /** Whether orders go to the account: then all that orders need is tried. */
  readonly orders: boolean;
  readonly symbols: () => Promise<void>;
}

/** The account as `doctor` asks it. */
export class CcxtAccountProbe implements AccountProbe {
  readonly venue: string;
  readonly stake: AccountProbe['stake'];
  readonly hasKeys: boolean;
  readonly #parts: AccountProbeParts;

  constructor(parts: AccountProbeParts) {
    const { client } = parts;
    this.#parts = parts;
    this.venue = client.id;
    this.stake = client.settings.stake;
    this.hasKeys = client.settings.credentials !== null;
  }

  async skewMs(): Promise<number> {
    const { client } = this.#parts;
    await client.measureClock();
    return client.clock.skewMs;
  }

  async tryKeys(): Promise<void> {
    const { client, markets, venue, orders } = this.#parts;
    await tryingKeys<unknown>(() => (orders ? probeVenue(client, markets) : venue.holdings()));
  }

  /** Where the exchange rejects the request itself, as for the lack of a right, nothing is known. */
  async keyRights(): Promise<KeyRights | null> {
    const { client } = this.#parts;
    try {
      return await client.ask('look-up', 'rights of the key', (api) => client.settings.traits.keyRights(api));
    } catch (thrown) {
      const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
      if (cause instanceof ExchangeRejection && cause.final) return null;
      throw thrown;
    }
  }

  async positionMode(): Promise<string> {
    return (await AccountMode.of(this.#parts.client)).now;
  }

  async margin(): Promise<readonly MarginBalance[]> {
    const { client } = this.#parts;
    const { total, free } = Account.parse(await client.ask('look-up', 'margin', (api) => api.fetchBalance()));
    return Object.entries(total).flatMap(([currency, amount]) =>
      typeof amount === 'number' ? [{ currency, total: amount, free: free[currency] ?? 0 }] : [],
    );
  }

  symbols(): Promise<void> {
    return this.#parts.symbols();
  }
}
