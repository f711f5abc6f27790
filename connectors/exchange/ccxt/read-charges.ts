/**
 * What an exchange tells of the costs of a position: the fees of its symbol's fills since its opening, and its funding.
 *
 * RC1  What is not told whole is said to be untold, with the reason: a list with a gap would look like a lower cost.
 * RC2  It takes no longer than CHARGES_WITHIN_MS: a trade waits for it.
 * RC3  In hedge mode an exchange does not say which side a payment of funding was for. Where both sides were open it is not known.
 * RC4  One question for the payments of all symbols serves the trades of some seconds. A payment that cannot be read costs its own symbol only.
 * RC5  A question that nobody waits for any more is not asked.
 */
import { HarvestlineError, messageOf } from '../../../errors/harvestline-error.ts';
import type { ChargedFill, Charges, FundingPayment, Told } from '../../../ports/charges.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { PositionReference } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { AssetPrices } from './asset-prices.ts';
import { readFillsOnwards } from './read-fills.ts';
import { UnifiedIncome, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket } from './venue-markets.ts';
import type { FundingList } from './venues/venue-traits.ts';

/** As many as exchanges give at a time. Unit: payments. */
const PAGE = 1000;

/** Three months of thirty symbols that pay every eight hours. Unit: pages. */
const MOST_PAGES = 10;

/** RC4. Payments are made on the hour and listed some seconds later. Unit: milliseconds. */
const SHARED_MS = 5000;

/** RC2. Two or three questions to an exchange that is well. Unit: milliseconds. */
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
  // RC5.
  givenUp.abort();
  if (!('told' in funding) || funding.told.length === 0) return { kind: 'records', fills, funding };
  // RC3.
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

/** RC1, RC2. What waiting could mend is no error here: it is a reason. */
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

/** RC1. Throws EXCHANGE_AWAY. */
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
 * RC4. The question is among the dearest that an exchange has (30 of 2,400 a minute at Binance), and a desk that closes many positions at
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
  // RC5: it is given up when all who wait for it have.
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
