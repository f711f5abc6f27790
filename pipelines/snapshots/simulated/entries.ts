/** The entries of the simulated desk: where it may hold positions, when it opens or grows one, of which size and with which stop. Pure. */
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
 * `count` slots over the symbols: one account, the desk's own name, where there are enough symbols; otherwise as many numbered
 * sub-accounts as it takes, each holding every symbol once before the next one begins.
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

/** The least confidence at which the desk opens. Unit: probability. */
const CONFIDENT_FROM = 0.64;
/** The chance that a confident desk opens in a cycle. It is confident in three cycles of four, so a free slot mostly waits some twenty minutes. */
const OPENS_PER_CYCLE = 0.3;

/** Positions of a small desk. Unit: quote currency. */
const NOTIONAL = { min: 500, max: 5_000 } as const;
/** Common distances of a stop. Unit: average true ranges. */
const STOP_RANGES = { min: 1.5, max: 2.5 } as const;
/** Nearer, costs would be a large part of the risk; farther, one loss would cost too much. Unit: share of the entry price. */
const STOP_SHARE = { min: 0.004, max: 0.03 } as const;
/** Digits of a stop price. */
const STOP_DIGITS = 7;

/** Whether the desk opens: the ensemble is confident enough, and the draw of the cycle says so. */
export function wantsToOpen(confidence: number, stream: RandomStream): boolean {
  // The draw is made in any case, so that what follows does not depend on the outcome.
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
/** The ages at which the desk may add: within the hours that a position lives. Unit: candles. */
const FIRST_AGE = { min: 4, max: 18 } as const;
const SECOND_AGE = { min: 24, max: 42 } as const;
/** It adds to winners only, from this R on. Unit: multiples of the initial risk (R). */
const WINNING_FROM = 0.5;
/** The share of the initial size that it adds each time: less than is open, so that the entry price stays near. */
const SHARE = '0.4';

/**
 * The growth that is due now: the first, the second, or null. The age at which each is due is drawn from the position's id alone, so it needs no
 * memory, and the same growth is due in the same cycle however often that is run.
 */
export function growthDue(positionId: PositionId, ageCandles: number, r: number, random: Random): 1 | 2 | null {
  if (r < WINNING_FROM) return null;
  const stream = random.stream('growth', positionId);
  if (stream.uniform() >= GROWS) return null;
  if (ageCandles === stream.integer(FIRST_AGE.min, FIRST_AGE.max)) return 1;
  if (stream.uniform() >= GROWS_TWICE) return null;
  return ageCandles === stream.integer(SECOND_AGE.min, SECOND_AGE.max) ? 2 : null;
}

/** The size of that growth at `price`; null where it is below the venue's minimum. It depends on nothing that a growth changes. */
export function planGrowth(position: BookedPosition, ordinal: 1 | 2, price: number, rules: MarketRules): Growth | null {
  const quantity = wholeLots(new Decimal(position.initialQuantity).times(SHARE), price, rules);
  return quantity === null ? null : { growthId: `${position.position_id}:growth:${ordinal}`, quantity };
}

/** Rounded down to the lot step. Null where that is below the venue's minimum. */
export function wholeLots(quantity: Decimal, price: number, rules: MarketRules): DecimalText | null {
  const step = new Decimal(rules.lotStep);
  const lots = quantity.div(step).floor().times(step);
  if (lots.lte(0) || lots.lt(rules.minQuantity) || lots.times(price).lt(rules.minNotional)) return null;
  return lots.toFixed();
}

function between(range: { readonly min: number; readonly max: number }, stream: RandomStream): number {
  return range.min + (range.max - range.min) * stream.uniform();
}
