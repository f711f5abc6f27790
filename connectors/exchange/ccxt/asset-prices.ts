/**
 * What assets that fees and funding are charged in were worth in a market's quote currency.
 *
 * AP1  The quote currency is worth 1, and so are credits that the exchange takes for it (its trait). Any other asset has the price of its own
 *      market at that time: the mark within RECENT_MS, the minute's closing price before that.
 * AP2  Where that market is not there, or does not tell, the price is null: none is made up. It is asked for again the next time.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Charge } from '../../../ports/charges.ts';
import type { DecimalText } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import { namedMarkPrice } from './mark-price.ts';
import { UnifiedCandle, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket, VenueMarkets } from './venue-markets.ts';

/** In so short a time the price of an asset changes by far less than a fee is a part of a profit. Unit: milliseconds. */
const RECENT_MS = 5 * 60 * 1000;

/** A mark that was just asked for is taken for the fills of the same order. Unit: milliseconds. */
const MARK_KEPT_MS = 5000;

/** A minute's price never changes; so many are a day of closing something every minute. Unit: prices. */
const MOST_KEPT = 1500;

const MINUTE_MS = 60_000;

export class AssetPrices {
  readonly #client: VenueClient;
  readonly #markets: VenueMarkets;
  /** By market and minute. */
  readonly #past = new Map<string, DecimalText>();
  readonly #marks = new Map<string, { readonly price: DecimalText; readonly askedAt: EpochMillis }>();

  constructor(client: VenueClient, markets: VenueMarkets) {
    this.#client = client;
    this.#markets = markets;
  }

  /** What was charged, with its value. */
  async charge(
    charged: Pick<Charge, 'asset' | 'amount'>,
    market: Pick<PastMarket, 'quote'>,
    at: EpochMillis,
  ): Promise<Charge> {
    const { asset, amount } = charged;
    if (asset === null || amount === null) return { asset, amount, quote: null };
    if (new Exact(amount).isZero()) return { asset, amount, quote: '0' };
    const price = await this.price(asset, market.quote, at);
    return { asset, amount, quote: price === null ? null : toText(new Exact(amount).mul(price)) };
  }

  /** Null: none can be had (AP2). Unit: quote currency for one of the asset. */
  async price(asset: string, quote: string, at: EpochMillis): Promise<DecimalText | null> {
    // AP1.
    const { credits } = this.#client.settings.traits;
    if (asset === quote || (Object.hasOwn(credits, asset) && credits[asset]?.includes(quote) === true)) return '1';
    try {
      const market = await this.#markets.bySymbol(`${asset}/${quote}:${quote}`);
      if (market === null) return null;
      const now = this.#client.clock.now();
      return now - at <= RECENT_MS ? await this.#mark(market, now) : await this.#closing(market, at);
    } catch {
      return null;
    }
  }

  async #mark(market: PastMarket, now: EpochMillis): Promise<DecimalText | null> {
    const known = this.#marks.get(market.id);
    if (known !== undefined && now - known.askedAt < MARK_KEPT_MS) return known.price;
    const price = await namedMarkPrice(this.#client, market, 'positions');
    if (price !== null) this.#marks.set(market.id, { price, askedAt: now });
    return price;
  }

  async #closing({ id, symbol }: PastMarket, at: EpochMillis): Promise<DecimalText | null> {
    const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const key = `${id} ${minute}`;
    const known = this.#past.get(key);
    if (known !== undefined) return known;
    const candles = await this.#client.ask('positions', `price of ${symbol}`, async (api) =>
      (await api.fetchOHLCV(symbol, '1m', minute, 1)).map((candle) => unified(UnifiedCandle, candle)),
    );
    const close = candles.find(({ openedAt }) => openedAt === minute)?.close;
    if (close === undefined || !(close > 0)) return null;
    const price = toText(new Exact(close));
    this.#past.set(key, price);
    const [oldest] = this.#past.keys();
    if (this.#past.size > MOST_KEPT && oldest !== undefined) this.#past.delete(oldest);
    return price;
  }
}
