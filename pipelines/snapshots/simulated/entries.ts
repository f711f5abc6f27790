/** The entries of the simulated desk: its slots, when it opens or grows a position, how large, and with which stop. Pure. */
import { Decimal } from 'decimal.js';
import type { DecimalText, MarketRules } from '../../../ports/exchange.ts';
import type { BookedPosition } from '../../../ports/position-book.ts';
import type { Random, RandomStream } from '../../../ports/random.ts';
import type { PositionId, Side } from '../../../schemas/generated/records.ts';

/** Room for one position at a time: one symbol on one account. */
export interface Slot {
  readonly account: string;
  readonly symbol: string;
}

/**
 * `count` slots over the symbols. Where there are enough symbols they are on one account, which has the desk's name; otherwise on as many
 * numbered accounts as needed, each of which holds every symbol before the next one begins.
 */
export function slotsOf(desk: string, symbols: readonly string[], count: number): readonly Slot[] {
  const oneAccount = symbols.length >= count;
  const slots: Slot[] = [];
  for (let round = 1; slots.length < count && symbols.length > 0; round++) {
    for (const symbol of symbols.slice(0, count - slots.length)) {
      slots.push({ account: oneAccount ? desk : `${desk}-${round}`, symbol });
    }
  }
  return slots;
}

export function slotKey(slot: Slot): string {
  return `${slot.account}:${slot.symbol}`;
}

/** How a position is opened. Prices in quote currency per contract, quantity in contracts. */
export interface Opening {
  readonly quantity: DecimalText;
  readonly initialStopPrice: number;
}

/** The desk opens at this confidence or above. Unit: probability. */
const CONFIDENT_FROM = 0.64;
/** The chance that a confident desk opens in a cycle. It is confident in three of four cycles, so a free slot waits about twenty minutes. */
const OPENS_PER_CYCLE = 0.3;

/** The sizes of a small desk's positions. Unit: quote currency. */
const NOTIONAL = { min: 500, max: 5_000 } as const;
/** The distance of a stop from the entry. Unit: average true ranges. */
const STOP_RANGES = { min: 1.5, max: 2.5 } as const;
/** The bounds of that distance. Nearer, costs would be a large part of the risk; farther, one loss would be too large. Unit: share of the entry price. */
const STOP_SHARE = { min: 0.004, max: 0.03 } as const;
/** The significant digits of a stop price. */
const STOP_DIGITS = 7;

/** True where the ensemble is confident enough and the cycle's draw allows it. */
export function wantsToOpen(confidence: number, stream: RandomStream): boolean {
  // Drawn in any case, so that later draws from the stream do not depend on the confidence.
  const draw = stream.uniform();
  return confidence >= CONFIDENT_FROM && draw < OPENS_PER_CYCLE;
}

/** Size and stop of a position at `price`. Null where the size is below the venue's minimum. */
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

/** An addition to an open position. */
export interface Growth {
  readonly growthId: string;
  readonly quantity: DecimalText;
}

/** The chance that the desk adds to a position at all, and that it does so twice. */
const GROWS = 0.35;
const GROWS_TWICE = 0.3;
/** The ages at which the desk may add, within the usual life of a position. Unit: candles. */
const FIRST_AGE = { min: 4, max: 18 } as const;
const SECOND_AGE = { min: 24, max: 42 } as const;
/** The desk adds to a position from this R on. Unit: multiples of the initial risk (R). */
const WINNING_FROM = 0.5;
/** How much it adds each time: less than is open, so that the entry price moves little. Unit: share of the initial size. */
const SHARE = '0.4';

/**
 * The growth that is due now: the first, the second, or none. The age at which each is due is drawn from the position's id alone, so the same growth
 * is due whenever the cycle runs again.
 */
export function growthDue(positionId: PositionId, ageCandles: number, r: number, random: Random): 1 | 2 | null {
  if (r < WINNING_FROM) return null;
  const stream = random.stream('growth', positionId);
  if (stream.uniform() >= GROWS) return null;
  if (ageCandles === stream.integer(FIRST_AGE.min, FIRST_AGE.max)) return 1;
  if (stream.uniform() >= GROWS_TWICE) return null;
  return ageCandles === stream.integer(SECOND_AGE.min, SECOND_AGE.max) ? 2 : null;
}

/** The size of that growth; null where it is below the venue's minimum. It depends on the initial size only, which no growth changes. */
export function planGrowth(position: BookedPosition, ordinal: 1 | 2, price: number, rules: MarketRules): Growth | null {
  const quantity = wholeLots(new Decimal(position.initialQuantity).times(SHARE), price, rules);
  return quantity === null ? null : { growthId: `${position.position_id}:growth:${ordinal}`, quantity };
}

/** The quantity rounded down to the lot step; null where that is below the venue's minimum. */
export function wholeLots(quantity: Decimal, price: number, rules: MarketRules): DecimalText | null {
  const step = new Decimal(rules.lotStep);
  const lots = quantity.div(step).floor().times(step);
  if (lots.lte(0) || lots.lt(rules.minQuantity) || lots.times(price).lt(rules.minNotional)) return null;
  return lots.toFixed();
}

function between(range: { readonly min: number; readonly max: number }, stream: RandomStream): number {
  return range.min + (range.max - range.min) * stream.uniform();
}
