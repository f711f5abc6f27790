import { Exact } from '../../ports/exact-decimal.ts';
import type { PositionReconciled, Reduction, ReductionCause, TradeClosed } from '../../schemas/generated/records.ts';
import { externalTradeIdOf } from '../../schemas/ids.ts';
import { excursionsOf, inFavour, riskOf } from './excursions.ts';
import { NO_COSTS } from './trades.ts';

/** What a slice that was none of our orders' is called, by what the venue says of its order. */
export const EXTERNAL_EXITS = {
  ORDER: { origin: 'EXTERNAL', reason: 'external_order' },
  STOP: { origin: 'EXTERNAL', reason: 'external_stop' },
  TAKE_PROFIT: { origin: 'EXTERNAL', reason: 'external_take_profit' },
  SETTLEMENT: { origin: 'EXTERNAL', reason: 'settlement' },
  LIQUIDATION: { origin: 'LIQUIDATION', reason: 'liquidation' },
  ADL: { origin: 'LIQUIDATION', reason: 'auto_deleveraging' },
} as const satisfies Record<ReductionCause, { origin: TradeClosed['origin']; reason: string }>;

/** A fill of an order of ours that was reported as not filled: the trade is true all the same. */
export const LATE_FILL = 'filled_after_report';

/**
 * The slice that a fill has realised which no order of ours has reported: closed by hand, by a stop, by the venue. One slice a
 * fill, so that its id never depends on what else was seen with it.
 */
export function externalTradeOf(reconciled: PositionReconciled, reduction: Reduction, late: boolean): TradeClosed {
  const { venue, account, symbol } = reconciled;
  const entry = new Exact(reduction.entry_price);
  const quantity = new Exact(reduction.quantity);
  const move = inFavour(reduction.side, reduction.entry_price, reduction.price);
  const pnlQuote = move.mul(quantity);
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
    pnl_percent: move.div(entry).mul(100).toNumber(),
    pnl_quote: pnlQuote.toNumber(),
    fee_quote: reduction.fee_quote,
    ...NO_COSTS,
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
