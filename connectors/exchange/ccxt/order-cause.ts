import type { OrderOrigin } from '../../../ports/venue.ts';
import type { UnifiedOrder } from './unified.ts';
import type { VenueTraits } from './venues/venue-traits.ts';

type Cause = OrderOrigin['cause'];

/** By what the exchange calls the kind of order, in its own words first: ccxt's are poorer. */
const TARGET = /take.?profit/i;
const STOP = /stop|trailing/i;

/** What kind of order it was, as far as the order itself tells. */
export function causeOf(order: UnifiedOrder, madeBy: VenueTraits['madeBy']): Cause {
  return madeBy(order.clientOrderId, order.info) ?? kindOf(order) ?? 'ORDER';
}

/** Null: neither a stop nor a target. */
export function kindOf({ type, stopLossPrice, takeProfitPrice, info }: UnifiedOrder): 'STOP' | 'TAKE_PROFIT' | null {
  const words = [info['origType'], info['orderType'], info['stopOrderType'], info['type'], type];
  const kinds = words.filter((kind) => typeof kind === 'string');
  if (kinds.some((kind) => TARGET.test(kind))) return 'TAKE_PROFIT';
  // A conditional order whose name says nothing: ccxt goes by the side on which it waits.
  if (takeProfitPrice !== null && stopLossPrice === null) return 'TAKE_PROFIT';
  return stopLossPrice !== null || kinds.some((kind) => STOP.test(kind)) ? 'STOP' : null;
}

/** Whether a conditional order became the order of that id when it was hit. */
export function isConditional({ info }: UnifiedOrder, orderId: string): boolean {
  const { actualOrderId } = info;
  return (typeof actualOrderId === 'string' || typeof actualOrderId === 'number') && String(actualOrderId) === orderId;
}
