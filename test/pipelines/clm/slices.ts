import type { ModelId, TradeClosed, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

/** A slice of one LONG position opened at 100, by default 1 contract at 107 with 1 left. Its result follows from its prices. */
export function slice(id: string, fields: Partial<TradeClosed> = {}): TradeClosed {
  const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...fields, trade_id: id as TradeId };
  const move = (trade.exit_price - trade.entry_price) * (trade.side === 'LONG' ? 1 : -1);
  const pnl = fields.pnl_quote ?? move * trade.quantity;
  const { fee_quote: fee, opening_fee_quote: opening, funding_quote: funding, risk_quote: risk } = trade;
  const net = fee === null || opening === null || funding === null ? null : pnl - fee - opening - funding;
  return {
    ...trade,
    pnl_percent: fields.pnl_percent ?? (move / trade.entry_price) * 100,
    pnl_quote: pnl,
    pnl_net_quote: net,
    r_net: net === null || risk === null ? null : net / risk,
  };
}

export const OTHER_MODEL = 'ensemble-4' as ModelId;
