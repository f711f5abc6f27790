import { z } from 'zod';
import type { Problem } from '../../errors/harvestline-error.ts';
import type { EpochMillis, ModelId, Side, TradeClosed } from '../../schemas/generated/records.ts';
import { backfillPositionIdOf, backfillTradeIdOf } from '../../schemas/ids.ts';
import { parseEventTime } from '../watch/event-time.ts';

/** One line of the earlier recorder, as a trade closed at `timestamp`. */
export interface RecordedTrade {
  readonly timestamp: EpochMillis;
  readonly symbol: string;
  readonly side: Side;
  readonly entry_price: number;
  readonly exit_price: number;
  readonly pnl_percent: number;
  readonly confidence: number | null;
  readonly model_id: string | null;
  readonly duration_seconds?: number | null | undefined;
  readonly strategy_id?: string | null | undefined;
  readonly position_size?: number | null | undefined;
  readonly exit_reason?: string | null | undefined;
}

/** Seconds since 1970 stay below this for another thousand years, milliseconds have been above it since 1973. */
const SECONDS_BELOW = 1e11;

/** Last moment that a Date can name (ECMA-262). Unit: milliseconds. */
const LAST_DATE_MS = 8.64e15;

const MS_PER_SECOND = 1000;

/** A trade whose size was not recorded counts as one contract: outcomes are in per cent. Unit: contracts. */
const UNKNOWN_SIZE = 1;

const SIDES: Readonly<Record<string, Side>> = { BUY: 'LONG', LONG: 'LONG', SELL: 'SHORT', SHORT: 'SHORT' };

const text = z.string().min(1).max(256);
const price = z.number().positive();

const RECORDED = z.object({
  timestamp: z.union([z.number(), z.string()]).transform((value, context) => {
    const at = typeof value === 'number' ? momentOfNumber(value) : parseEventTime(value);
    if (at !== null) return at;
    context.addIssue({
      code: 'custom',
      message: `must be ISO 8601, or seconds or milliseconds since 1970, found ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  }),
  symbol: text,
  side: z.string().transform((value, context): Side => {
    const side = SIDES[value.toUpperCase()];
    if (side !== undefined) return side;
    context.addIssue({ code: 'custom', message: `must be BUY, SELL, LONG or SHORT, found ${JSON.stringify(value)}` });
    return z.NEVER;
  }),
  entry_price: price,
  exit_price: price,
  pnl_percent: z.number(),
  confidence: z.number().min(0).max(1).nullable(),
  model_id: text.nullable(),
  duration_seconds: z.number().min(0).nullish(),
  strategy_id: text.nullish(),
  position_size: price.nullish(),
  exit_reason: text.nullish(),
}) satisfies z.ZodType<RecordedTrade>;

const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(RECORDED.shape));

export type ParsedTrade =
  | { readonly ok: true; readonly trade: RecordedTrade; readonly ignored: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks one recorded row: every failing path at once. Fields that no record has a place for are named, not refused. */
export function parseRecordedTrade(value: unknown): ParsedTrade {
  const result = RECORDED.safeParse(value);
  if (!result.success) {
    return {
      ok: false,
      problems: result.error.issues.map(({ path, message }) => ({
        path: path.join('.') || '(root)',
        why: plain(message),
      })),
    };
  }
  const ignored = Object.keys(value as object).filter((field) => !KNOWN_FIELDS.has(field));
  return { ok: true, trade: result.data, ignored };
}

/** zod's words for types are about code; the reader has a line of JSON. */
function plain(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message.replace(/^Invalid input: /, '');
}

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
export function contradictsPrices({ side, entry_price, exit_price, pnl_percent }: RecordedTrade): boolean {
  const move = (exit_price - entry_price) * (side === 'LONG' ? 1 : -1);
  return move * pnl_percent < 0;
}

/** A recorder that writes a trade twice does so within this time. Unit: milliseconds. */
const DOUBLE_WITHIN_MS = 50;

/**
 * Tells rows that repeat a trade that was kept already: same account, symbol, side, prices, result, model and size, at most 50 ms apart.
 * Trades are looked up by slots of 50 ms: two that are kept never share one. Memory: one entry a trade.
 */
export class KeptTrades {
  readonly #closedAt = new Map<string, EpochMillis>();

  has(trade: TradeClosed): boolean {
    const slot = slotOf(trade);
    const content = contentOf(trade);
    for (const near of [slot - 1, slot, slot + 1]) {
      const kept = this.#closedAt.get(`${content} ${near}`);
      if (kept !== undefined && Math.abs(kept - trade.closed_at) <= DOUBLE_WITHIN_MS) return true;
    }
    return false;
  }

  add(trade: TradeClosed): void {
    this.#closedAt.set(`${contentOf(trade)} ${slotOf(trade)}`, trade.closed_at);
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

function momentOfNumber(value: number): EpochMillis | null {
  const at = Math.round(value < SECONDS_BELOW ? value * MS_PER_SECOND : value);
  return at > 0 && at <= LAST_DATE_MS ? at : null;
}
