import { isKind } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { DecimalText, VenueOrder } from '../../ports/exchange.ts';
import type { ClientOrderId, HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';
import { clientOrderIdOf, tradeIdOf } from '../../schemas/ids.ts';
import { AHEAD_MS } from '../../schemas/time-bound.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import { excursionsOf, inFavour, riskOf } from './excursions.ts';

/** An order of which something is filled, so that it has a price. */
export type FilledOrder = VenueOrder & { readonly averagePrice: DecimalText };

export function isFilled(order: VenueOrder): order is FilledOrder {
  return order.averagePrice !== null && new Exact(order.filledQuantity).gt(0);
}

/** What the venue says of an order is no number, or none that its records may have. */
export function isNoRecord(thrown: unknown): thrown is Error {
  return isKind(thrown, 'poison') || (thrown instanceof Error && thrown.message.startsWith('[DecimalError]'));
}

/** A fill with a time that a log takes, and what was wrong with the venue's. */
export interface DatedOrder<T extends VenueOrder> {
  readonly order: T;
  readonly correction: string | null;
}

/** A venue whose clock is ahead dates fills into the future: such a fill was at `now` at the latest, since it is known by then. */
export function datedOrder<T extends VenueOrder>(order: T, now: EpochMillis): DatedOrder<T> {
  const { filledAt } = order;
  if (filledAt <= now + AHEAD_MS) return { order, correction: null };
  const correction = `the venue dates the fill ${filledAt - now} ms ahead of the clock: taken as ${now}`;
  return { order: { ...order, filledAt: now }, correction };
}

/**
 * The times of a slice. A venue's clock may be a little behind the one that dated the opening: the fill is taken for as late then. An
 * opening that lies far behind its own close was dated by a clock, a zone or a unit that is wrong: the fill is all that is known.
 */
function timesOf(openedAt: EpochMillis, filledAt: EpochMillis): Pick<TradeClosed, 'opened_at' | 'closed_at'> {
  if (openedAt > filledAt + AHEAD_MS) return { opened_at: filledAt, closed_at: filledAt };
  return { opened_at: openedAt, closed_at: Math.max(filledAt, openedAt) };
}

/**
 * The slice that a filled order has realised. `remaining` is the open size after it, from the venue. One order is one slice, also where an
 * intent led to several: the sum of slices does not depend on which of them has been reported when a process ends, and a fill that turns up
 * late is told from the others by its order.
 *
 * Price, quantity, fee and remaining are the venue's. entry_price is the intent's: the snapshot read it from the venue
 * for the decision and its R, a reduction does not change it, and it is at hand on every path, also when the order is
 * found after a crash on a position that is flat by then, for which venues no longer name an entry.
 *
 * pnl_quote = (exit - entry) x quantity, negated for SHORT; pnl_percent = the same move / entry x 100;
 * risk_quote = |entry - initial stop| x quantity. What the slice has cost, and R after that, follow in costs.ts.
 */
export function tradeOf(
  intent: HarvestIntent,
  venue: string,
  order: FilledOrder,
  remaining: DecimalText,
  clientOrderId: ClientOrderId = clientOrderIdOf(intent.intent_id),
): TradeClosed {
  const entry = new Exact(intent.entry_price);
  const quantity = new Exact(order.filledQuantity);
  const move = inFavour(intent.side, intent.entry_price, order.averagePrice);
  const pnlQuote = move.mul(quantity);
  return {
    trade_id: tradeIdOf(clientOrderId),
    position_id: intent.position_id,
    intent_id: intent.intent_id,
    account: intent.account,
    venue,
    symbol: intent.symbol,
    side: intent.side,
    ...timesOf(intent.opened_at, order.filledAt),
    entry_price: intent.entry_price,
    exit_price: Number(order.averagePrice),
    quantity: quantity.toNumber(),
    remaining_quantity: Number(remaining),
    pnl_percent: move.div(entry).mul(100).toNumber(),
    pnl_quote: pnlQuote.toNumber(),
    fee_quote: order.fee === null ? null : Number(order.fee),
    ...NO_COSTS,
    initial_stop_price: intent.initial_stop_price,
    risk_quote: riskOf(intent, quantity)?.toNumber() ?? null,
    r_net: null,
    ...excursionsOf(intent, order.averagePrice),
    confidence: intent.confidence_at_entry,
    model_id: intent.model_id,
    exit_reason: intent.reason,
    policy: intent.policy,
    regime_at_entry: intent.regime_at_entry,
    order_id: order.orderId,
    client_order_id: clientOrderId,
    origin: 'HARVEST',
  };
}

/** Nothing is known of what a slice has cost besides its own fee. */
export const NO_COSTS = {
  fee_asset: null,
  fee_amount: null,
  opening_fee_quote: null,
  opening_fee_asset: null,
  opening_fee_amount: null,
  funding_quote: null,
  pnl_net_quote: null,
  unknown_costs: null,
} as const satisfies Partial<TradeClosed>;
