import type { Exchange as CcxtExchange } from 'ccxt';
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { Fills, VenueFill } from '../../../ports/venue.ts';
import type { FillId, OrderId, Side } from '../../../schemas/generated/records.ts';
import type { Priority } from './request-queue.ts';
import { UnifiedTrade, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket } from './venue-markets.ts';
import type { Info } from './venues/venue-traits.ts';
import { ExchangeRejection } from './exchange-rejection.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The span of a request for old fills where the exchange sets no bound. Unit: milliseconds. */
const LONGEST_SPAN_MS = 30 * DAY_MS;

/** How far back is tried in turn where an exchange rejects an earlier start. Unit: milliseconds. */
const NARROWER_MS = [90 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS];

/**
 * All fills of a market from `since` on: window by window where the exchange bounds the span of a request, page by page within a window.
 * Throws EXCHANGE_AWAY.
 *
 * EXC-15  After a full page the next one is requested by the id of the last fill or by a cursor, whichever the exchange has, so any number of
 *         fills may share a millisecond. An exchange with neither is paged by time; if it returns the same full page again, that throws.
 * EXC-16  An exchange that rejects so early a start is asked for less, and the result's `since` is the time from which the fills are complete.
 */
export async function readFills(
  client: VenueClient,
  market: PastMarket,
  since: EpochMillis,
  priority: Priority,
): Promise<Fills> {
  const now = client.clock.now();
  // EXC-16.
  const earliest = Math.max(since, earliestListed(client));
  const narrower = NARROWER_MS.map((reach) => now - reach).filter((start) => start > earliest);
  for (const start of [earliest, ...narrower]) {
    try {
      return { fills: await readFrom({ client, market, priority }, start, now), since: start };
    } catch (thrown) {
      // EXC-16.
      if (start === narrower.at(-1) || !isFinalRejection(thrown)) throw thrown;
    }
  }
  throw new HarvestlineError('EXCHANGE_AWAY', `${client.id}: fills of ${market.id}: none are told`);
}

/** Older fills may be omitted silently. */
function earliestListed({ clock, settings }: VenueClient): EpochMillis {
  const { reachMs } = settings.traits.fills;
  return reachMs === null ? 0 : clock.now() - reachMs;
}

/** A span that is not halved further, however many fills it has. Unit: milliseconds. */
const SHORTEST_SPAN_MS = 60_000;

/**
 * Reads the old fills of markets backwards, one request at a time. Null where the request would have to wait for its turn; `since` equals
 * `before` where nothing older is listed. Throws EXCHANGE_AWAY.
 *
 * EXC-17  The fills of the span that is returned are complete. A span that fills a page is halved until it does not; the span that worked is
 *         where the next request starts.
 */
export class OlderFills {
  readonly #client: VenueClient;
  /** A span whose fills fit into a page, by market. Unit: milliseconds. */
  readonly #spans = new Map<string, number>();

  constructor(client: VenueClient) {
    this.#client = client;
  }

  async read(market: PastMarket, before: EpochMillis): Promise<Fills | null> {
    const client = this.#client;
    const { windowMs, page: full, next } = client.settings.traits.fills;
    const widest = windowMs ?? LONGEST_SPAN_MS;
    const earliest = earliestListed(client);
    if (before <= earliest) return { fills: [], since: before };
    const reading = { client, market, priority: 'history' } as const;
    for (let span = this.#spans.get(market.id) ?? widest; ; span /= 2) {
      const since = Math.max(Math.floor(before - span), earliest);
      let page: Page | null;
      try {
        page = await client.askIfFree('history', `old fills of ${market.id}`, (api) =>
          pageOf(api, client, market, since, { until: before }),
        );
      } catch (thrown) {
        if (!isFinalRejection(thrown)) throw thrown;
        // EXC-16.
        if (span <= DAY_MS) return { fills: [], since: before };
        continue;
      }
      if (page === null) return null;
      const isWhole = page.rows.length < full;
      if (!isWhole && span > SHORTEST_SPAN_MS) continue;
      this.#spans.set(market.id, isWhole ? Math.min(widest, 2 * span) : span);
      const params = { until: before };
      const others =
        isWhole || next.kind === 'by-time' ? [] : await readFurtherPages(reading, page, { from: since, params });
      const fills = [...page.fills, ...others].filter(({ filledAt }) => filledAt <= before);
      return { fills: fills.toSorted(byTime), since };
    }
  }
}

