import { joinedAssets, type DecimalText, type Pricing, type VenueOrder } from '../../ports/exchange.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type {
  ExecutionReport,
  HarvestIntent,
  OrderId,
  OrderStyle,
  ReportedResting,
  TradeClosed,
} from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import { type OrderSizing, type PlannedOrder, type Sizing, slippageBpsOf, slippageOf } from './order-plan.ts';
import type { ReasonOf, Suppression } from './reasons.ts';
import { restingWords } from './resting.ts';

/** The schema's bound on `detail`, which a venue's message may exceed. Unit: characters. */
const MAX_DETAIL = 2048;

/** The fields of every report of an intent, with the nulls and zeros of an intent that never became an order. */
function blankReport(intent: HarvestIntent, at: LogRecord, venue: string, style: OrderStyle, now: EpochMillis) {
  return {
    intent_id: intent.intent_id,
    position_id: intent.position_id,
    account: intent.account,
    venue,
    symbol: intent.symbol,
    side: intent.side,
    action: intent.action,
    client_order_id: clientOrderIdOf(intent.intent_id),
    order_id: null,
    position_quantity: null,
    requested_quantity: 0,
    rounded_quantity: 0,
    filled_quantity: 0,
    average_price: null,
    fee: null,
    fee_asset: null,
    fee_amount: null,
    resting: null,
    remaining_quantity: null,
    submitted_at: null,
    reported_at: now,
    latency_ms: null,
    intent: { topic: at.topic, partition: at.partition, offset: at.offset },
    order_style: style,
    part: null,
    order_quantity: null,
    mark_price: null,
    limit_price: null,
    slippage_bps: null,
    slippage_quote: null,
  } as const satisfies Partial<ExecutionReport>;
}

/** The position as the venue reports it, and the sizing that follows from it. */
export interface Sized<S extends Sizing = Sizing> {
  readonly position: DecimalText;
  readonly sizing: S;
}

function sizedFields({ position, sizing }: Sized) {
  return {
    position_quantity: Number(position),
    requested_quantity: sizing.requested.toNumber(),
    rounded_quantity: sizing.rounded.toNumber(),
  } satisfies Partial<ExecutionReport>;
}

/** SUPPRESSED: no order is sent. `sized` is null where the venue was not asked for the position. */
export function suppressedReport(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  suppression: Suppression,
  sized: Sized | null,
  style: OrderStyle,
  now: EpochMillis,
): ExecutionReport {
  return {
    ...blankReport(intent, at, venue, style, now),
    ...(sized === null ? {} : { ...sizedFields(sized), remaining_quantity: Number(sized.position) }),
    status: 'SUPPRESSED',
    reason: suppression.reason,
    detail: cut(suppression.detail),
  };
}

/** An order of an intent that is about to be sent. */
export interface AnnouncedOrder {
  readonly sized: Sized<OrderSizing>;
  /** The venue's mark price when the intent was decided. Unit: quote currency per contract. */
  readonly mark: DecimalText;
  /** Its number among the orders of the intent, from 0. */
  readonly part: number;
  readonly planned: Omit<PlannedOrder, 'waitMs'>;
  readonly pricing: Pricing;
}

/** SUBMITTED: the write-ahead entry. From here on the order may exist. */
export function submittedReport(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  { sized, mark, part, planned, pricing }: AnnouncedOrder,
  now: EpochMillis,
): ExecutionReport {
  return {
    ...blankReport(intent, at, venue, planned.style, now),
    ...sizedFields(sized),
    client_order_id: clientOrderIdOf(intent.intent_id, part),
    status: 'SUBMITTED',
    reason: sized.sizing.reason,
    detail: cut(sized.sizing.detail),
    submitted_at: now,
    part,
    order_quantity: planned.quantity.toNumber(),
    mark_price: Number(mark),
    limit_price: limitOf(pricing),
  };
}

function limitOf(pricing: Pricing): number | null {
  if (pricing.kind === 'market') return null;
  return Number(pricing.kind === 'ioc' ? pricing.limitPrice : pricing.price);
}

/** How the last order of a filled intent ended. */
interface LastOrder {
  readonly orderId: OrderId | null;
  /** Time of the intent's last fill. */
  readonly filledAt: EpochMillis;
  /** What was wrong with the venue's answer; null: nothing. */
  readonly correction: string | null;
  /** Why no further order was sent; null: the last order's end says it. */
  readonly stopped: string | null;
  /** The orders that rested for the position it closed; null: it closed none, or they are not known. */
  readonly resting: readonly ReportedResting[] | null;
}

/** FILLED: the venue has filled some or all of the intent. `trades` are those of its orders, in the order of the orders. */
export function filledReport(
  submitted: ExecutionReport,
  trades: readonly [TradeClosed, ...TradeClosed[]],
  { orderId, filledAt, correction, stopped, resting }: LastOrder,
  now: EpochMillis,
): ExecutionReport {
  const submittedAt = submitted.submitted_at ?? submitted.reported_at;
  const filled = Exact.sum(...trades.map(({ quantity }) => quantity));
  return {
    ...submitted,
    status: 'FILLED',
    ...withCorrection(fillReason(submitted, filled, stopped), joined(correction, restingWords(resting))),
    resting,
    order_id: orderId,
    filled_quantity: filled.toNumber(),
    ...priceFields(submitted, trades, filled),
    fee: feeOf(trades),
    ...feeAssetOf(trades),
    remaining_quantity: trades.at(-1)?.remaining_quantity ?? null,
    reported_at: Math.max(now, filledAt, submittedAt),
    latency_ms: Math.max(0, filledAt - submittedAt),
  };
}

