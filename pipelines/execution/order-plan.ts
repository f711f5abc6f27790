/**
 * Plans the orders of an intent: how much of the position they close, in how many orders, at which prices, with which waits between. Pure.
 *
 * Sizing, `sizeOrder`:
 *
 * EXE-27  An order is never larger than the position.
 * EXE-28  An order is a whole multiple of the lot step, or the whole position where the venue takes that.
 * EXE-29  What an order leaves is nothing, or can be closed by a later order: a rest below a minimum is closed now.
 * EXE-30  An order that would itself be below a minimum, while the rest is not, is left to a later intent.
 * EXE-31  An order is never above the market's maximum, nor worth more than `maxNotional`. Where an order of the lower of the two would break EXE-29,
 *         the order is made that much smaller; where that would put it below a minimum, the bound is sent all the same, so that a large position
 *         can be closed.
 * EXE-32  What a position has beyond whole lot steps cannot be closed by any order: it is left, and reported as dust.
 *
 * Order style, `plannedOrder` and `pricingOf`:
 *
 * EXE-33  No order of an intent asks for more than what is left of the intent, nor for more than is open.
 * EXE-34  The market accepts every order: a part that would be too small is sent with the rest, or not at all.
 * EXE-35  A CLOSE never rests: where `post_only` is asked for, it is sent as `ioc`.
 * EXE-36  A limit is `maxSlippageBps` from the mark at which its order is decided, and never further.
 */
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, MarketRules, Pricing } from '../../ports/exchange.ts';
import type { ExecutionReport, HarvestIntent, OrderStyle, Side } from '../../schemas/generated/records.ts';
import type { ReasonOf } from './reasons.ts';

