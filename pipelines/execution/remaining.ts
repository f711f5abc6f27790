import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { ExecutionReport, HarvestIntent, TradeClosed } from '../../schemas/generated/records.ts';

/** A position that lags behind its fills shows within seconds; what does not show in a minute will not. Unit: milliseconds. */
const SHOWN_WITHIN_MS = 60_000;

/**
 * Open size after a filled order, from the venue: what the order says, else what the position is now. Where the venue shows
 * neither, an order that filled all there was has left nothing. Anything else is not known: the venue is asked again for a minute
 * after the order (EXCHANGE_AWAY), then it is null, so that one position which is never shown does not hold up all others. `earlier` is what
 * the orders of the intent before this one have closed.
 */
export async function remainingAfter(
  order: VenueOrder,
  submitted: ExecutionReport,
  intent: HarvestIntent,
  exchange: Exchange,
  now: EpochMillis,
  earlier: readonly TradeClosed[] = [],
): Promise<DecimalText | null> {
  const told = order.positionAfter ?? (await exchange.position(intent)).quantity;
  if (told !== null) return told;
  const { position_quantity: before } = submitted;
  const closed = Exact.sum(order.filledQuantity, ...earlier.map(({ quantity }) => quantity));
  if (before !== null && closed.gte(before)) return '0';
  if (now - (submitted.submitted_at ?? submitted.reported_at) > SHOWN_WITHIN_MS) return null;
  throw new HarvestlineError('EXCHANGE_AWAY', unsaid(order, intent));
}

/** What the venue does not say. */
export function unsaid({ orderId }: VenueOrder, { position_id: positionId }: HarvestIntent): string {
  return `the venue does not say what order ${orderId} has left of ${positionId}`;
}
