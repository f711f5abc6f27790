import type { ClientOrderId, FillId, OrderId, ReductionCause, Side } from '../schemas/generated/records.ts';
import type { EpochMillis } from './clock.ts';
import type { DecimalText, RestingOrder } from './exchange.ts';
import type { Candle } from './market.ts';

/** An open position as the venue shows it: one for each symbol, or one for each side of it in hedge mode. */
export interface VenueHolding {
  /** The venue's own market id, for example BTCUSDT. */
  readonly symbol: string;
  readonly side: Side;
  /** Above 0. Unit: contracts. */
  readonly quantity: DecimalText;
  /** Unit: quote currency per contract. */
  readonly entryPrice: DecimalText;
  readonly markPrice: DecimalText;
  /** No order can close any of it: it is smaller than the market's smallest order. */
  readonly isDust: boolean;
  /** When the venue last changed it; null when it does not say. */
  readonly updatedAt: EpochMillis | null;
  /** When its contract is delivered or taken off, as the venue announces it. Left out: no end is announced. */
  readonly settlesAt?: EpochMillis;
}

/** A position that the venue shows without all that a snapshot needs. What it does not say is null, and nothing is made up for it. */
export interface IncompleteHolding {
  readonly symbol: string;
  readonly side: Side | null;
  /** Unit: contracts. */
  readonly quantity: DecimalText | null;
  /** Unit: quote currency per contract. */
  readonly entryPrice: DecimalText | null;
  /** In words. */
  readonly lacks: string;
}

/** All open positions, from one answer. */
export interface Shown {
  readonly holdings: readonly VenueHolding[];
  readonly incomplete: readonly IncompleteHolding[];
}

/** One fill of the account. */
export interface VenueFill {
  /** Unique for the symbol. */
  readonly fillId: FillId;
  readonly orderId: OrderId;
  /** The side it belongs to in hedge mode; null in one-way mode, where a fill may close one side and open the other. */
  readonly positionSide: Side | null;
  readonly direction: 'BUY' | 'SELL';
  /** Unit: contracts. */
  readonly quantity: DecimalText;
  /** Unit: quote currency per contract. */
  readonly price: DecimalText;
  /** Negative is a rebate. Null when the venue does not say, or charged another asset. Unit: quote currency. */
  readonly fee: DecimalText | null;
  /** What it was charged in; null when the venue does not say. */
  readonly feeAsset: string | null;
  /** Null when the venue does not say. Unit: units of that asset. */
  readonly feeAmount: DecimalText | null;
  readonly filledAt: EpochMillis;
}

/** All fills of a symbol from a moment on. */
export interface Fills {
  /** Oldest first. */
  readonly fills: readonly VenueFill[];
  /** Later than was asked for where the venue tells nothing older. */
  readonly since: EpochMillis;
}

/** What the venue says of how an order came to be. */
export interface OrderOrigin {
  /** Null: the venue names none. */
  readonly clientOrderId: ClientOrderId | null;
  readonly cause: Exclude<ReductionCause, 'UNRECOGNISED'>;
}

/** What rests for one side of a symbol, and where its stop and target stand. Prices in quote currency per contract; null: there is none. */
export interface VenueStops {
  readonly stopPrice: DecimalText | null;
  readonly takeProfitPrice: DecimalText | null;
  /** Oldest first. */
  readonly resting: readonly RestingOrder[];
}

/**
 * What a venue tells of an account and its markets. Every method throws EXCHANGE_AWAY (transient) when there is no whole
 * answer: a failed query never means none.
 */
export interface Venue {
  readonly venue: string;
  /** All open positions with their mark prices. One that the venue shows in part costs no other its place. */
  holdings(): Promise<Shown>;
  /** From `since` on, or as far back as the venue tells. */
  fills(symbol: string, since: EpochMillis): Promise<Fills>;
  /**
   * The fills before `before`, as many as one question tells of; `since` of the answer is from when on they are whole, and `before` itself where
   * nothing older is told. Null: not now, since such questions come after all others.
   */
  olderFills(symbol: string, before: EpochMillis): Promise<Fills | null>;
  /** Null: the venue knows the order no more. */
  orderOrigin(symbol: string, orderId: OrderId): Promise<OrderOrigin | null>;
  /** The latest closed five-minute candles, oldest first. */
  candles(symbol: string, count: number): Promise<readonly Candle[]>;
  /** The orders that would close a position of that side. */
  stops(symbol: string, side: Side): Promise<VenueStops>;
}

/**
 * What a venue tells between questions. A change is a reason to look, never a truth: streams lose, double and reorder what they tell, so
 * nothing is recorded that the venue did not answer to a question (ports/venue.ts), but for the mark prices that a peak has seen.
 */
export type VenueChange =
  /** A fill, or something else that changed positions of the symbol. */
  | { readonly kind: 'account'; readonly symbol: string; readonly at: EpochMillis }
  | { readonly kind: 'mark'; readonly symbol: string; readonly price: DecimalText; readonly at: EpochMillis }
  /** Changes may have been missed, of any symbol. */
  | { readonly kind: 'gap' };

export interface ChangeStream {
  /**
   * Tells the listener until the signal aborts. Never throws: where the stream cannot be had, is silent or breaks, it says so in the log,
   * tries again with longer and longer waits, and tells of a gap when it is there again.
   */
  follow(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<void>;
  /** The symbols of which mark prices are told. */
  watch(symbols: ReadonlySet<string>): void;
  /** Since when the account's changes are told without a gap; null: they are not. */
  readonly tellsSince: EpochMillis | null;
  /** It did not tell of a change that it should have told of: it begins anew. */
  distrust(why: string): void;
}
