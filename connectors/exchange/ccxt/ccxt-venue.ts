/**
 * The account and its markets as an exchange shows them (ports/venue.ts), through ccxt.
 *
 * requests   positions with mark prices, fills, orders, five-minute candles, stop and target orders
 * guarantee  a complete answer or EXCHANGE_AWAY; digits are the exchange's
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Candle } from '../../../ports/market.ts';
import type { Fills, OrderOrigin, Shown, Venue, VenueStops } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import { causeOf, isTriggerOf, readResting, stopsOf } from './resting-orders.ts';
import { OlderFills, readFills } from './read-fills.ts';
import { readHoldings } from './read-holdings.ts';
import { UnifiedCandle, UnifiedOrder, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket, VenueMarkets } from './venue-markets.ts';
import { ExchangeRejection } from './exchange-rejection.ts';

const TIMEFRAME = '5m';
const CANDLE_MS = 5 * 60 * 1000;

export class CcxtVenue implements Venue {
  readonly venue: string;
  readonly #client: VenueClient;
  readonly #markets: VenueMarkets;
  readonly #older: OlderFills;

  constructor(client: VenueClient, markets: VenueMarkets) {
    this.venue = client.id;
    this.#client = client;
    this.#markets = markets;
    this.#older = new OlderFills(client);
  }

  holdings(): Promise<Shown> {
    return readHoldings(this.#client, this.#markets, null, 'positions');
  }

  async fills(symbol: string, since: EpochMillis): Promise<Fills> {
    return readFills(this.#client, await this.#markets.recorded(symbol), since, 'positions');
  }

  async olderFills(symbol: string, before: EpochMillis): Promise<Fills | null> {
    return this.#older.read(await this.#markets.recorded(symbol), before);
  }

  async orderOrigin(symbol: string, orderId: OrderId): Promise<OrderOrigin | null> {
    const market = await this.#markets.recorded(symbol);
    const order = await this.#client.ask('positions', `order ${orderId}`, async (api) => {
      try {
        const found = await this.#client.settings.traits.findOrder(api, market, { orderId });
        return found === null ? null : unified(UnifiedOrder, found);
      } catch (thrown) {
        if (thrown instanceof ExchangeRejection && (thrown.absent || thrown.final)) return null;
        throw thrown;
      }
    });
    if (order === null) return null;
    const { clientOrderId } = order;
    const cause = causeOf(order, this.#client.settings.traits.madeBy);
    return {
      clientOrderId: clientOrderId as ClientOrderId | null,
      cause: cause === 'ORDER' ? await this.#triggered(market, order) : cause,
    };
  }

  async candles(symbol: string, count: number): Promise<readonly Candle[]> {
    const market = await this.#markets.recorded(symbol);
    const now = this.#client.clock.now();
    const candles = await this.#client.ask('positions', `candles of ${symbol}`, async (api) =>
      // One more, since the newest is still forming.
      (await api.fetchOHLCV(market.symbol, TIMEFRAME, undefined, count + 1)).map((candle) =>
        unified(UnifiedCandle, candle),
      ),
    );
    return candles
      .map(({ openedAt, ...prices }) => ({ ...prices, closedAt: openedAt + CANDLE_MS }))
      .filter(({ closedAt }) => closedAt <= now)
      .toSorted((one, other) => one.closedAt - other.closedAt)
      .slice(-count);
  }

  async stops(symbol: string, side: Side): Promise<VenueStops> {
    const market = await this.#markets.recorded(symbol);
    return stopsOf(await readResting(this.#client, market, side, 'positions'), side);
  }

  /** A triggered stop becomes an ordinary order; only the list of stops tells which stop it was. */
  async #triggered(market: PastMarket, { id, timestamp }: UnifiedOrder): Promise<OrderOrigin['cause']> {
    if (!this.#client.api.has['fetchOrders']) return 'ORDER';
    try {
      const orders = await this.#client.send('positions', (api) =>
        api.fetchOrders(market.symbol, timestamp === null ? undefined : timestamp - STOP_LIFE_MS, undefined, {
          trigger: true,
        }),
      );
      const source = orders.map((order) => unified(UnifiedOrder, order)).find((order) => isTriggerOf(order, id));
      return source === undefined ? 'ORDER' : causeOf(source, this.#client.settings.traits.madeBy);
    } catch {
      // Not every exchange has such a list: then nothing more is known than that it was an order.
      return 'ORDER';
    }
  }
}

/** How far before its trigger a stop is searched for: exchanges bound the span of a request. Unit: milliseconds. */
const STOP_LIFE_MS = 6 * 24 * 60 * 60 * 1000;
