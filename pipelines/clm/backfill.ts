import type { ModelId, TradeClosed } from '../../schemas/generated/records.ts';
import { backfillPositionIdOf, backfillTradeIdOf } from '../../schemas/ids.ts';
import type { RecordedTrade } from './recorded-trade.ts';

/** A trade whose size was not recorded counts as one contract: outcomes are in per cent. Unit: contracts. */
const UNKNOWN_SIZE = 1;

const MS_PER_SECOND = 1000;

/**
 * The trade as a record. What was not recorded stays null; where the duration is not known, opened_at is closed_at.
 * pnl_percent is kept as it was recorded.
 */
export function tradeOf(recorded: RecordedTrade, account: string, venue: string): TradeClosed {
  const { symbol, side, entry_price: entryPrice, exit_price: exitPrice, pnl_percent: pnlPercent } = recorded;
  const closedAt = recorded.timestamp;
  const openedAt = Math.round(closedAt - (recorded.duration_seconds ?? 0) * MS_PER_SECOND);
  const quantity = recorded.position_size ?? UNKNOWN_SIZE;
  const model = recorded.model_id as ModelId | null;
  const tradeId = backfillTradeIdOf([
    account,
    symbol,
    side,
    closedAt,
    entryPrice,
    exitPrice,
    pnlPercent,
    model,
    quantity,
  ]);
  return {
    trade_id: tradeId,
    position_id: backfillPositionIdOf(account, symbol, side, openedAt, tradeId),
    intent_id: null,
    account,
    venue,
    symbol,
    side,
    opened_at: openedAt,
    closed_at: closedAt,
    entry_price: entryPrice,
    exit_price: exitPrice,
    quantity,
    remaining_quantity: 0,
    pnl_percent: pnlPercent,
    pnl_quote: (pnlPercent / 100) * entryPrice * quantity,
    fee_quote: null,
    fee_asset: null,
    fee_amount: null,
    opening_fee_quote: null,
    opening_fee_asset: null,
    opening_fee_amount: null,
    funding_quote: null,
    pnl_net_quote: null,
    unknown_costs: null,
    initial_stop_price: null,
    risk_quote: null,
    r_net: null,
    mae_r: null,
    mfe_r: null,
    confidence: recorded.confidence,
    model_id: model,
    exit_reason: recorded.exit_reason ?? 'BACKFILL',
    policy: null,
    regime_at_entry: null,
    order_id: null,
    client_order_id: null,
    origin: 'BACKFILL',
  };
}

/** True where the recorded result says profit and the prices say loss, or the other way round. */
export function contradictsPrices(recorded: RecordedTrade): boolean {
  return priceMoveOf(recorded) * recorded.pnl_percent < 0;
}

/** The move of the price in the position's favour, in per cent of entry_price. */
export function priceMoveOf({ side, entry_price, exit_price }: RecordedTrade): number {
  const move = (100 * (exit_price - entry_price)) / entry_price;
  return side === 'LONG' ? move : -move;
}
