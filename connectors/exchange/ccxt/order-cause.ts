import type { OrderOrigin } from '../../../ports/venue.ts';
import type { UnifiedOrder } from './unified.ts';

type Cause = OrderOrigin['cause'];

/**
 * The client order ids that Binance gives to orders of its own making, by their beginnings (its documentation of the
 * ORDER_TRADE_UPDATE event). The longer one of two comes first.
 */
const BY_CLIENT_ID: readonly (readonly [beginning: string, cause: Cause])[] = [
  ['adl_autoclose', 'ADL'],
  ['settlement_autoclose-', 'SETTLEMENT'],
  ['delivery_autoclose-', 'SETTLEMENT'],
  ['autoclose-', 'LIQUIDATION'],
];

/** By what the exchange calls the kind of order, in its own words first: ccxt's are poorer. */
const TARGET = /take.?profit/i;
const STOP = /stop|trailing/i;

/** What kind of order it was, as far as the order itself tells. */
export function causeOf({ clientOrderId, type, info }: UnifiedOrder): Cause {
  const made = BY_CLIENT_ID.find(([beginning]) => clientOrderId?.startsWith(beginning) === true);
  if (made !== undefined) return made[1];
  const kinds = [info['origType'], info['orderType'], info['type'], type].filter((kind) => typeof kind === 'string');
  if (kinds.some((kind) => TARGET.test(kind))) return 'TAKE_PROFIT';
  if (kinds.some((kind) => STOP.test(kind))) return 'STOP';
  return 'ORDER';
}

/** Whether a conditional order became the order of that id when it was hit. */
export function isConditional({ info }: UnifiedOrder, orderId: string): boolean {
  const { actualOrderId } = info;
  return (typeof actualOrderId === 'string' || typeof actualOrderId === 'number') && String(actualOrderId) === orderId;
}