interface Quantities {
  /** The intent's fraction of the position, not rounded. Unit: contracts. */
  readonly requested: Exact;
  /** The quantity that an order would ask for. Unit: contracts. */
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
 * How much of a position to close. `fraction` is above 0, at most 1. `markPrice` values orders, in quote currency per contract. `maxNotional`
 * is in quote currency; null: no bound.
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

/** An upper bound on the size of an order. */
interface Bound {
  /** Unit: contracts. */
  readonly most: Exact;
  /** The reason of an order that is cut to it. */
  readonly cutTo: 'MAXIMUM_SENT' | 'MAX_NOTIONAL_SENT';
  /** The reason where it is below the smallest order. */
  readonly tooLow: 'BELOW_MINIMUM' | 'ABOVE_MAX_NOTIONAL';
  /** Why an order of the full size is above it. */
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

/** An order cut to the bound (EXE-31). */
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

/** The size without EXE-31. */
function unbounded(position: DecimalText, fraction: number, markPrice: number, rules: MarketRules): Sizing {
  const whole = new Exact(position);
  const requested = whole.mul(fraction);
  if (whole.lte(0)) return { kind: 'none', reason: 'FLAT', requested, rounded: new Exact(0), detail: null };
  // EXE-32.
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

/** Why the venue would refuse an order of this size that leaves something open; null where it would accept it. */
function belowMinimum(quantity: Exact, markPrice: number, rules: MarketRules): string | null {
  if (quantity.lt(rules.minQuantity)) return `below the minimum quantity ${rules.minQuantity}`;
  const notional = quantity.mul(markPrice);
  return notional.lt(rules.minNotional) ? `worth ${notional.toFixed()}, below the minimum ${rules.minNotional}` : null;
}

/** How the desk has its orders sent. */
export interface OrderTerms {
  /** Of intents whose policy names none. */
  readonly style: OrderStyle;
  /** How much worse than the mark an `ioc` or `sliced` order may fill. Unit: basis points of the mark. */
  readonly maxSlippageBps: number;
  /** The number of orders of `sliced`; fewer where they would be too small for the market. */
  readonly slices: number;
  /** How long a `post_only` order rests before what is left of it is sent as `ioc`. Unit: milliseconds. */
  readonly postOnlyMs: number;
  /** The waits before an unfilled rest is sent again; after the last one it is left to the next intent. Unit: milliseconds. */
  readonly tryAgainMs: readonly number[];
  /** The wait between two slices, in which the book may refill. Unit: milliseconds. */
  readonly slicePauseMs: number;
}

export const DEFAULT_TERMS: OrderTerms = {
  style: 'market',
  // A quarter of the usual initial risk (2 % of entry): more than the spread of a market worth holding, far less than an empty book costs.
  maxSlippageBps: 50,
  slices: 4,
  // Other positions of the partition wait for it as well.
  postOnlyMs: 10_000,
  // A book refills within seconds, or not for long.
  tryAgainMs: [250, 500, 1000, 2000],
  slicePauseMs: 1000,
};

const BASIS_POINTS = 10_000;

/**
 * The style in which an intent's orders are sent (EXE-35). `isLatest`: no newer record of the position is at hand; one that is would have to
 * wait for an order that rests.
 */
export function styleOf({ order, action }: HarvestIntent, terms: OrderTerms, isLatest = true): OrderStyle {
  const style = order ?? terms.style;
  return style === 'post_only' && (action === 'CLOSE' || !isLatest) ? 'ioc' : style;
}

/** Whether the order may rest in the book: before its end can be known it must then be cancelled. */
export function mayRest({ order_style: style }: Pick<ExecutionReport, 'order_style'>): boolean {
  return style === 'post_only';
}

/** One order of an intent. */
export interface PlannedOrder {
  readonly style: OrderStyle;
  readonly quantity: Exact;
  /** The wait before it is sent. Unit: milliseconds. */
  readonly waitMs: number;
}

/** What is left to close. */
interface Remainder {
  /** Of the intent's quantity. Unit: contracts. */
  readonly left: Exact;
  /** Open at the venue. Unit: contracts. */
  readonly open: Exact;
  /** Unit: quote currency per contract. */
  readonly markPrice: number;
}

/** The order with the number `part`, from 0; null where no further order is to be sent. */
export function plannedOrder(
  style: OrderStyle,
  terms: OrderTerms,
  part: number,
  remainder: Remainder,
  rules: MarketRules,
): PlannedOrder | null {
  const whole = wholeOf(remainder, rules);
  if (whole === null) return null;
  const { slices, slicePauseMs, tryAgainMs } = terms;
  if (style === 'ioc') return aTry('ioc', part, whole, tryAgainMs);
  if (style === 'sliced') {
    if (part >= slices) return aTry('sliced', part - slices + 1, whole, tryAgainMs);
    const quantity = sliceOf(whole, slices - part, remainder, rules);
    return { style, quantity, waitMs: part === 0 ? 0 : slicePauseMs };
  }
  if (part === 0) return { style, quantity: whole, waitMs: 0 };
  return style === 'post_only' ? aTry('ioc', part - 1, whole, tryAgainMs) : null;
}

/** An order for all that is left: the first at once, further ones after the waits. */
function aTry(style: OrderStyle, tries: number, quantity: Exact, waits: readonly number[]): PlannedOrder | null {
  const waitMs = tries === 0 ? 0 : waits[tries - 1];
  return waitMs === undefined ? null : { style, quantity, waitMs };
}

/** All that is left (EXE-33); null where that is nothing, or too little for an order (EXE-34). */
function wholeOf({ left, open, markPrice }: Remainder, rules: MarketRules): Exact | null {
  const whole = Exact.min(left, open);
  if (whole.lte(0)) return null;
  if (whole.eq(open)) return whole.lt(rules.minQuantity) ? null : whole;
  return belowMinimum(whole, markPrice, rules) === null ? whole : null;
}

/** One of equal slices: of at most `count`, and so many that the slice and what it leaves can each be an order (EXE-34). */
function sliceOf(whole: Exact, count: number, { open, markPrice }: Remainder, rules: MarketRules): Exact {
  for (let number = count; number > 1; number--) {
    const slice = floorToStep(whole.div(number), rules.lotStep);
    const fits = (quantity: Exact): boolean => belowMinimum(quantity, markPrice, rules) === null;
    if (fits(slice) && fits(whole.sub(slice)) && fits(open.sub(slice))) return slice;
  }
  return whole;
}

/** The price conditions of an order (EXE-36). */
export function pricingOf(style: OrderStyle, side: Side, mark: DecimalText, { maxSlippageBps }: OrderTerms): Pricing {
  if (style === 'market') return { kind: 'market' };
  if (style === 'post_only') return { kind: 'post-only', price: mark };
  const worse = new Exact(maxSlippageBps).div(BASIS_POINTS).mul(side === 'LONG' ? -1 : 1);
  return { kind: 'ioc', limitPrice: new Exact(mark).mul(worse.add(1)).toFixed() };
}

/** How much worse than the mark a fill price is; positive is worse. Unit: quote currency per contract. */
export function slippageOf(side: Side, mark: number, price: Exact): Exact {
  const worse = new Exact(mark).sub(price);
  return side === 'LONG' ? worse : worse.neg();
}

/** The same. Unit: basis points of the mark. */
export function slippageBpsOf(side: Side, mark: number, price: Exact): number {
  return slippageOf(side, mark, price).div(mark).mul(BASIS_POINTS).toNumber();
}
