/**
 * What an exchange tells of the costs of a position: the fees of its symbol's fills since its opening, and its funding.
 *
 * EXC-8  What is not told whole is said to be untold, with the reason: a list with a gap would look like a lower cost.
 * EXC-9  It takes no longer than CHARGES_WITHIN_MS: a trade waits for it.
 * EXC-10  In hedge mode an exchange does not say which side a payment of funding was for. Where both sides were open it is not known.
 * EXC-11  One question for the payments of all symbols serves the trades of some seconds. A payment that cannot be read costs its own symbol only.
 * EXC-12  A question that nobody waits for any more is not asked.
 */
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import type {
  ChargedFill,
  Charges,
  FundingPayment,
  Told,
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
import { namedMarkPrice } from './read-holdings.ts';

/** As many as exchanges give at a time. Unit: payments. */
const PAGE = 1000;

/** Three months of thirty symbols that pay every eight hours. Unit: pages. */
const MOST_PAGES = 10;

/** EXC-11. Payments are made on the hour and listed some seconds later. Unit: milliseconds. */
const SHARED_MS = 5000;

/** EXC-9. Two or three questions to an exchange that is well. Unit: milliseconds. */
const CHARGES_WITHIN_MS = 5000;

/** `holdsOther`: whether the account holds the other side of the symbol now. */
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
      told(overdue, async () => {
        const read = await readFillsOnwards(client, market, openedAt, 'positions');
        return Promise.all(read.map((fill) => chargedFill(fill, market, prices)));
      }),
      told(overdue, () => readFunding(client, market, prices, openedAt, givenUp.signal)),
    ]),
  );
  answered.abort();
  // EXC-12.
  givenUp.abort();
  if (!('told' in funding) || funding.told.length === 0) return { kind: 'records', fills, funding };
  // EXC-10.
  const isHedged = !('told' in fills) || fills.told.some(({ positionSide }) => positionSide !== null);
  const others = 'told' in fills && fills.told.some(({ positionSide }) => (positionSide ?? side) !== side);
  if (isHedged && (others || (await holdsOther().catch(() => true)))) {
    return {
      kind: 'records',
      fills,
      funding: { why: 'the exchange does not say which of both open sides it was for' },
    };
  }
  return { kind: 'records', fills, funding };
}

/** EXC-8, EXC-9. What waiting could mend is no error here: it is a reason. */
async function told<T>(overdue: Promise<void>, read: () => Promise<readonly T[]>): Promise<Told<T>> {
  const reading = read().then(
    (list): Told<T> => ({ told: list }),
    (thrown: unknown): Told<T> => ({ why: messageOf(thrown) }),
  );
  return Promise.race([
    reading,
    overdue.then((): Told<T> => ({ why: `the exchange did not tell within ${CHARGES_WITHIN_MS} ms` })),
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
  // Contracts that are delivered on a day have no funding.
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
      // Income is positive where it was received, a cost where it was paid.
      const paid = toText(new Exact(amount).neg());
      return { charge: await prices.charge({ asset: code, amount: paid }, market, timestamp), paidAt: timestamp };
    }),
  );
}

/** A payment as ccxt has it, not read yet. */
type Row = Readonly<Record<string, unknown>>;

/** One that names no market may be anybody's. */
function mayBeOf({ symbol }: Row, market: PastMarket): boolean {
  return typeof symbol !== 'string' || symbol === market.symbol || symbol === market.id;
}

/** NaN where it is not told. */
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

/** Payments of all symbols from one question. */
interface SharedPayments {
  readonly since: EpochMillis;
  readonly askedAt: EpochMillis;
  readonly rows: Promise<readonly Row[]>;
  /** How many wait for it. */
  waiting: number;
  readonly givenUp: AbortController;
}

const shared = new WeakMap<VenueClient, SharedPayments>();

/**
 * EXC-11. The question is among the dearest that an exchange has (30 of 2,400 a minute at Binance), and a desk that closes many positions at
 * once would ask it for each: one for all symbols serves those that follow within SHARED_MS. Throws EXCHANGE_AWAY.
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
  // EXC-12: it is given up when all who wait for it have.
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
    // An answer that failed serves nobody.
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

/**
 * What assets that fees and funding are charged in were worth in a market's quote currency.
 *
 * EXC-13  The quote currency is worth 1, and so are credits that the exchange takes for it (its trait). Any other asset has the price of its own
 *      market at that time: the mark within RECENT_MS, the minute's closing price before that.
 * EXC-14  Where that market is not there, or does not tell, the price is null: none is made up. It is asked for again the next time.
 */

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

  /** Null: none can be had (EXC-14). Unit: quote currency for one of the asset. */
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
