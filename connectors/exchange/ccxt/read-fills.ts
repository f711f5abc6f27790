import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { DecimalText } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { FillId, OrderId, Side } from '../../../schemas/generated/records.ts';
import { UnifiedTrade, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { VenueMarket } from './venue-markets.ts';

/** As many as exchanges give at a time. Unit: fills. */
const PAGE = 1000;

/**
 * All fills of a market from `since` on, oldest first: window by window where the exchange bounds what one question may span, page
 * by page within it. Throws EXCHANGE_AWAY, also where an exchange gives the same full page again.
 */
export async function readFills(
  client: VenueClient,
  market: VenueMarket,
  since: EpochMillis,
): Promise<readonly VenueFill[]> {
  const { fillsWindowMs } = client.settings.traits;
  const now = client.clock.now();
  const fills = new Map<FillId, VenueFill>();
  for (let from = since; from <= now;) {
    const until = fillsWindowMs === null ? null : from + fillsWindowMs;
    const page = await readPage(client, market, from, until);
    const news = page.filter(({ fillId }) => !fills.has(fillId));
    for (const fill of page) fills.set(fill.fillId, fill);
    const last = page.at(-1);
    if (page.length >= PAGE && last !== undefined) {
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

async function readPage(
  client: VenueClient,
  market: VenueMarket,
  from: EpochMillis,
  until: EpochMillis | null,
): Promise<readonly VenueFill[]> {
  // The end of the last window lies ahead: a fill of this moment must not be missed by a clock that is late.
  const params = until === null || until > client.clock.now() ? {} : { until };
  const page = await client.ask(`fills of ${market.id}`, async (api) =>
    (await api.fetchMyTrades(market.symbol, from, PAGE, params)).map((trade) => fillOf(trade, market)),
  );
  return page.toSorted(byTime);
}

/** The fills of one order. Throws VenueRefusal or VenueSilence. */
export async function fillsOfOrder(
  client: VenueClient,
  market: VenueMarket,
  orderId: OrderId,
): Promise<readonly VenueFill[]> {
  return client.send(async (api) => {
    // An exchange that does not know the parameter lists its latest fills, which these are among.
    const trades = await api.fetchMyTrades(market.symbol, undefined, PAGE, { orderId });
    return trades.map((trade) => fillOf(trade, market)).filter((fill) => fill.orderId === orderId);
  });
}

function byTime(one: VenueFill, other: VenueFill): number {
  return one.filledAt - other.filledAt || compareIds(one.fillId, other.fillId);
}

/** Fills of the same millisecond are numbered in their order. */
function compareIds(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}

function fillOf(given: unknown, market: VenueMarket): VenueFill {
  const { id, order, side, amount, price, timestamp, fee, info } = unified(UnifiedTrade, given);
  if (order === null) throw new Error(`fill ${id} names no order`);
  return {
    fillId: id as FillId,
    orderId: order as OrderId,
    positionSide: positionSideOf(info),
    direction: side === 'buy' ? 'BUY' : 'SELL',
    quantity: toText(new Exact(amount).mul(market.contractSize)),
    price: toText(new Exact(price)),
    fee: feeOf(fee, market),
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
function feeOf(fee: { cost: DecimalText | null; currency: string | null } | null, market: VenueMarket) {
  if (fee === null || fee.cost === null || fee.currency !== market.quote) return null;
  return toText(new Exact(fee.cost));
}
