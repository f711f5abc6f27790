/**
 * Builds the trade.closed records of execution: one for each order of ours that filled, one for each other fill that reduced a position.
 * Pure.
 *
 * An order of ours is one slice of its position, also where its intent led to several orders: the slices then do not depend on which orders
 * had been reported when a process ended, and a fill that shows up late is assigned by its order. A fill by others is a slice of its own, so
 * that its trade id never depends on which fills were observed together.
 *
 * Price, quantity, fee and remaining quantity are the venue's. entry_price comes from the intent: its snapshot read it from the venue, a
 * reduction does not change it, and it is at hand after a crash, when the position may be flat and venues no longer show an entry.
 *
 * pnl_quote = (exit - entry) x quantity, negated for SHORT; pnl_percent = the same move / entry x 100; risk_quote = |entry - initial stop| x
 * quantity. Costs, and R after costs, are added by costs.ts.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, VenueOrder } from '../../ports/exchange.ts';
import type {
  ClientOrderId,
  HarvestIntent,
  PositionReconciled,
  Reduction,
  ReductionCause,
  Side,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf, externalTradeIdOf, tradeIdOf } from '../../schemas/ids.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';
import { AHEAD_MS } from '../../schemas/time-bound.ts';
import { UNKNOWN_COSTS } from '../clm/accumulate.ts';

/** An order that is filled, at least in part, and so has a price. */
export type FilledOrder = VenueOrder & { readonly averagePrice: DecimalText };

export function isFilled(order: VenueOrder): order is FilledOrder {
  return order.averagePrice !== null && new Exact(order.filledQuantity).gt(0);
}

/** An order with a fill time that a log accepts. */
interface DatedOrder<T extends VenueOrder> {
  readonly order: T;
  /** What was wrong with the venue's time; null: nothing. */
  readonly correction: string | null;
}

/** Replaces a fill time that is ahead of the clock by `now`: a fill that is known has happened. */
export function datedOrder<T extends VenueOrder>(order: T, now: EpochMillis): DatedOrder<T> {
  const { filledAt } = order;
  if (filledAt <= now + AHEAD_MS) return { order, correction: null };
  const correction = `the venue dates the fill ${filledAt - now} ms ahead of the clock: taken as ${now}`;
  return { order: { ...order, filledAt: now }, correction };
}

