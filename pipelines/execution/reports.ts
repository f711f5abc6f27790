import type { EpochMillis } from '../../ports/clock.ts';
import type { DecimalText, VenueOrder } from '../../ports/exchange.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import type { ExecutionReport, HarvestIntent } from '../../schemas/generated/records.ts';
import { clientOrderIdOf } from '../../schemas/ids.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { ReasonOf } from './reasons.ts';
import type { OrderSizing, Sizing } from './size-order.ts';
import type { Suppression } from './suppression.ts';

/** What the schema allows for `detail`. Unit: characters. A venue's message may be longer. */
const MAX_DETAIL = 2048;

/** The parts that every report of an intent has, and the nulls and zeros of one that never became an order. */
function blankReport(intent: HarvestIntent, at: LogRecord, venue: string, now: EpochMillis) {
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
  } as const satisfies Partial<ExecutionReport>;
}

/** What the venue said of the position and what sizing made of it. */
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

/** No order is sent. `sized` is null when the venue was not asked for the position. */
export function suppressedReport(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  suppression: Suppression,
  sized: Sized | null,
  now: EpochMillis,
): ExecutionReport {
  return {
    ...blankReport(intent, at, venue, now),
    ...(sized === null ? {} : { ...sizedFields(sized), remaining_quantity: Number(sized.position) }),
    status: 'SUPPRESSED',
    reason: suppression.reason,
    detail: cut(suppression.detail),
  };
}

/** The write-ahead entry: from here on the order may exist. */
export function submittedReport(
  intent: HarvestIntent,
  at: LogRecord,
  venue: string,
  sized: Sized<OrderSizing>,
  now: EpochMillis,
): ExecutionReport {
  return {
    ...blankReport(intent, at, venue, now),
    ...sizedFields(sized),
    status: 'SUBMITTED',
    reason: sized.sizing.reason,
    detail: cut(sized.sizing.detail),
    submitted_at: now,
  };
}

/**
 * An order that the venue has filled, in whole or in part. `remaining` is the open size after it; `correction` what was wrong with the
 * venue's answer.
 */
export function filledReport(
  submitted: ExecutionReport,
  order: VenueOrder,
  remaining: DecimalText,
  now: EpochMillis,
  correction: string | null = null,
): ExecutionReport {
  const submittedAt = submitted.submitted_at ?? submitted.reported_at;
  const filled = Number(order.filledQuantity);
  return {
    ...submitted,
    status: 'FILLED',
    ...withCorrection(fillReason(submitted, filled), correction),
    order_id: order.orderId,
    filled_quantity: filled,
    average_price: numberOrNull(order.averagePrice),
    fee: numberOrNull(order.fee),
    fee_asset: order.feeAsset,
    fee_amount: numberOrNull(order.feeAmount),
    remaining_quantity: Number(remaining),
    reported_at: Math.max(now, order.filledAt, submittedAt),
    latency_ms: Math.max(0, order.filledAt - submittedAt),
  };
}

function withCorrection<T extends { readonly detail: string | null }>(reason: T, correction: string | null): T {
  if (correction === null) return reason;
  return { ...reason, detail: cut(reason.detail === null ? correction : `${reason.detail}; ${correction}`) };
}

function fillReason(submitted: ExecutionReport, filled: number): { reason: ReasonOf<'FILLED'>; detail: string | null } {
  if (filled < submitted.rounded_quantity) {
    const missing = new Exact(submitted.rounded_quantity).sub(filled);
    return {
      reason: 'PARTIALLY_FILLED',
      detail: `${missing.toFixed()} of ${submitted.rounded_quantity} were cancelled`,
    };
  }
  return { reason: FILLED_AS.get(submitted.reason) ?? 'FILLED', detail: submitted.detail };
}

/** What a whole fill is called, by what the order was sent as. */
const FILLED_AS: ReadonlyMap<string, ReasonOf<'FILLED'>> = new Map(
  Object.entries({
    REMAINDER_INCLUDED: 'REMAINDER_CLOSED',
    MAXIMUM_SENT: 'MAXIMUM_CLOSED',
    MAX_NOTIONAL_SENT: 'MAX_NOTIONAL_CLOSED',
  } as const satisfies Partial<Record<ReasonOf<'SUBMITTED'>, ReasonOf<'FILLED'>>>),
);

/**
 * The venue has no fill of the order: it was refused, it never arrived, or (with `order`) it was cancelled unfilled.
 * `remaining` is the open size as asked for afterwards; null when nobody asked.
 */
export function rejectedReport(
  submitted: ExecutionReport,
  reason: ReasonOf<'REJECTED'>,
  detail: string | null,
  order: VenueOrder | null,
  now: EpochMillis,
  remaining: DecimalText | null = order?.positionAfter ?? null,
): ExecutionReport {
  return {
    ...submitted,
    status: 'REJECTED',
    reason,
    detail: cut(detail),
    order_id: order?.orderId ?? null,
    remaining_quantity: numberOrNull(remaining),
    reported_at: Math.max(now, submitted.submitted_at ?? submitted.reported_at),
  };
}

/** A doubt that the venue could not settle in time. Nothing is claimed about fills. */
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

function cut(detail: string | null): string | null {
  return detail === null || detail === '' ? null : detail.slice(0, MAX_DETAIL).toWellFormed();
}
