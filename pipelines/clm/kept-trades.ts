import type { EpochMillis, TradeClosed } from '../../schemas/generated/records.ts';

/** A recorder that writes a trade twice does so within this time. Unit: milliseconds. */
const DOUBLE_WITHIN_MS = 50;

interface Kept {
  readonly closedAt: EpochMillis;
  /** Which row it was, as the keeper counts them. */
  readonly row: number;
}

/**
 * Tells rows that repeat a trade that was kept already: same account, symbol, side, prices, result, model and size, at most 50 ms apart.
 * Trades are looked up by slots of 50 ms: two that are kept never share one. Memory: one entry a trade.
 */
export class KeptTrades {
  readonly #kept = new Map<string, Kept>();

  /** The row of the trade that this one repeats; null for one that repeats none. */
  repeated(trade: TradeClosed): number | null {
    const slot = slotOf(trade);
    const content = contentOf(trade);
    for (const near of [slot - 1, slot, slot + 1]) {
      const kept = this.#kept.get(`${content} ${near}`);
      if (kept !== undefined && Math.abs(kept.closedAt - trade.closed_at) <= DOUBLE_WITHIN_MS) return kept.row;
    }
    return null;
  }

  has(trade: TradeClosed): boolean {
    return this.repeated(trade) !== null;
  }

  add(trade: TradeClosed, row = 0): void {
    this.#kept.set(`${contentOf(trade)} ${slotOf(trade)}`, { closedAt: trade.closed_at, row });
  }
}

function slotOf({ closed_at }: TradeClosed): number {
  return Math.floor(closed_at / DOUBLE_WITHIN_MS);
}

function contentOf({
  account,
  symbol,
  side,
  entry_price,
  exit_price,
  pnl_percent,
  model_id,
  quantity,
}: TradeClosed): string {
  return `${account} ${symbol} ${side} ${entry_price} ${exit_price} ${pnl_percent} ${model_id} ${quantity}`;
}