/** The trade of an order of ours. `remaining` is the open size after it, as the venue says. */
export function tradeOf(
  intent: HarvestIntent,
  venue: string,
  order: FilledOrder,
  remaining: DecimalText,
  clientOrderId: ClientOrderId = clientOrderIdOf(intent.intent_id),
): TradeClosed {
  const quantity = new Exact(order.filledQuantity);
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
    ...profitOf(intent, order.averagePrice, quantity),
    fee_quote: order.fee === null ? null : Number(order.fee),
    ...UNKNOWN_COSTS,
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

/** The origin and exit reason of a fill by others, by the kind of order that the venue names as its cause. */
const EXTERNAL_EXITS = {
  ORDER: { origin: 'EXTERNAL', reason: 'external_order' },
  STOP: { origin: 'EXTERNAL', reason: 'external_stop' },
  TAKE_PROFIT: { origin: 'EXTERNAL', reason: 'external_take_profit' },
  SETTLEMENT: { origin: 'EXTERNAL', reason: 'settlement' },
  LIQUIDATION: { origin: 'LIQUIDATION', reason: 'liquidation' },
  ADL: { origin: 'LIQUIDATION', reason: 'auto_deleveraging' },
} as const satisfies Record<ReductionCause, { origin: TradeClosed['origin']; reason: string }>;

/** The exit reason of a fill of an order of ours that had been reported as not filled. */
const LATE_FILL = 'filled_after_report';

/**
 * The trade of a fill that no report of our orders covers: closed by hand, by a stop, by the venue. `late`: by an order of ours that had been
 * reported as not filled.
 */
export function externalTradeOf(reconciled: PositionReconciled, reduction: Reduction, late: boolean): TradeClosed {
  const { venue, account, symbol } = reconciled;
  const quantity = new Exact(reduction.quantity);
  const { origin, reason } = EXTERNAL_EXITS[reduction.cause];
  return {
    trade_id: externalTradeIdOf(venue, account, symbol, reduction.fill_id),
    position_id: reduction.position_id,
    intent_id: null,
    account,
    venue,
    symbol,
    side: reduction.side,
    opened_at: reduction.opened_at,
    closed_at: reduction.closed_at,
    entry_price: reduction.entry_price,
    exit_price: reduction.price,
    quantity: reduction.quantity,
    remaining_quantity: reduction.remaining_quantity,
    ...profitOf(reduction, reduction.price, quantity),
    fee_quote: reduction.fee_quote,
    ...UNKNOWN_COSTS,
    initial_stop_price: reduction.initial_stop_price,
    risk_quote: riskOf(reduction, quantity)?.toNumber() ?? null,
    r_net: null,
    ...excursionsOf(reduction, reduction.price),
    confidence: reduction.confidence_at_entry,
    model_id: reduction.model_id,
    exit_reason: late ? LATE_FILL : reason,
    policy: null,
    regime_at_entry: reduction.regime_at_entry,
    order_id: reduction.order_id,
    client_order_id: late ? reduction.client_order_id : null,
    origin,
  };
}

/**
 * Opening and closing time of a slice. A venue's clock may be slightly behind the one that dated the opening: the slice then closes when it
 * opened. An opening dated far after its own close comes from a wrong clock, zone or unit: the fill's time then stands for both.
 */
function timesOf(openedAt: EpochMillis, filledAt: EpochMillis): Pick<TradeClosed, 'opened_at' | 'closed_at'> {
  if (openedAt > filledAt + AHEAD_MS) return { opened_at: filledAt, closed_at: filledAt };
  return { opened_at: openedAt, closed_at: Math.max(filledAt, openedAt) };
}

/** Before costs. */
function profitOf(
  { side, entry_price: entry }: Pick<RiskedPosition, 'side' | 'entry_price'>,
  price: number | string,
  quantity: Exact,
): Pick<TradeClosed, 'pnl_percent' | 'pnl_quote'> {
  const move = inFavour(side, entry, price);
  return { pnl_percent: move.div(entry).mul(100).toNumber(), pnl_quote: move.mul(quantity).toNumber() };
}

/** The risk and the observed prices of a position, as an intent or a reduction has them. */
type RiskedPosition = Pick<HarvestIntent, 'side' | 'entry_price' | 'initial_stop_price' | 'peak_price' | 'worst_price'>;

/**
 * The initial risk of a quantity: |entry - initial stop| x quantity. Null where the stop is unknown, or lies at the entry (SCH-11). Unit: quote
 * currency.
 */
export function riskOf(
  { entry_price: entry, initial_stop_price: stop }: Pick<RiskedPosition, 'entry_price' | 'initial_stop_price'>,
  quantity: Exact,
): Exact | null {
  const risk = stop === null ? null : new Exact(entry).sub(stop).abs().mul(quantity);
  return risk === null || risk.isZero() ? null : risk;
}

/** `profit` over `risk`; null where R is larger than a record may have (SCH-11). Unit: multiples of the initial risk (R), signed. */
export function inR(profit: Exact, risk: Exact | null): number | null {
  if (risk === null) return null;
  const r = profit.div(risk).toNumber();
  return Math.abs(r) <= GREATEST_R ? r : null;
}

/** Maximum adverse and favourable excursion: the worst and best R from the opening to the exit, among observed prices and the exit's own. */
export function excursionsOf(
  position: RiskedPosition,
  exitPrice: number | string,
): Pick<TradeClosed, 'mae_r' | 'mfe_r'> {
  const { side, entry_price: entry, peak_price: peak, worst_price: worst } = position;
  const risk = riskOf(position, new Exact(1));
  const at = (price: number | string): Exact => inFavour(side, entry, price);
  return {
    mae_r: worst === null ? null : inR(Exact.min(at(worst), at(exitPrice)), risk),
    mfe_r: peak === null ? null : inR(Exact.max(at(peak), at(exitPrice)), risk),
  };
}

/** How far a price is from the entry in the position's favour. Unit: quote currency per contract, signed. */
function inFavour(side: Side, entry: number | string, price: number | string): Exact {
  return new Exact(price).sub(entry).mul(side === 'LONG' ? 1 : -1);
}