/** Slippage is measured against the mark price of the first decision, for all orders of the intent. */
function priceFields(
  { side, mark_price: mark }: ExecutionReport,
  trades: readonly [TradeClosed, ...TradeClosed[]],
  filled: Exact,
): Pick<ExecutionReport, 'average_price' | 'slippage_bps' | 'slippage_quote'> {
  const [only, ...others] = trades;
  const value = Exact.sum(0, ...trades.map(({ quantity, exit_price }) => new Exact(quantity).mul(exit_price)));
  const price = others.length === 0 ? new Exact(only.exit_price) : value.div(filled);
  return {
    average_price: price.toNumber(),
    slippage_bps: mark === null ? null : slippageBpsOf(side, mark, price),
    slippage_quote: mark === null ? null : slippageOf(side, mark, price).mul(filled).toNumber(),
  };
}

/** The asset of the fees, several joined by +, and their amount where there is one asset. */
function feeAssetOf(trades: readonly TradeClosed[]): Pick<ExecutionReport, 'fee_asset' | 'fee_amount'> {
  const assets = new Set(trades.map(({ fee_asset }) => fee_asset));
  const amounts = trades.flatMap(({ fee_amount }) => (fee_amount === null ? [] : [fee_amount]));
  const isWhole = assets.size === 1 && amounts.length === trades.length;
  return {
    fee_asset: joinedAssets(assets),
    fee_amount: isWhole && !assets.has(null) ? Exact.sum(0, ...amounts).toNumber() : null,
  };
}

/** The sum of the fees; null where one is unknown. */
function feeOf(trades: readonly TradeClosed[]): number | null {
  const fees = trades.flatMap(({ fee_quote }) => (fee_quote === null ? [] : [fee_quote]));
  return fees.length < trades.length ? null : Exact.sum(0, ...fees).toNumber();
}

/** Both texts; null where there is neither. */
function joined(one: string | null, other: string | null): string | null {
  return one === null || other === null ? (one ?? other) : `${one}; ${other}`;
}

function withCorrection<T extends { readonly detail: string | null }>(reason: T, correction: string | null): T {
  if (correction === null) return { ...reason, detail: cut(reason.detail) };
  return { ...reason, detail: cut(reason.detail === null ? correction : `${reason.detail}; ${correction}`) };
}

function fillReason(
  submitted: ExecutionReport,
  filled: Exact,
  stopped: string | null,
): { reason: ReasonOf<'FILLED'>; detail: string | null } {
  const missing = new Exact(submitted.rounded_quantity).sub(filled);
  if (missing.gt(0)) {
    const what = `${missing.toFixed()} of ${submitted.rounded_quantity} were`;
    const detail = stopped === null ? `${what} cancelled` : `${what} not filled: ${stopped}`;
    return { reason: 'PARTIALLY_FILLED', detail };
  }
  return { reason: FILLED_AS.get(submitted.reason) ?? 'FILLED', detail: submitted.detail };
}

/** The reason of a whole fill, by the reason its order was sent with; FILLED for any other. */
const FILLED_AS: ReadonlyMap<string, ReasonOf<'FILLED'>> = new Map(
  Object.entries({
    REMAINDER_INCLUDED: 'REMAINDER_CLOSED',
    MAXIMUM_SENT: 'MAXIMUM_CLOSED',
    MAX_NOTIONAL_SENT: 'MAX_NOTIONAL_CLOSED',
  } as const satisfies Partial<Record<ReasonOf<'SUBMITTED'>, ReasonOf<'FILLED'>>>),
);

/**
 * REJECTED: the venue has no fill of the order. It was refused, it never arrived, or (with `order`) it was cancelled unfilled. `remaining` is
 * the open size afterwards; null: not asked for.
 */
export function rejectedReport(
  submitted: ExecutionReport,
  reason: ReasonOf<'REJECTED'>,
  detail: string | null,
  order: VenueOrder | null,
  now: EpochMillis,
  remaining: DecimalText | null = order?.positionAfter ?? null,
  blockedBy: readonly ReportedResting[] | null = null,
): ExecutionReport {
  return {
    ...submitted,
    status: 'REJECTED',
    reason,
    detail: cut(joined(detail, restingWords(blockedBy))),
    resting: blockedBy,
    order_id: order?.orderId ?? null,
    remaining_quantity: numberOrNull(remaining),
    reported_at: Math.max(now, submitted.submitted_at ?? submitted.reported_at),
  };
}

/** UNKNOWN: the venue did not say in time how the order ended. The report claims nothing about fills. */
export function unknownReport(
  submitted: ExecutionReport,
  reason: ReasonOf<'UNKNOWN'>,
  detail: string,
  now: EpochMillis,
): ExecutionReport {
  return {
    ...submitted,
    status: 'UNKNOWN',
    reason,
    detail: cut(detail),
    reported_at: Math.max(now, submitted.submitted_at ?? submitted.reported_at),
  };
}

function numberOrNull(text: DecimalText | null): number | null {
  return text === null ? null : Number(text);
}

/** The fields that a log line names a report by. */
export function logContextOf(report: ExecutionReport): object {
  const { intent_id, position_id, client_order_id, status, reason, detail } = report;
  return { intent_id, position_id, client_order_id, status, reason, detail };
}

function cut(detail: string | null): string | null {
  return detail === null || detail === '' ? null : detail.slice(0, MAX_DETAIL).toWellFormed();
}
