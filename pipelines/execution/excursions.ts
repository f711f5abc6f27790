import { Exact } from '../../ports/exact-decimal.ts';
import type { HarvestIntent, Side, TradeClosed } from '../../schemas/generated/records.ts';
import { GREATEST_R } from '../../schemas/market-bounds.ts';

/** What an intent or a reduction says of the risk and the prices of its position. */
export type RiskedPosition = Pick<
  HarvestIntent,
  'side' | 'entry_price' | 'initial_stop_price' | 'peak_price' | 'worst_price'
>;

/** The initial risk of a quantity: |entry - initial stop| x quantity. Null where the stop is not known or no basis of R (MB2). */
export function riskOf(
  { entry_price: entry, initial_stop_price: stop }: Pick<RiskedPosition, 'entry_price' | 'initial_stop_price'>,
  quantity: Exact,
): Exact | null {
  const risk = stop === null ? null : new Exact(entry).sub(stop).abs().mul(quantity);
  return risk === null || risk.isZero() ? null : risk;
}

/** `profit` over `risk`; null where R is beyond what a record may have (MB2). Unit: multiples of the initial risk (R), signed. */
export function inR(profit: Exact, risk: Exact | null): number | null {
  if (risk === null) return null;
  const r = profit.div(risk).toNumber();
  return Math.abs(r) <= GREATEST_R ? r : null;
}

/** The worst and the best R from the opening to a fill at `exitPrice`, as far as prices were observed. */
export function excursionsOf(
  position: RiskedPosition,
  exitPrice: number | string,
): Pick<TradeClosed, 'mae_r' | 'mfe_r'> {
  const { side, entry_price: entry, peak_price: peak, worst_price: worst } = position;
  const risk = riskOf(position, new Exact(1));
  const at = (price: number | string): Exact => inFavour(side, entry, price);
  return {
    mae_r: worst === null ? null : inR(Exact.min(at(worst), at(exitPrice)), risk),
    mfe_r: peak === null ? null : inR(Exact.max(at(peak), at(exitPrice)), risk),
  };
}

/** How far a price is from the entry in the position's favour. Unit: quote currency per contract, signed. */
export function inFavour(side: Side, entry: number | string, price: number | string): Exact {
  return new Exact(price).sub(entry).mul(side === 'LONG' ? 1 : -1);
}
