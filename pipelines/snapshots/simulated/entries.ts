import { Decimal } from 'decimal.js';
import type { DecimalText, MarketRules } from '../../../ports/exchange.ts';
import type { RandomStream } from '../../../ports/random.ts';
import type { Side } from '../../../schemas/generated/records.ts';

/** How a position is opened. Prices in quote currency per contract, quantity in contracts. */
export interface Opening {
  readonly quantity: DecimalText;
  readonly initialStopPrice: number;
}

/** Below this the desk lets a chance go. Unit: probability. */
const CONFIDENT_FROM = 0.64;
/** The chance that a confident desk opens in a cycle. Confidence is there three times in four, so a free slot mostly waits some twenty minutes. */
const OPENS_PER_CYCLE = 0.3;

/** Positions of a small desk. Unit: quote currency. */
const NOTIONAL = { min: 500, max: 5_000 } as const;
/** Common distances of a stop. Unit: average true ranges. */
const STOP_RANGES = { min: 1.5, max: 2.5 } as const;
/** Nearer, costs would be a large part of the risk; farther, one loss would cost too much. Unit: share of the entry price. */
const STOP_SHARE = { min: 0.004, max: 0.03 } as const;
/** Digits of a stop price. */
const STOP_DIGITS = 7;

/** Whether the ensemble is sure enough, and the desk in the mood. */
export function wantsToOpen(confidence: number, stream: RandomStream): boolean {
  // The draw is made in any case, so that what follows does not depend on the outcome.
  const draw = stream.uniform();
  return confidence >= CONFIDENT_FROM && draw < OPENS_PER_CYCLE;
}

/** Size and stop of a position at `price`. Null when the size would be below what the venue takes. */
export function planOpening(
  side: Side,
  price: number,
  averageTrueRange: number,
  rules: MarketRules,
  stream: RandomStream,
): Opening | null {
  const notional = between(NOTIONAL, stream);
  const ranges = between(STOP_RANGES, stream);
  const quantity = wholeLots(new Decimal(notional).div(price), price, rules);
  if (quantity === null) return null;
  const risk = Math.min(STOP_SHARE.max * price, Math.max(STOP_SHARE.min * price, ranges * averageTrueRange));
  const stop = side === 'LONG' ? price - risk : price + risk;
  return { quantity, initialStopPrice: Number(stop.toPrecision(STOP_DIGITS)) };
}

/** Rounded down to the lot step. Null when the venue takes no order as small as that. */
export function wholeLots(quantity: Decimal, price: number, rules: MarketRules): DecimalText | null {
  const step = new Decimal(rules.lotStep);
  const lots = quantity.div(step).floor().times(step);
  if (lots.lte(0) || lots.lt(rules.minQuantity) || lots.times(price).lt(rules.minNotional)) return null;
  return lots.toFixed();
}

function between(range: { readonly min: number; readonly max: number }, stream: RandomStream): number {
  return range.min + (range.max - range.min) * stream.uniform();
}
