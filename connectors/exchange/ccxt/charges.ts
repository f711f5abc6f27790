/**
 * The costs of a position as the exchange lists them: the fees of its symbol's fills since its opening, and its funding payments, each with its
 * value in the quote currency.
 *
 * EXC-8  A list that may be incomplete is reported as unknown, with the reason: a list with a gap would look like a lower cost.
 * EXC-9  It takes no longer than CHARGES_WITHIN_MS, since the record of a trade waits for it.
 * EXC-10  In hedge mode, funding is unknown where both sides were open: the exchange does not say which side a payment was for.
 * EXC-11  One request for the payments of all symbols serves the trades of some seconds. A payment that cannot be read makes only its own
 *         symbol's funding unknown.
 * EXC-12  A request whose answer is no longer awaited is not sent.
 */
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import type {
  ChargedFill,
  Charges,
  FundingPayment,
  Listed,
  Charge,
  PositionReference,
  DecimalText,
} from '../../../ports/exchange.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import { readFillsOnwards } from './read-fills.ts';
import { UnifiedIncome, unified, UnifiedCandle } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket, VenueMarkets } from './venue-markets.ts';
import type { FundingList } from './venues/venue-traits.ts';
import { readMarkPrice } from './read-holdings.ts';

/** The most that exchanges list in one answer. Unit: payments. */
const PAGE = 1000;

/** Enough for three months of thirty symbols with a payment every eight hours. Unit: pages. */
const MOST_PAGES = 10;

/** EXC-11. Payments are made on the hour, so an answer of some seconds ago is still complete. Unit: milliseconds. */
const SHARED_MS = 5000;

/** EXC-9. Enough for the two or three requests to a healthy exchange. Unit: milliseconds. */
const CHARGES_WITHIN_MS = 5000;

/** The charges of a position. `holdsOther` tells whether the account holds the other side of the symbol now. */
export async function readCharges(
  client: VenueClient,
  market: PastMarket,
  prices: AssetPrices,
  { side, opened_at: openedAt }: Pick<PositionReference, 'side' | 'opened_at'>,
  holdsOther: () => Promise<boolean>,
): Promise<Charges> {
  const answered = new AbortController();
  const givenUp = new AbortController();
  const overdue = client.clock.sleep(CHARGES_WITHIN_MS, answered.signal);
  const [fills, funding] = await client.unlessGivenUp(givenUp.signal, () =>
    Promise.all([
      listedOrWhy(overdue, async () => {
        const read = await readFillsOnwards(client, market, openedAt, 'positions');
        return Promise.all(read.map((fill) => chargedFill(fill, market, prices)));
      }),
      listedOrWhy(overdue, () => readFunding(client, market, prices, openedAt, givenUp.signal)),
    ]),
  );
  answered.abort();
  // EXC-12.
  givenUp.abort();
  if (!('listed' in funding) || funding.listed.length === 0) return { kind: 'records', fills, funding };
  // EXC-10.
  const isHedged = !('listed' in fills) || fills.listed.some(({ positionSide }) => positionSide !== null);
  const others = 'listed' in fills && fills.listed.some(({ positionSide }) => (positionSide ?? side) !== side);
  if (isHedged && (others || (await holdsOther().catch(() => true)))) {
    return {
      kind: 'records',
      fills,
      funding: { why: 'the exchange does not say which of both open sides it was for' },
    };
  }
  return { kind: 'records', fills, funding };
}

/** EXC-8, EXC-9. The list, or the reason why it is unknown. */
async function listedOrWhy<T>(overdue: Promise<void>, read: () => Promise<readonly T[]>): Promise<Listed<T>> {
  const reading = read().then(
    (list): Listed<T> => ({ listed: list }),
    (thrown: unknown): Listed<T> => ({ why: messageOf(thrown) }),
  );
  return Promise.race([
    reading,
    overdue.then((): Listed<T> => ({ why: `the exchange did not tell within ${CHARGES_WITHIN_MS} ms` })),
  ]);
}

async function chargedFill(fill: VenueFill, market: PastMarket, prices: AssetPrices): Promise<ChargedFill> {
  const { fillId, orderId, positionSide, direction, quantity, filledAt, feeAsset, feeAmount } = fill;
  const fee = await prices.charge({ asset: feeAsset, amount: feeAmount }, market, filledAt);
  return { fillId, orderId, positionSide, direction, quantity, fee, filledAt };
}

/** All payments since a moment, oldest first. Throws EXCHANGE_AWAY. */
async function readFunding(
  client: VenueClient,
  market: PastMarket,
  prices: AssetPrices,
  since: EpochMillis,
  givenUp: AbortSignal,
): Promise<readonly FundingPayment[]> {
  const { api, clock, settings } = client;
  // Dated contracts have no funding.
  if (api.market(market.symbol).swap === false) return [];
  const { funding } = settings.traits;
  if (funding === null) throw away(client, 'it is not known how payments are told of');
  if (since < clock.now() - funding.reachMs) throw away(client, 'payments are not told of as far back as the opening');
  const rows = await paymentsSince(client, funding, since, givenUp);
  const payments = rows
    .filter((row) => mayBeOf(row, market) && !(timeOf(row) < since))
    .map((row) => paymentOf(client, row))
    .toSorted((one, other) => one.timestamp - other.timestamp);
  return Promise.all(
    payments.map(async ({ code, amount, timestamp }): Promise<FundingPayment> => {
      // Income is positive where it was received; a charge is positive where it was paid.
      const paid = toText(new Exact(amount).neg());
      return { charge: await prices.charge({ asset: code, amount: paid }, market, timestamp), paidAt: timestamp };
    }),
  );
}

