import type { PositionId, Side } from '../schemas/generated/records.ts';
import type { EpochMillis } from './clock.ts';
import type { DecimalText, MarketRules } from './exchange.ts';

/** An open position as the venue keeps it. Quantities and prices are decimal texts. */
export interface BookedPosition {
  readonly position_id: PositionId;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly opened_at: EpochMillis;
  /** Open size now. Unit: contracts. */
  readonly quantity: DecimalText;
  /** Size at opening. Unit: contracts. */
  readonly initialQuantity: DecimalText;
  /** Quantity-weighted over the openings. Unit: quote currency per contract. */
  readonly entryPrice: DecimalText;
}

/**
 * The side of a paper venue that a simulated desk trades on. Every call is idempotent by its ids, so a desk that is
 * restarted in the middle of a cycle may repeat them all.
 */
export interface PositionBook {
  /** The venue's rules for a symbol, fixed when the symbol is first named, by the magnitude of `price`. */
  marketRules(symbol: string, price: number): MarketRules;
  /** Opens a position; does nothing where `position_id` was ever known. */
  open(position: Omit<BookedPosition, 'quantity'>): void;
  /** Adds to an open position at a price; does nothing where `growthId` was done before or the position is flat. */
  grow(positionId: PositionId, growthId: string, quantity: DecimalText, price: DecimalText): void;
  /** Every position that is not flat, ordered by position_id. */
  openPositions(): readonly BookedPosition[];
}
