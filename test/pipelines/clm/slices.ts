import type { ModelId, TradeClosed, TradeId } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { GOOD_RECORDS } from '../../schemas/good-records.ts';

/** A slice of one LONG position opened at 100, by default 1 contract at 107 with 1 left. Its result follows from its prices. */
export function slice(id: string, fields: Partial<TradeClosed> = {}): TradeClosed {
  const trade = { ...GOOD_RECORDS[TOPICS.tradeClosed.name], ...fields, trade_id: id as TradeId };
  const move = (trade.exit_price - trade.entry_price) * (trade.side === 'LONG' ? 1 : -1);
  return {
    ...trade,
    pnl_percent: fields.pnl_percent ?? (move / trade.entry_price) * 100,
    pnl_quote: fields.pnl_quote ?? move * trade.quantity,
  };
}

export const OTHER_MODEL = 'ensemble-4' as ModelId;
