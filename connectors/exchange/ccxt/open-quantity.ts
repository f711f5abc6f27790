import type { DecimalText, PositionReference } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueFill, VenueHolding } from '../../../ports/venue.ts';
import type { Side } from '../../../schemas/generated/records.ts';
import { type Lifecycle, lifecyclesOf } from '../../../ports/lifecycles.ts';

/** What names a position, and how large it was when it was observed. */
export type Observed = Pick<PositionReference, 'side' | 'opened_at' | 'observed_at' | 'quantity' | 'entry_price'>;

/** The position as it was observed: nothing has happened to it since, so no fill need be asked for. */
export function isAsObserved({ quantity, entry_price }: Observed, holding: VenueHolding | undefined): boolean {
  return holding !== undefined && Number(holding.quantity) === quantity && Number(holding.entryPrice) === entry_price;
}

/**
 * How much of a position that was observed before is open now. `holdings` are the open positions of its symbol, `fills` all fills
 * since it was observed. Pure.
 *
 * OQ1 A position of the same side that was opened since is another one: the one that was observed is flat.
 * OQ2 A position that is not shown is flat only where the fills closed all that was observed of it. Otherwise nothing is known
 *     (null): an empty answer, or fills that are late.
 */
export function openQuantityOf(
  observed: Observed,
  holdings: readonly VenueHolding[],
  fills: readonly VenueFill[],
): DecimalText | null {
  const { side } = observed;
  const own = lifecyclesOf(ofSide(fills, side), holdings).filter((lifecycle) => lifecycle.side === side);
  const first = own.find((lifecycle) => isSame(observed, lifecycle));
  const shown = holdings.find((holding) => holding.side === side);
  if (shown !== undefined) {
    // OQ1. Without a fill since it cannot be another.
    if (own.length === 0 || first?.quantity.gt(0) === true) return shown.quantity;
  }
  if (first === undefined || first.quantity.gt(0)) return null;
  // OQ2.
  const closed = Exact.sum(0, ...first.reductions.map(({ quantity }) => quantity));
  return closed.gte(observed.quantity) ? toText(new Exact(0)) : null;
}

/** Its fills begin in its middle, or with the fill that opened it, or before it was observed. */
function isSame({ opened_at, observed_at }: Observed, { opening }: Lifecycle): boolean {
  return opening === null || opening.at === opened_at || opening.at <= observed_at;
}

function ofSide(fills: readonly VenueFill[], side: Side): readonly VenueFill[] {
  return fills.filter(({ positionSide }) => positionSide === null || positionSide === side);
}
