/**
 * The venue's own mark price against that of the snapshot which an intent rests on.
 *
 * MP1  An order is valued at the venue's mark of this moment: the snapshot's is what its producer says.
 * MP2  Where the two are far apart the decision rests on another price than the position has (another scale, another contract, a
 *      feed that stood still): nothing is sent for it.
 */
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText } from '../../ports/exchange.ts';
import type { HarvestIntent } from '../../schemas/generated/records.ts';
import type { ExecutionLimits } from './limits.ts';
import type { Suppression } from './suppression.ts';

/** MP2. */
export function markDiffers(
  { mark_price: snapshots, symbol }: HarvestIntent,
  venues: DecimalText,
  { maxMarkRatio }: ExecutionLimits,
): Suppression | null {
  const ratio = new Exact(venues).div(snapshots);
  if (ratio.lte(maxMarkRatio) && ratio.gte(new Exact(1).div(maxMarkRatio))) return null;
  return {
    reason: 'MARK_PRICE_DIFFERS',
    detail: `the snapshot has ${symbol} at ${snapshots}, the venue at ${venues}: more than ${maxMarkRatio} times apart`,
  };
}

/** MP1: an order that is worth more than a desk allows. `rounded` in contracts. */
export function aboveMaximum(
  rounded: Exact,
  mark: DecimalText,
  { maxOrderNotional }: ExecutionLimits,
): Suppression | null {
  const notional = rounded.mul(mark);
  if (maxOrderNotional === null || notional.lte(maxOrderNotional)) return null;
  const detail = `${rounded.toFixed()} at ${mark} are worth ${notional.toFixed()}, at most ${maxOrderNotional} are allowed`;
  return { reason: 'ABOVE_MAX_NOTIONAL', detail };
}