/** A payment as ccxt parses it, not validated yet. */
type Row = Readonly<Record<string, unknown>>;

/** A payment that names no market may belong to any. */
function mayBeOf({ symbol }: Row, market: PastMarket): boolean {
  return typeof symbol !== 'string' || symbol === market.symbol || symbol === market.id;
}

/** NaN where the payment names no time. */
function timeOf({ timestamp }: Row): EpochMillis {
  return typeof timestamp === 'number' ? timestamp : NaN;
}

/** EXC-8. Throws EXCHANGE_AWAY. */
function paymentOf(client: VenueClient, row: Row): UnifiedIncome {
  try {
    return unified(UnifiedIncome, row);
  } catch (thrown) {
    throw away(client, messageOf(thrown));
  }
}

/** The payments of all symbols from one request. */
interface SharedPayments {
  readonly since: EpochMillis;
  readonly askedAt: EpochMillis;
  readonly rows: Promise<readonly Row[]>;
  /** The number of callers that await the answer. */
  waiting: number;
  readonly givenUp: AbortController;
}

const shared = new WeakMap<VenueClient, SharedPayments>();

/**
 * EXC-11. The request is among the most expensive of an exchange (30 of 2,400 a minute at Binance), and a desk that closes many positions at
 * once would send one for each. One for all symbols serves every caller within SHARED_MS. Throws EXCHANGE_AWAY.
 */
async function paymentsSince(
  client: VenueClient,
  list: FundingList,
  since: EpochMillis,
  givenUp: AbortSignal,
): Promise<readonly Row[]> {
  const now = client.clock.now();
  const before = shared.get(client);
  const isFresh = before !== undefined && now - before.askedAt < SHARED_MS;
  const payments = isFresh && before.since <= since ? before : ask(isFresh ? Math.min(since, before.since) : since);
  payments.waiting += 1;
  // EXC-12: it is aborted once every caller has given up.
  const leave = (): void => {
    payments.waiting -= 1;
    if (payments.waiting === 0) payments.givenUp.abort();
  };
  givenUp.addEventListener('abort', leave, { once: true });
  return payments.rows;

  function ask(from: EpochMillis): SharedPayments {
    const controller = new AbortController();
    const rows = client.unlessGivenUp(controller.signal, () => askPayments(client, list, from));
    const asked = { since: from, askedAt: now, rows, waiting: 0, givenUp: controller };
    shared.set(client, asked);
    // A failed answer is not shared.
    rows.catch(() => {
      if (shared.get(client) === asked) shared.delete(client);
    });
    return asked;
  }
}

async function askPayments(client: VenueClient, list: FundingList, since: EpochMillis): Promise<readonly Row[]> {
  const found = new Map<string, Row>();
  for (let from = since, page = 1; ; page++) {
    const rows = await client.ask('positions', 'funding', async (api) =>
      (await list.page(api, from, PAGE)).map((row): Row => ({ ...(row as object) })),
    );
    const before = found.size;
    for (const row of rows) found.set(JSON.stringify(row), row);
    if (rows.length < PAGE) return [...found.values()];
    if (found.size === before || page >= MOST_PAGES) throw away(client, 'the list has no end');
    from = rows.map(timeOf).reduce((latest, time) => (time > latest ? time : latest), from);
  }
}

function away({ id }: VenueClient, why: string): HarvestlineError {
  return new HarvestlineError('EXCHANGE_AWAY', `${id}: funding: ${why}`);
}

/** Within this time the price of an asset moves too little to matter for a fee. Unit: milliseconds. */
const RECENT_MS = 5 * 60 * 1000;

/** How long a mark price is reused, for instance for the fills of one order. Unit: milliseconds. */
const MARK_KEPT_MS = 5000;

/** Past prices never change. Enough for a day in which a position closes every minute. Unit: prices. */
const MOST_KEPT = 1500;

const MINUTE_MS = 60_000;

/**
 * The value, in a market's quote currency, of assets in which fees and funding are charged.
 *
 * EXC-13  The quote currency is worth 1, as are credits that the exchange treats as that currency. Any other asset has the price of its own
 *         market at the time: the mark price within RECENT_MS, the closing price of the minute before that.
 * EXC-14  The price is null where there is no such market or it gives no price. It is requested again the next time.
 */
export class AssetPrices {
  readonly #client: VenueClient;
  readonly #markets: VenueMarkets;
  /** Closing prices by market and minute. */
  readonly #past = new Map<string, DecimalText>();
  readonly #marks = new Map<string, { readonly price: DecimalText; readonly askedAt: EpochMillis }>();

  constructor(client: VenueClient, markets: VenueMarkets) {
    this.#client = client;
    this.#markets = markets;
  }

  /** A charge with its value. */
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

  /** Null: unknown (EXC-14). Unit: quote currency per unit of the asset. */
  async price(asset: string, quote: string, at: EpochMillis): Promise<DecimalText | null> {
    // EXC-13.
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
    const price = await readMarkPrice(this.#client, market, 'positions');
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
