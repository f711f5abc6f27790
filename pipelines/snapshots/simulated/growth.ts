import { Decimal } from 'decimal.js';
import type { DecimalText, MarketRules } from '../../../ports/exchange.ts';
import type { BookedPosition } from '../../../ports/position-book.ts';
import type { Random } from '../../../ports/random.ts';
import type { PositionId } from '../../../schemas/generated/records.ts';
import { wholeLots } from './entries.ts';

export interface Growth {
  readonly growthId: string;
  readonly quantity: DecimalText;
}

/** The chance that the desk adds to a position at all, and that it does so twice. */
const GROWS = 0.35;
const GROWS_TWICE = 0.3;
/** Ages at which it looks whether to add: within the hours that a position lives. Unit: candles. */
const FIRST_AGE = { min: 4, max: 18 } as const;
const SECOND_AGE = { min: 24, max: 42 } as const;
/** It adds to winners only, from this on. Unit: multiples of the initial risk (R). */
const WINNING_FROM = 0.5;
/** Each time it adds this share of the initial size: less than was there, so that the entry price stays near. */
const SHARE = '0.4';

/**
 * Which growth is due now, the first or the second, or null. When to look is drawn from the position's id alone, once for each
 * growth, so it needs no memory, and the same growth is due in the same cycle however often that is run.
 */
export function growthDue(positionId: PositionId, ageCandles: number, r: number, random: Random): 1 | 2 | null {
  if (r < WINNING_FROM) return null;
  const stream = random.stream('growth', positionId);
  if (stream.uniform() >= GROWS) return null;
  if (ageCandles === stream.integer(FIRST_AGE.min, FIRST_AGE.max)) return 1;
  if (stream.uniform() >= GROWS_TWICE) return null;
  return ageCandles === stream.integer(SECOND_AGE.min, SECOND_AGE.max) ? 2 : null;
}

/** What that growth adds at `price`; null when it would be below what the venue takes. It depends on nothing that a growth changes. */
export function planGrowth(position: BookedPosition, ordinal: 1 | 2, price: number, rules: MarketRules): Growth | null {
  const quantity = wholeLots(new Decimal(position.initialQuantity).times(SHARE), price, rules);
  return quantity === null ? null : { growthId: `${position.position_id}:growth:${ordinal}`, quantity };
}
