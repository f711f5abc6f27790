/**
 * Orders that rest at the venue for a position: cancelled when an order of ours has closed it, named in the report where they block one.
 *
 * EXE-49  Only orders that can only reduce that side are touched, and only those placed before it was closed: one that is newer, or of an unknown
 *         time, may belong to a position that was opened since.
 * EXE-50  They are cancelled before the end of the closing order is reported, so that an interrupted process does it again when it resolves that
 *         order. Cancelling twice does no harm.
 * EXE-51  A venue that does not answer holds up nothing: orders that still rest are reported as such.
 */
import { isKind, messageOf } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Exchange, RestingCancellation, RestingOrder } from '../../ports/exchange.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ReportedResting, Side, TradeClosed } from '../../schemas/generated/records.ts';

/** The most requests to cancel one order, while the venue gives no answer. */
const ATTEMPTS = 2;

/** The schema's bounds. Unit: orders; characters. */
const MOST_REPORTED = 500;
const MAX_DETAIL = 2048;

interface RestingDesk {
  readonly exchange: Pick<Exchange, 'resting' | 'cancelResting'>;
  readonly logger: Logger;
  /** True: the orders are left and reported. */
  readonly leaveResting: boolean;
}

/** The side of a symbol that was closed, and when. */
export interface ClosedSide {
  readonly position_id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly closedAt: EpochMillis;
}

export function closedSideOf({ position_id, symbol, side, closed_at: closedAt }: TradeClosed): ClosedSide {
  return { position_id, symbol, side, closedAt };
}

/** Cancels what rests for a closed position (EXE-49, EXE-50). Returns the orders with their fate; null where the venue did not say what rests (EXE-51). */
export async function clearResting(closed: ClosedSide, desk: RestingDesk): Promise<readonly ReportedResting[] | null> {
  const { symbol, side, closedAt } = closed;
  const resting = await restingNow(desk, symbol, side);
  if (resting === null) return null;
  const reported: ReportedResting[] = [];
  for (const order of resting.filter(({ placedAt }) => placedAt === null || placedAt <= closedAt)) {
    // One order may be listed twice, as a stop and as a target.
    const same = reported.find(({ order_id }) => order_id === order.orderId);
    const { fate, detail } = same ?? (await cleared(symbol, order, desk));
    reported.push(reportedOf(order, fate, detail));
  }
  for (const order of reported) {
    const context = { ...closed, ...order };
    if (order.fate === 'CANCELLED')
      desk.logger.info(context, 'an order that rested of a closed position was cancelled');
    else if (order.fate !== 'GONE') desk.logger.warn(context, 'an order still rests of a closed position');
  }
  return reported.slice(0, MOST_REPORTED);
}

async function cleared(symbol: string, order: RestingOrder, desk: RestingDesk): Promise<ReportedResting> {
  if (desk.leaveResting) return reportedOf(order, 'LEFT', null);
  if (order.placedAt === null) return reportedOf(order, 'NOT_CANCELLED', 'the venue does not say when it was placed');
  let answer: RestingCancellation = { kind: 'unavailable', message: 'not asked' };
  for (let attempt = 1; attempt <= ATTEMPTS && answer.kind === 'unavailable'; attempt++) {
    answer = await asked(() => desk.exchange.cancelResting(symbol, order));
  }
  if ('message' in answer) return reportedOf(order, 'NOT_CANCELLED', answer.message);
  return reportedOf(order, answer.kind === 'gone' ? 'GONE' : 'CANCELLED', null);
}

/** EXE-51. */
async function asked(cancel: () => Promise<RestingCancellation>): Promise<RestingCancellation> {
  try {
    return await cancel();
  } catch (thrown) {
    if (isKind(thrown, 'transient')) return { kind: 'unavailable', message: messageOf(thrown) };
    throw thrown;
  }
}

/**
 * The orders that block one that was refused; null where the venue does not say. Where any are in the book, they are the ones: they reserve the
 * position.
 */
export async function blockingOrders(
  { symbol, side }: Pick<ClosedSide, 'symbol' | 'side'>,
  desk: Pick<RestingDesk, 'exchange' | 'logger'>,
): Promise<readonly ReportedResting[] | null> {
  const resting = await restingNow(desk, symbol, side);
  if (resting === null) return null;
  const inBook = resting.filter(({ isConditional }) => !isConditional);
  return (inBook.length > 0 ? inBook : resting)
    .slice(0, MOST_REPORTED)
    .map((order) => reportedOf(order, 'BLOCKS', null));
}

async function restingNow(
  { exchange, logger }: Pick<RestingDesk, 'exchange' | 'logger'>,
  symbol: string,
  side: Side,
): Promise<readonly RestingOrder[] | null> {
  try {
    return await exchange.resting(symbol, side);
  } catch (thrown) {
    if (!isKind(thrown, 'transient')) throw thrown;
    logger.warn({ symbol, side, why: messageOf(thrown) }, 'the venue does not say what rests for a position');
    return null;
  }
}

function reportedOf(order: RestingOrder, fate: ReportedResting['fate'], detail: string | null): ReportedResting {
  const { orderId, kind, quantity, price, placedAt, wholePosition } = order;
  return {
    order_id: orderId,
    kind,
    quantity: quantity === null ? null : Number(quantity),
    price: price === null ? null : Number(price),
    placed_at: placedAt,
    whole_position: wholePosition,
    fate,
    detail: detail === null || detail === '' ? null : detail.slice(0, MAX_DETAIL).toWellFormed(),
  };
}

const FATES = {
  CANCELLED: 'cancelled',
  GONE: 'had ended',
  LEFT: 'left',
  NOT_CANCELLED: 'still rests',
  BLOCKS: 'blocks it',
} as const satisfies Record<ReportedResting['fate'], string>;

/** What rests, in words: `cancelled: STOP of 0.1 at 66800 (order 7)`. Null where there is nothing to say. */
export function restingWords(resting: readonly ReportedResting[] | null): string | null {
  if (resting === null || resting.length === 0) return null;
  return resting
    .map(({ kind, quantity, price, order_id, whole_position, fate }) => {
      const size = whole_position ? 'the whole position' : (quantity ?? 'an unknown size');
      return `${FATES[fate]}: ${kind} of ${size}${price === null ? '' : ` at ${price}`} (order ${order_id})`;
    })
    .join('; ');
}
