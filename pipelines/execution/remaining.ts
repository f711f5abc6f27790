import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { ExecutionReport, HarvestIntent } from '../../schemas/generated/records.ts';

/**
 * Open size after a filled order, from the venue: what the order says, else what the position is now. Where the venue shows
 * neither, an order that filled all there was has left nothing; anything else is not known, and the venue is asked again.
 * Throws EXCHANGE_AWAY.
 */
export async function remainingAfter(
  order: VenueOrder,
  submitted: ExecutionReport,
  intent: HarvestIntent,
  exchange: Exchange,
): Promise<DecimalText> {
  const told = order.positionAfter ?? (await exchange.position(intent)).quantity;
  if (told !== null) return told;
  const { position_quantity: before } = submitted;
  if (before !== null && new Exact(order.filledQuantity).gte(before)) return '0';
  throw new HarvestlineError(
    'EXCHANGE_AWAY',
    `the venue does not say what order ${order.orderId} has left of ${intent.position_id}`,
  );
}
