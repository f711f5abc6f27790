import { z } from 'zod';
import type { Problem } from '../../errors/harvestline-error.ts';
import type { EpochMillis, Side, ModelId, TradeClosed } from '../../schemas/generated/records.ts';
import { UNKNOWN_COSTS } from './accumulate.ts';
import { type TimeForm, parseRecordedTime, type TimeZone, UTC } from './recorded-time.ts';
import { backfillPositionIdOf, backfillTradeIdOf } from '../../schemas/ids.ts';

/**
 * One line of an earlier recorder, as a trade closed at `timestamp`. Invariants:
 *
 * CLM-24  A required field is checked strictly. An optional field, or one that may be null, takes what recorders write for "unknown": null,
 *         an empty text, `nan`, `None` and the like, in optional fields 0 as well. It is unknown then, and named.
 * CLM-25  Blanks around a text say nothing. They are taken off, and the field is named.
 */
interface RecordedTrade {
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

const SIDES: Readonly<Record<string, Side>> = { BUY: 'LONG', LONG: 'LONG', SELL: 'SHORT', SHORT: 'SHORT' };

/** Words for an unknown value, as programs and people write them; in lower case. */
const UNKNOWN_WORDS: ReadonlySet<string> = new Set([
  '',
  '-',
  'n/a',
  'na',
  'nan',
  'nil',
  'none',
  'null',
  'undefined',
  'unknown',
]);

const text = z.string().min(1).max(256);
const known = text.refine((value) => !isUnknownWord(value), 'is needed, and says unknown');
const price = z.number().positive();

const RECORDED = z.object({
  timestamp: z.union([z.number(), z.string()]),
  symbol: known,
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
});

type Field = keyof typeof RECORDED.shape;
const FIELDS = Object.keys(RECORDED.shape) as readonly Field[];
const KNOWN_FIELDS: ReadonlySet<string> = new Set(FIELDS);

/** May be left out. Here 0 stands for unknown as well: a trade has a size and takes time. */
const OPTIONAL: ReadonlySet<Field> = new Set(['duration_seconds', 'strategy_id', 'position_size', 'exit_reason']);

/** Must be there, and may be unknown. 0 is a confidence. */
const NULLABLE: ReadonlySet<Field> = new Set(['confidence', 'model_id']);

/** A field that was taken as unknown, with what it said: `"nan"`, `0`, `null`. */
interface UnknownField {
  readonly field: Field;
  readonly written: string;
}

export interface GoodTrade {
  readonly ok: true;
  readonly trade: RecordedTrade;
  /** Fields that no record has a place for. */
  readonly ignored: readonly string[];
  /** CLM-24. */
  readonly unknown: readonly UnknownField[];
  /** CLM-25. */
  readonly trimmed: readonly Field[];
  readonly timeForm: TimeForm;
  /** Clocks showed it twice; it is the earlier. */
  readonly timeAmbiguous: boolean;
  /** As the row says; no record has a place for it. */
  readonly leverage: number | null;
}

export type ParsedTrade = GoodTrade | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Checks one recorded row: every failing path at once. Fields that no record has a place for are named, not refused. Times that name
 * no zone are of `zone`.
 */
export function parseRecordedTrade(value: unknown, zone: TimeZone = UTC): ParsedTrade {
  const unknown: UnknownField[] = [];
  const trimmed: Field[] = [];
  const result = RECORDED.safeParse(plainRow(value, unknown, trimmed));
  const written = result.success ? result.data.timestamp : timestampOf(value);
  const time = written === null ? null : parseRecordedTime(written, zone);
  const problems: Problem[] = time === null || time.ok ? [] : [{ path: 'timestamp', why: time.why }];
  if (!result.success) problems.push(...result.error.issues.map(problemOf));
  if (!result.success || time === null || !time.ok) return { ok: false, problems };
  return {
    ok: true,
    trade: { ...result.data, timestamp: time.at },
    ignored: shared(Object.keys(value as object).filter((field) => !KNOWN_FIELDS.has(field))),
    unknown: shared(unknown),
    trimmed: shared(trimmed),
    timeForm: time.form,
    timeAmbiguous: time.ambiguous,
    leverage: leverageOf((value as { readonly leverage?: unknown }).leverage),
  };
}

/** Lists by their JSON. The rows of a recorder are alike, so equal lists are kept once. */
const SHARED = new Map<string, readonly unknown[]>();

/** More different ones are no recorder's habit. Unit: lists. */
const MOST_SHARED = 1000;

/** The list, or an equal one that is kept already: an import holds a million rows in memory. */
function shared<T>(list: readonly T[]): readonly T[] {
  const key = list.length === 0 ? '' : JSON.stringify(list);
  const kept = SHARED.get(key);
  // Lists with equal JSON have equal items.
  if (kept !== undefined) return kept as readonly T[];
  if (SHARED.size < MOST_SHARED) SHARED.set(key, list);
  return list;
}

/** The known fields of a row, its texts without blanks around them (CLM-25), and null for what says unknown (CLM-24). */
function plainRow(value: unknown, unknown: UnknownField[], trimmed: Field[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const row = value as Partial<Record<Field, unknown>>;
  const plain: Partial<Record<Field, unknown>> = {};
  for (const field of FIELDS) {
    if (!Object.hasOwn(row, field)) continue;
    const written = row[field];
    plain[field] = typeof written === 'string' ? written.trim() : written;
    if (saysUnknown(field, plain[field])) {
      plain[field] = null;
      unknown.push({ field, written: JSON.stringify(written) });
    } else if (plain[field] !== written) trimmed.push(field);
  }
  return plain;
}

function saysUnknown(field: Field, value: unknown): boolean {
  if (!OPTIONAL.has(field) && !NULLABLE.has(field)) return false;
  if (value === null || (value === 0 && OPTIONAL.has(field))) return true;
  return typeof value === 'string' && isUnknownWord(value);
}

function isUnknownWord(value: string): boolean {
  return UNKNOWN_WORDS.has(value.toLowerCase());
}

/** So that a bad time is named together with everything else that is wrong. */
function timestampOf(value: unknown): number | string | null {
  if (typeof value !== 'object' || value === null || !('timestamp' in value)) return null;
  const { timestamp } = value;
  return typeof timestamp === 'number' || typeof timestamp === 'string' ? timestamp : null;
}

function leverageOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < Infinity ? value : null;
}

function problemOf({ path, message }: z.core.$ZodIssue): Problem {
  return { path: path.join('.') || '(root)', why: plainWords(message) };
}

/** zod's messages are about code; the reader has a line of JSON. */
function plainWords(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message.replace(/^Invalid input: /, '');
}

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
    ...UNKNOWN_COSTS,
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
