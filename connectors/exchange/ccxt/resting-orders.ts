/**
 * Resting orders of a position: stops, targets and reduce-only orders in the book, and the cause of an order that filled.
 *
 * EXC-27  An order that could open another position does not count.
 * EXC-28  Open and conditional orders are read together: if either list cannot be had, the answer is EXCHANGE_AWAY.
 */
import { messageOf } from '../../../errors/harvestline-error.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { DecimalText, RestingCancellation, RestingOrder } from '../../../ports/exchange.ts';
import type { VenueStops, OrderOrigin } from '../../../ports/venue.ts';
import type { OrderId, Side } from '../../../schemas/generated/records.ts';
import { positionSideOf } from './read-fills.ts';
import type { Priority } from './request-queue.ts';
import { UnifiedOrder, unified } from './unified.ts';
import type { VenueClient } from './venue-client.ts';
import type { PastMarket } from './venue-markets.ts';
import { ExchangeRejection } from './exchange-rejection.ts';
import type { VenueTraits } from './venues/venue-traits.ts';

/** EXC-28. Oldest first; orders without a time come first. Throws EXCHANGE_AWAY. */
export async function readResting(
  client: VenueClient,
  market: PastMarket,
  side: Side,
  priority: Priority,
): Promise<readonly RestingOrder[]> {
  const { openOrders, conditionalOrders } = client.settings.traits;
  const book = await client.ask(priority, `open orders of ${market.id}`, (api) => openOrders(api, market));
  const conditional = await client.ask(priority, `stops of ${market.id}`, (api) => conditionalOrders(api, market));
  const found = new Map<string, RestingOrder>();
  // Some exchanges list conditional orders among the open ones as well.
  for (const [orders, isConditional] of [[book, false] as const, [conditional, true] as const]) {
    for (const order of restingOf(orders, side, isConditional, market)) {
      found.set(`${order.kind} ${order.isConditional} ${order.orderId}`, order);
    }
  }
  return [...found.values()].toSorted((one, other) => (one.placedAt ?? 0) - (other.placedAt ?? 0));
}

/** EXC-27. Pure. */
export function restingOf(
  orders: readonly unknown[],
  side: Side,
  isConditional: boolean,
  market: Pick<PastMarket, 'contractSize'>,
): readonly RestingOrder[] {
  return orders
    .map((order) => unified(UnifiedOrder, order))
    .filter((order) => wouldClose(order, side))
    .flatMap((order) => restingOrdersOf(order, isConditional, market));
}

/** One order may be both stop and target: whichever is hit first cancels the other. */
function restingOrdersOf(
  order: UnifiedOrder,
  isConditional: boolean,
  { contractSize }: Pick<PastMarket, 'contractSize'>,
): readonly RestingOrder[] {
  const { id, amount, filled, timestamp, info, stopLossPrice, takeProfitPrice } = order;
  const left = amount === null ? null : new Exact(amount).sub(filled ?? 0).mul(contractSize);
  const [stop, target] = [positive(stopLossPrice), positive(takeProfitPrice)];
  const trigger = positive(order.triggerPrice) ?? stop ?? target;
  const one: Omit<RestingOrder, 'kind'> = {
    orderId: id as OrderId,
    isConditional: isConditional || trigger !== null,
    quantity: left?.gt(0) === true ? toText(left) : null,
    price: trigger ?? positive(order.price),
    placedAt: timestamp,
    wholePosition: closesAll(info),
  };
  if (stop !== null && target !== null) {
    return [
      { ...one, kind: 'STOP', price: stop },
      { ...one, kind: 'TAKE_PROFIT', price: target },
    ];
  }
  const kind = kindOf(order);
  return [{ ...one, kind: kind === 'STOP' || kind === 'TAKE_PROFIT' ? kind : isLimit(order) ? 'LIMIT' : 'OTHER' }];
}