/** The market whose fills are read, and the priority of the requests. */
interface Reading {
  readonly client: VenueClient;
  readonly market: PastMarket;
  readonly priority: Priority;
}

function isFinalRejection(thrown: unknown): boolean {
  const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
  return cause instanceof ExchangeRejection && cause.final;
}

async function readFrom(reading: Reading, since: EpochMillis, now: EpochMillis): Promise<readonly VenueFill[]> {
  const { client, market } = reading;
  const { windowMs, next, page: full } = client.settings.traits.fills;
  const fills = new Map<FillId, VenueFill>();
  for (let from = since; from <= now;) {
    const until = windowMs === null ? null : from + windowMs;
    // The last window has no end: a clock that is behind would miss the newest fills.
    const params = until === null || until > client.clock.now() ? {} : { until };
    const page = await readPage(reading, from, params);
    const others = next.kind === 'by-time' ? [] : await readFurtherPages(reading, page, { from, params });
    const news = page.fills.filter(({ fillId }) => !fills.has(fillId));
    for (const fill of [...page.fills, ...others]) fills.set(fill.fillId, fill);
    const isFull = page.rows.length >= full;
    // Paging by id leads to the newest fill, so no window follows.
    if (isFull && next.kind === 'from-id') break;
    const last = page.fills.at(-1);
    if (isFull && next.kind === 'by-time' && last !== undefined) {
      if (news.length === 0) {
        throw new HarvestlineError('EXCHANGE_AWAY', `${client.id}: fills of ${market.id}: the same page again`);
      }
      // More fills of the same millisecond may follow on the next page.
      from = last.filledAt;
    } else if (until === null) break;
    else from = until;
  }
  return [...fills.values()].toSorted(byTime);
}

/** One page of an answer. */
interface Page {
  /** Oldest first. */
  readonly fills: readonly VenueFill[];
  /** The exchange's own fields of every row, including rows that are not fills. */
  readonly rows: readonly Info[];
}

/** EXC-15: the fills after a full page; none for an exchange that is paged by time. */
async function readFurtherPages(
  reading: Reading,
  first: Page,
  { from, params }: { readonly from: EpochMillis | undefined; readonly params: object },
): Promise<readonly VenueFill[]> {
  const { next, page: full } = reading.client.settings.traits.fills;
  const fills: VenueFill[] = [];
  for (let page = first; page.rows.length >= full;) {
    if (next.kind === 'by-time') break;
    if (next.kind === 'older') {
      const older = next.parameters(page.rows);
      if (older === null) break;
      page = await readPage(reading, from, { ...params, ...older });
      fills.push(...page.fills);
      continue;
    }
    const last = page.fills.at(-1);
    if (last === undefined) break;
    page = await readPage(reading, undefined, { [next.parameter]: last.fillId });
    const news = page.fills.filter(({ fillId }) => compareIds(fillId, last.fillId) > 0);
    fills.push(...news);
    if (news.length === 0) break;
  }
  return fills;
}

/**
 * All fills of a market from the opening of a position on, in as few requests as possible: by id where the exchange can. Throws
 * EXCHANGE_AWAY.
 */
