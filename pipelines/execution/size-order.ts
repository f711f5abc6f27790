import type { DecimalText, MarketRules } from '../../ports/exchange.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { ReasonOf } from './reasons.ts';

interface Quantities {
  /** The fraction of the position, not rounded. Unit: contracts. */
  readonly requested: Exact;
  /** What an order would ask for. Unit: contracts. */
  readonly rounded: Exact;
  /** The figures in words; null where the reason says it all. */
  readonly detail: string | null;
}

export type OrderSizing = Quantities & { readonly kind: 'order'; readonly reason: ReasonOf<'SUBMITTED'> };

export type Sizing =
  | OrderSizing
  | (Quantities & { readonly kind: 'none'; readonly reason: 'FLAT' | 'BELOW_MINIMUM' | 'ABOVE_MAX_NOTIONAL' });

/** The largest multiple of `step` that is not above `quantity`. Exact; `quantity` is not negative. */
export function floorToStep(quantity: Exact, step: DecimalText): Exact {
  return quantity.div(step).floor().mul(step);
}

/**
 * How much of a position to close. `fraction` is above 0 to 1; `markPrice` in quote currency per contract values orders.
 *
 * Z1  An order is never larger than the position.
 * Z2  An order is a whole multiple of the lot step, or the whole position where the venue takes that.
 * Z3  What an order leaves is nothing, or can be closed by a later order: a rest under a minimum is closed now.
 * Z4  An order that would itself be under a minimum while the rest is not is left to a later intent.
 * Z5  An order is never above the market's maximum, nor worth more than `maxNotional` (quote currency; null: any value). Where Z3 cannot
 *     hold with an order of the lower of the two, the order is that much smaller; where that would be under a minimum itself, the bound is
 *     sent all the same, so that a large position can be closed.
 * Z6  What is less than a lot step of a position cannot be closed by any order: it is left, and said to be dust.
 */
export function sizeOrder(
  position: DecimalText,
  fraction: number,
  markPrice: number,
  rules: MarketRules,
  maxNotional: number | null = null,
): Sizing {
  const sizing = unbounded(position, fraction, markPrice, rules);
  if (sizing.kind === 'none') return sizing;
  const whole = new Exact(position);
  const open = rules.anyWholeSize === true ? whole : floorToStep(whole, rules.lotStep);
  const [lowest] = boundsOf(sizing, open, markPrice, rules, maxNotional).toSorted((one, other) =>
    one.most.cmp(other.most),
  );
  return lowest === undefined || sizing.rounded.lte(lowest.most)
    ? sizing
    : atMost(lowest, sizing, open, markPrice, rules);
}

/** What an order may not be above. */
interface Bound {
  /** Unit: contracts. */
  readonly most: Exact;
  readonly cutTo: 'MAXIMUM_SENT' | 'MAX_NOTIONAL_SENT';
  readonly tooLow: 'BELOW_MINIMUM' | 'ABOVE_MAX_NOTIONAL';
  /** Why the order of the full size is above it. */
  readonly words: string;
}

function boundsOf(
  { rounded }: OrderSizing,
  open: Exact,
  markPrice: number,
  { maxQuantity }: MarketRules,
  maxNotional: number | null,
): readonly Bound[] {
  const bounds: Bound[] = [];
  if (maxQuantity !== null) {
    const words = `${rounded.toFixed()} of ${open.toFixed()} is above the maximum ${maxQuantity} of one order`;
    bounds.push({ most: new Exact(maxQuantity), cutTo: 'MAXIMUM_SENT', tooLow: 'BELOW_MINIMUM', words });
  }
  if (maxNotional !== null) {
    const worth = rounded.mul(markPrice).toFixed();
    const words = `${rounded.toFixed()} at ${markPrice} are worth ${worth}, at most ${maxNotional} are allowed`;
    const most = new Exact(maxNotional).div(markPrice);
    bounds.push({ most, cutTo: 'MAX_NOTIONAL_SENT', tooLow: 'ABOVE_MAX_NOTIONAL', words });
  }
  return bounds;
}

/** Z5. */
function atMost(
  { most: bound, cutTo, tooLow, words }: Bound,
  { requested }: OrderSizing,
  open: Exact,
  markPrice: number,
  rules: MarketRules,
): Sizing {
  const most = floorToStep(bound, rules.lotStep);
  const tooSmall = belowMinimum(most, markPrice, rules);
  if (tooSmall !== null) {
    return {
      kind: 'none',
      reason: tooLow,
      requested,
      rounded: most,
      detail: `${words}: ${most.toFixed()} is ${tooSmall}`,
    };
  }
  const order = { kind: 'order', reason: cutTo, requested, detail: words } as const;
  if (belowMinimum(open.sub(most), markPrice, rules) === null) return { ...order, rounded: most };
  const leastRest = Exact.max(rules.minQuantity, new Exact(rules.minNotional).div(markPrice));
  const smaller = floorToStep(Exact.max(0, open.sub(leastRest)), rules.lotStep);
  return { ...order, rounded: belowMinimum(smaller, markPrice, rules) === null ? smaller : most };
}

function unbounded(position: DecimalText, fraction: number, markPrice: number, rules: MarketRules): Sizing {
  const whole = new Exact(position);
  const requested = whole.mul(fraction);
  if (whole.lte(0)) return { kind: 'none', reason: 'FLAT', requested, rounded: new Exact(0), detail: null };
  // Z6.
  const open = rules.anyWholeSize === true ? whole : floorToStep(whole, rules.lotStep);
  const dust = whole.sub(open);
  if (open.lt(rules.minQuantity) || open.isZero()) {
    const detail = `the whole position ${position} is below the minimum quantity ${rules.minQuantity}: dust that no order can close`;
    return { kind: 'none', reason: 'BELOW_MINIMUM', requested, rounded: whole, detail };
  }
  const leaves = dust.isZero()
    ? null
    : `leaves ${dust.toFixed()}: dust that no order can close, below the lot step ${rules.lotStep}`;
  const rounded = fraction >= 1 ? open : floorToStep(requested, rules.lotStep);
  const rest = open.sub(rounded);
  if (rest.isZero()) return { kind: 'order', reason: 'ORDER_SENT', requested, rounded, detail: leaves };

  const tooSmallRest = belowMinimum(rest, markPrice, rules);
  if (tooSmallRest !== null) {
    const detail = `${rounded.toFixed()} of ${position} would leave ${rest.toFixed()}: ${tooSmallRest}`;
    return {
      kind: 'order',
      reason: 'REMAINDER_INCLUDED',
      requested,
      rounded: open,
      detail: leaves === null ? detail : `${detail}; ${leaves}`,
    };
  }
  const tooSmall = belowMinimum(rounded, markPrice, rules);
  if (tooSmall !== null) {
    const detail = `${requested.toFixed()} of ${position} rounds to ${rounded.toFixed()}: ${tooSmall}`;
    return { kind: 'none', reason: 'BELOW_MINIMUM', requested, rounded, detail };
  }
  return { kind: 'order', reason: 'ORDER_SENT', requested, rounded, detail: null };
}

/** Why the venue would not take an order of this size that leaves something open; null when it would. */
export function belowMinimum(quantity: Exact, markPrice: number, rules: MarketRules): string | null {
  if (quantity.lt(rules.minQuantity)) return `below the minimum quantity ${rules.minQuantity}`;
  const notional = quantity.mul(markPrice);
  return notional.lt(rules.minNotional) ? `worth ${notional.toFixed()}, below the minimum ${rules.minNotional}` : null;
}