function isLimit({ type, info }: UnifiedOrder): boolean {
  return [type, info['type'], info['origType'], info['ordType']].some(
    (kind) => typeof kind === 'string' && /limit|post/i.test(kind),
  );
}

function positive(text: DecimalText | null): DecimalText | null {
  return text !== null && new Exact(text).gt(0) ? toText(new Exact(text)) : null;
}

function closesAll(info: UnifiedOrder['info']): boolean {
  return info['closePosition'] === true || info['closePosition'] === 'true';
}

/** EXC-27. */
function wouldClose({ side: direction, reduceOnly, info }: UnifiedOrder, side: Side): boolean {
  if (direction !== (side === 'LONG' ? 'sell' : 'buy')) return false;
  const named = positionSideOf(info);
  if (named !== null) return named === side;
  return reduceOnly === true || closesAll(info);
}

/**
 * The stop and target prices of a side. Of several, the one that would be hit first counts: the highest stop and the lowest target of a
 * LONG, the reverse for a SHORT. Pure.
 */
export function stopsOf(resting: readonly RestingOrder[], side: Side): VenueStops {
  return {
    stopPrice: firstHit(resting, 'STOP', side === 'LONG'),
    takeProfitPrice: firstHit(resting, 'TAKE_PROFIT', side === 'SHORT'),
    resting,
  };
}

function firstHit(
  resting: readonly RestingOrder[],
  wanted: RestingOrder['kind'],
  highest: boolean,
): DecimalText | null {
  const prices = resting.flatMap(({ kind, price }) => (kind === wanted && price !== null ? [price] : []));
  if (prices.length === 0) return null;
  return toText(highest ? Exact.max(...prices) : Exact.min(...prices));
}

/** Cancels a resting order. */
export async function cancelRestingOrder(
  client: VenueClient,
  market: PastMarket,
  { orderId, isConditional }: RestingOrder,
): Promise<RestingCancellation> {
  try {
    await client.send('cancel', (api) => client.settings.traits.cancelResting(api, market, orderId, isConditional));
    return { kind: 'cancelled' };
  } catch (thrown) {
    if (!(thrown instanceof ExchangeRejection)) return { kind: 'unavailable', message: messageOf(thrown) };
    if (thrown.absent) return { kind: 'gone' };
    const message = thrown.code === null ? thrown.message : `${thrown.code}: ${thrown.message}`;
    return { kind: thrown.rule.meaning === 'rejected' ? 'refused' : 'unavailable', message };
  }
}

type Cause = OrderOrigin['cause'];

/** Matched against the exchange's own name for the type of order before ccxt's, which is less specific. */
const TARGET = /take.?profit/i;
const STOP = /stop|trailing/i;

/** The cause of an order, as far as the order itself tells. */
export function causeOf(order: UnifiedOrder, madeBy: VenueTraits['madeBy']): Cause {
  return madeBy(order.clientOrderId, order.info) ?? kindOf(order) ?? 'ORDER';
}

/** Null: neither stop nor target. */
function kindOf({ type, stopLossPrice, takeProfitPrice, info }: UnifiedOrder): 'STOP' | 'TAKE_PROFIT' | null {
  const words = [info['origType'], info['orderType'], info['stopOrderType'], info['type'], type];
  const kinds = words.filter((kind) => typeof kind === 'string');
  if (kinds.some((kind) => TARGET.test(kind))) return 'TAKE_PROFIT';
  // A conditional order without a telling name: ccxt decides by the side of the mark on which it waits.
  if (takeProfitPrice !== null && stopLossPrice === null) return 'TAKE_PROFIT';
  return stopLossPrice !== null || kinds.some((kind) => STOP.test(kind)) ? 'STOP' : null;
}

/** Whether a conditional order became the order of that id when it triggered. */
export function isTriggerOf({ info }: UnifiedOrder, orderId: string): boolean {
  const { actualOrderId } = info;
  return (typeof actualOrderId === 'string' || typeof actualOrderId === 'number') && String(actualOrderId) === orderId;
}