export async function readFillsOnwards(
  client: VenueClient,
  market: PastMarket,
  since: EpochMillis,
  priority: Priority,
): Promise<readonly VenueFill[]> {
  const { next, page: full } = client.settings.traits.fills;
  const reading: Reading = { client, market, priority };
  const fills = next.kind === 'from-id' ? [...(await readPage(reading, since, {})).fills] : [];
  for (let last = fills.at(-1); next.kind === 'from-id' && last !== undefined;) {
    const { fillId } = last;
    const page = await readPage(reading, undefined, { [next.parameter]: fillId });
    const news = page.fills.filter((fill) => compareIds(fill.fillId, fillId) > 0);
    fills.push(...news);
    last = page.rows.length < full ? undefined : news.at(-1);
  }
  return fills.length > 0 ? fills : (await readFills(client, market, since, priority)).fills;
}

async function readPage(
  { client, market, priority }: Reading,
  from: EpochMillis | undefined,
  params: object,
): Promise<Page> {
  return client.ask(priority, `fills of ${market.id}`, (api) => pageOf(api, client, market, from, params));
}

async function pageOf(
  api: CcxtExchange,
  { settings }: VenueClient,
  market: PastMarket,
  from: EpochMillis | undefined,
  params: object,
): Promise<Page> {
  const { page, parameters, isFill } = settings.traits.fills;
  const trades = await api.fetchMyTrades(market.symbol, from, page, { ...parameters, ...params });
  const rows = trades.map((trade) => unified(UnifiedTrade, trade));
  const fills = rows.filter(({ info }) => isFill(info)).map((row) => fillOf(row, market));
  return { fills: fills.toSorted(byTime), rows: rows.map(({ info }) => info) };
}

/** The fills of one order. Throws EXCHANGE_AWAY, ExchangeRejection or NoResponse. */
export async function fillsOfOrder(
  client: VenueClient,
  market: PastMarket,
  orderId: OrderId,
): Promise<readonly VenueFill[]> {
  const params = { [client.settings.traits.fills.orderParameter]: orderId };
  // An exchange that ignores the parameter lists the latest fills, which include those of a recent order.
  const page = await client.send('look-up', (api) => pageOf(api, client, market, undefined, params));
  const others = await readFurtherPages({ client, market, priority: 'look-up' }, page, { from: undefined, params });
  return [...page.fills, ...others].filter((fill) => fill.orderId === orderId);
}

function byTime(one: VenueFill, other: VenueFill): number {
  return one.filledAt - other.filledAt || compareIds(one.fillId, other.fillId);
}

/** Ids are numbers of any length, so they are compared by length first. */
function compareIds(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}

function fillOf(trade: UnifiedTrade, market: PastMarket): VenueFill {
  const { id, order, side, amount, price, timestamp, fee, info } = trade;
  if (order === null) throw new Error(`fill ${id} names no order`);
  return {
    fillId: id as FillId,
    orderId: order as OrderId,
    positionSide: positionSideOf(info),
    direction: side === 'buy' ? 'BUY' : 'SELL',
    quantity: toText(new Exact(amount).mul(market.contractSize)),
    price: toText(new Exact(price)),
    fee: feeOf(fee, market),
    feeAsset: fee?.currency ?? null,
    feeAmount: fee?.cost === undefined || fee.cost === null ? null : toText(new Exact(fee.cost)),
    filledAt: timestamp,
  };
}

/** The fields in which exchanges name the side of a fill or position in hedge mode. */
const SIDE_FIELDS = ['positionSide', 'posSide'];

/** Null in one-way mode. */
export function positionSideOf(info: Readonly<Record<string, unknown>>): Side | null {
  const named = SIDE_FIELDS.map((field) => info[field]).find((value) => typeof value === 'string');
  const side = typeof named === 'string' ? named.toUpperCase() : '';
  return side === 'LONG' || side === 'SHORT' ? side : null;
}

/** The fee in quote currency; null where it is unknown or was charged in another asset. */
function feeOf(fee: { cost: DecimalText | null; currency: string | null } | null, market: PastMarket) {
  if (fee === null || fee.cost === null || fee.currency !== market.quote) return null;
  return toText(new Exact(fee.cost));
}
