import type { FillId, OrderId, Side } from '../schemas/generated/records.ts';
import type { EpochMillis } from './clock.ts';
import type { DecimalText } from './exchange.ts';

/** An amount that a venue charged, and what it was worth in the quote currency then. */
export interface Charge {
  /** Null: the venue did not say. */
  readonly asset: string | null;
  /** Negative was given, a rebate. Null: the venue did not say. Unit: units of the asset. */
  readonly amount: DecimalText | null;
  /** Null: no price of the asset can be had. Unit: quote currency. */
  readonly quote: DecimalText | null;
}

/** One fill of a position's symbol, with its fee. */
export interface ChargedFill {
  readonly fillId: FillId;
  readonly orderId: OrderId;
  /** The side it belongs to in hedge mode; null in one-way mode. */
  readonly positionSide: Side | null;
  readonly direction: 'BUY' | 'SELL';
  /** Unit: contracts. */
  readonly quantity: DecimalText;
  readonly fee: Charge;
  readonly filledAt: EpochMillis;
}

/** One payment of funding: its amount is positive where the account paid it, negative where it was received. */
export interface FundingPayment {
  readonly charge: Charge;
  readonly paidAt: EpochMillis;
}

/** A list that the venue told whole, or why it did not. */
export type Told<T> = { readonly told: readonly T[] } | { readonly why: string };

/**
 * What a venue has charged for a position since its opening.
 *
 * - `records`  what it tells: fills and funding of the symbol, oldest first, from the opening on
 * - `rates`    it charges every fill that share of its value, and no funding: the paper venue
 */
export type Charges =
  | { readonly kind: 'records'; readonly fills: Told<ChargedFill>; readonly funding: Told<FundingPayment> }
  | { readonly kind: 'rates'; readonly feeRate: DecimalText };

/** The assets that charges were made in, each once, joined by +; null where there is none, or one is not known. */
export function joinedAssets(assets: Iterable<string | null>): string | null {
  const distinct = new Set(assets);
  if (distinct.size === 0 || distinct.has(null)) return null;
  return [...distinct].toSorted((one, other) => ((one ?? '') < (other ?? '') ? -1 : 1)).join('+');
}
