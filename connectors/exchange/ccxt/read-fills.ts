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

/** How far back is asked for where an exchange refuses to tell of more. Unit: milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;
/** Where an exchange bounds no question. Unit: milliseconds. */
const LONGEST_SPAN_MS = 30 * DAY_MS;
const NARROWER_MS = [90 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS];

/**
 * All fills of a market from `since` on: window by window where the exchange bounds what one question may span, page by page within it.
 * Throws EXCHANGE_AWAY.
 *
 * EXC-15  A full page is gone on from as the exchange's trait says: by the id of its last fill or by a cursor, so that any number of fills may
 *      share a millisecond. Where an exchange has no such question it is by time, and one that gives the same full page again throws.
 * EXC-16  An exchange that refuses to tell of what is that old is asked for less, and `since` says from when on the fills are whole.
 */
export async function readFills(
  client: VenueClient,
  market: PastMarket,
  since: EpochMillis,
  priority: Priority,
): Promise<Fills> {
  const now = client.clock.now();
  // EXC-16.
  const earliest = Math.max(since, earliestTold(client));
  const narrower = NARROWER_MS.map((reach) => now - reach).filter((start) => start > earliest);
  for (const start of [earliest, ...narrower]) {
    try {
      return { fills: await readFrom({ client, market, priority }, start, now), since: start };
    } catch (thrown) {
      // EXC-16.
      if (start === narrower.at(-1) || !isRefusal(thrown)) throw thrown;
    }
  }
  throw new HarvestlineError('EXCHANGE_AWAY', `${client.id}: fills of ${market.id}: none are told`);
}

/** What is older an exchange may leave out without a word. */
function earliestTold({ clock, settings }: VenueClient): EpochMillis {
  const { reachMs } = settings.traits.fills;
  return reachMs === null ? 0 : clock.now() - reachMs;
}

/** A stretch of less is read whole, however many fills it has. Unit: milliseconds. */
const SHORTEST_SPAN_MS = 60_000;

/**
 * The old fills of markets, backwards, one question at a time. Null where it would have to wait for others; `since` is `before` where nothing
 * older is told. Throws EXCHANGE_AWAY.
 *
 * EXC-17  The answer is whole: of a stretch that fills a page half is asked for, and so on, and the next question goes by what was learnt.
 */
export class OlderFills {
  readonly #client: VenueClient;
  /** What a page holds for certain, by market. Unit: milliseconds. */
  readonly #spans = new Map<string, number>();

  constructor(client: VenueClient) {
    this.#client = client;
  }

  async read(market: PastMarket, before: EpochMillis): Promise<Fills | null> {
    const client = this.#client;
    const { windowMs, page: full, next } = client.settings.traits.fills;
    const widest = windowMs ?? LONGEST_SPAN_MS;
    const earliest = earliestTold(client);
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
        if (!isRefusal(thrown)) throw thrown;
        // EXC-16.
        if (span <= DAY_MS) return { fills: [], since: before };
        continue;
      }
      if (page === null) return null;
      const isWhole = page.rows.length < full;
      if (!isWhole && span > SHORTEST_SPAN_MS) continue;
      this.#spans.set(market.id, isWhole ? Math.min(widest, 2 * span) : span);
      const params = { until: before };
      const others = isWhole || next.kind === 'by-time' ? [] : await readOn(reading, page, { from: since, params });
      const fills = [...page.fills, ...others].filter(({ filledAt }) => filledAt <= before);
      return { fills: fills.toSorted(byTime), since };
    }
  }
}

/** Whose fills are read, and what for. */
interface Reading {
  readonly client: VenueClient;
  readonly market: PastMarket;
  readonly priority: Priority;
}

function isRefusal(thrown: unknown): boolean {
  const cause = thrown instanceof HarvestlineError ? thrown.cause : undefined;
  return cause instanceof ExchangeRejection && !cause.keys && cause.rule.meaning === 'refused';
}

async function readFrom(reading: Reading, since: EpochMillis, now: EpochMillis): Promise<readonly VenueFill[]> {
  const { client, market } = reading;
  const { windowMs, next, page: full } = client.settings.traits.fills;
  const fills = new Map<FillId, VenueFill>();
  for (let from = since; from <= now;) {
    const until = windowMs === null ? null : from + windowMs;
    // The end of the last window lies ahead: a fill of this moment must not be missed by a clock that is late.
    const params = until === null || until > client.clock.now() ? {} : { until };
    const page = await readPage(reading, from, params);
    const others = next.kind === 'by-time' ? [] : await readOn(reading, page, { from, params });
    const news = page.fills.filter(({ fillId }) => !fills.has(fillId));
    for (const fill of [...page.fills, ...others]) fills.set(fill.fillId, fill);
    const isFull = page.rows.length >= full;
    // They were read to the newest of all.
    if (isFull && next.kind === 'from-id') break;
    const last = page.fills.at(-1);
    if (isFull && next.kind === 'by-time' && last !== undefined) {
      if (news.length === 0) {
        throw new HarvestlineError('EXCHANGE_AWAY', `${client.id}: fills of ${market.id}: the same page again`);
      }
      // Others of the same millisecond may follow on the next page.
      from = last.filledAt;
    } else if (until === null) break;
    else from = until;
  }
  return [...fills.values()].toSorted(byTime);
}

/** One answer. */
interface Page {
  /** Oldest first. */
  readonly fills: readonly VenueFill[];
  /** As the exchange sent them, those that are no fills too. */
  readonly rows: readonly Info[];
}

/** EXC-15: all fills that follow a full page. None where the exchange has no such question. */
async function readOn(
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
 * All fills of a market from an opening on, in as few questions as its age allows: by id where the exchange has that question. Throws
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
  // An exchange that does not know the parameter lists its latest fills, which these are among.
  const page = await client.send('look-up', (api) => pageOf(api, client, market, undefined, params));
  const others = await readOn({ client, market, priority: 'look-up' }, page, { from: undefined, params });
  return [...page.fills, ...others].filter((fill) => fill.orderId === orderId);
}

function byTime(one: VenueFill, other: VenueFill): number {
  return one.filledAt - other.filledAt || compareIds(one.fillId, other.fillId);
}

/** Fills of the same millisecond are numbered in their order. */
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

/** What exchanges call the side that a fill or position belongs to in hedge mode. */
const SIDE_FIELDS = ['positionSide', 'posSide'];

/** Null in one-way mode. */
export function positionSideOf(info: Readonly<Record<string, unknown>>): Side | null {
  const named = SIDE_FIELDS.map((field) => info[field]).find((value) => typeof value === 'string');
  const side = typeof named === 'string' ? named.toUpperCase() : '';
  return side === 'LONG' || side === 'SHORT' ? side : null;
}

/** Null where it is not said, or was charged in another currency than the quote. */
function feeOf(fee: { cost: DecimalText | null; currency: string | null } | null, market: PastMarket) {
  if (fee === null || fee.cost === null || fee.currency !== market.quote) return null;
  return toText(new Exact(fee.cost));
}
