import type { OrderId, RestingKind, Side } from '../schemas/generated/records.ts';
import type { EpochMillis } from './clock.ts';
import type { DecimalText } from './exchange.ts';

/** An order that waits at a venue and can only make a position smaller. */
export interface RestingOrder {
  readonly orderId: OrderId;
  /** It waits for a trigger price; venues may number such orders apart from those in the book. */
  readonly isConditional: boolean;
  readonly kind: Exclude<RestingKind, 'UNRECOGNISED'>;
  /** What is left of it. Null: not said, or whatever is open then. Unit: contracts. */
  readonly quantity: DecimalText | null;
  /** Trigger price of a conditional order, limit price of any other; null: not said. Unit: quote currency per contract. */
  readonly price: DecimalText | null;
  /** Null: not said. */
  readonly placedAt: EpochMillis | null;
  /** It closes whatever is open when it is triggered. */
  readonly wholePosition: boolean;
}

/** `gone`: it had ended before, by itself or by somebody else. `refused` is a definite no; `unavailable` is no answer. */
export type RestingCancellation =
  { readonly kind: 'cancelled' | 'gone' } | { readonly kind: 'refused' | 'unavailable'; readonly message: string };

/** What rests at a venue, and taking it off. */
export interface RestingOrders {
  /** Those that would close a position of that side, oldest first; never one that might open another. Throws EXCHANGE_AWAY. */
  resting(symbol: string, side: Side): Promise<readonly RestingOrder[]>;
  /** What filled of it before stays filled. Asking again for one that was cancelled does no harm. */
  cancelResting(symbol: string, order: RestingOrder): Promise<RestingCancellation>;
}
