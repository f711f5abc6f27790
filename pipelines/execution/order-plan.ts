/**
 * How the contracts of an intent are sent to the venue: in which orders, at which prices, with which waits between. Pure.
 *
 * OS1  No order of an intent asks for more than what is left of it, nor for more than is open.
 * OS2  An order is one that the market takes: what would be too small is sent with the rest, or not at all.
 * OS3  A CLOSE is never left resting: where `post_only` is asked for it is sent as `ioc`.
 * OS4  A limit is `maxSlippageBps` from the mark of the moment at which its order is decided, and never further.
 */
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText, MarketRules, Pricing } from '../../ports/exchange.ts';
import type { ExecutionReport, HarvestIntent, OrderStyle, Side } from '../../schemas/generated/records.ts';
import { belowMinimum, floorToStep } from './size-order.ts';

/** How the desk wants its orders sent. */
export interface OrderTerms {
  /** Where the policy does not say. */
  readonly style: OrderStyle;
  /** How much worse than the mark an order of `ioc` or `sliced` may fill. Unit: basis points of the mark. */
  readonly maxSlippageBps: number;
  /** Orders of `sliced`, while each of them is one that the market takes. */
  readonly slices: number;
  /** How long an order of `post_only` rests before what is left of it is sent as `ioc`. Unit: milliseconds. */
  readonly postOnlyMs: number;
  /** The waits before an unfilled rest is tried again; when they are used up it is left to the next intent. Unit: milliseconds. */
  readonly tryAgainMs: readonly number[];
  /** Between two slices, so that others may refill the book. Unit: milliseconds. */
  readonly slicePauseMs: number;
}

export const DEFAULT_TERMS: OrderTerms = {
  style: 'market',
  // A quarter of the usual initial risk (2 % of entry): more than the spread of a market that is worth holding, and far less than an empty book
  // costs.
  maxSlippageBps: 50,
  slices: 4,
  // Other positions of a partition wait for it as well.
  postOnlyMs: 10_000,
  // A book refills within seconds, or not soon.
  tryAgainMs: [250, 500, 1000, 2000],
  slicePauseMs: 1000,
};

const BASIS_POINTS = 10_000;

/** OS3. `isLatest`: nothing newer is known of the position, which would wait for an order that rests. */
export function styleOf({ order, action }: HarvestIntent, terms: OrderTerms, isLatest = true): OrderStyle {
  const style = order ?? terms.style;
  return style === 'post_only' && (action === 'CLOSE' || !isLatest) ? 'ioc' : style;
}

/** Whether an order waits on the book for somebody to take it: one without an end must be cancelled first. */
export function mayRest({ order_style: style }: Pick<ExecutionReport, 'order_style'>): boolean {
  return style === 'post_only';
}

/** One order of an intent. */
export interface PlannedOrder {
  readonly style: OrderStyle;
  readonly quantity: Exact;
  /** Before it is sent. Unit: milliseconds. */
  readonly waitMs: number;
}

/** What is to be sent, and of what. */
export interface Remainder {
  /** Of what the intent asks for. Unit: contracts. */
  readonly left: Exact;
  /** Open at the venue. Unit: contracts. */
  readonly open: Exact;
  /** Unit: quote currency per contract. */
  readonly markPrice: number;
}

/** The order of the number `part`, from 0; null where no further one is to be sent. */
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

/** The first goes at once. */
function aTry(style: OrderStyle, tries: number, quantity: Exact, waits: readonly number[]): PlannedOrder | null {
  const waitMs = tries === 0 ? 0 : waits[tries - 1];
  return waitMs === undefined ? null : { style, quantity, waitMs };
}

/** OS1, OS2: all that is left; null where that is nothing, or too little for an order. */
function wholeOf({ left, open, markPrice }: Remainder, rules: MarketRules): Exact | null {
  const whole = Exact.min(left, open);
  if (whole.lte(0)) return null;
  if (whole.eq(open)) return whole.lt(rules.minQuantity) ? null : whole;
  return belowMinimum(whole, markPrice, rules) === null ? whole : null;
}

/** OS2: the largest number of equal slices, at most `count`, of which this one and what it leaves are orders by themselves. */
function sliceOf(whole: Exact, count: number, { open, markPrice }: Remainder, rules: MarketRules): Exact {
  for (let number = count; number > 1; number--) {
    const slice = floorToStep(whole.div(number), rules.lotStep);
    const fits = (quantity: Exact): boolean => belowMinimum(quantity, markPrice, rules) === null;
    if (fits(slice) && fits(whole.sub(slice)) && fits(open.sub(slice))) return slice;
  }
  return whole;
}

/** OS4. */
export function pricingOf(style: OrderStyle, side: Side, mark: DecimalText, { maxSlippageBps }: OrderTerms): Pricing {
  if (style === 'market') return { kind: 'market' };
  if (style === 'post_only') return { kind: 'post-only', price: mark };
  const worse = new Exact(maxSlippageBps).div(BASIS_POINTS).mul(side === 'LONG' ? -1 : 1);
  return { kind: 'ioc', limitPrice: new Exact(mark).mul(worse.add(1)).toFixed() };
}

/** How much worse than the mark a price is: positive is worse for whoever closes. Unit: quote currency per contract. */
export function slippageOf(side: Side, mark: number, price: Exact): Exact {
  const worse = new Exact(mark).sub(price);
  return side === 'LONG' ? worse : worse.neg();
}

/** The same in basis points of the mark. */
export function slippageBpsOf(side: Side, mark: number, price: Exact): number {
  return slippageOf(side, mark, price).div(mark).mul(BASIS_POINTS).toNumber();
}
