/**
 * The port to a venue that is observed: open positions, fills, candles and stops, as answers to requests and as a stream of changes.
 */
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
  /** Later than was asked for where the venue lists nothing older. */
  readonly since: EpochMillis;
}

/** Who sent an order, and what kind of order it was. */
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
 * What a venue reports about an account and its markets. Every method throws EXCHANGE_AWAY (transient) when there is no whole
 * answer: a failed query never means none.
 */
export interface Venue {
  readonly venue: string;
  /** All open positions with their mark prices. One that the venue shows in part costs no other its place. */
  holdings(): Promise<Shown>;
  /** From `since` on, or as far back as the venue lists them. */
  fills(symbol: string, since: EpochMillis): Promise<Fills>;
  /**
   * The fills before `before`, as many as one answer lists. From `since` of the answer on they are complete; it is `before` itself where
   * nothing older is listed. Null: not now, as such requests come after all others.
   */
  olderFills(symbol: string, before: EpochMillis): Promise<Fills | null>;
  /** Null: the venue no longer knows the order. */
  orderOrigin(symbol: string, orderId: OrderId): Promise<OrderOrigin | null>;
  /** The latest closed five-minute candles, oldest first. */
  candles(symbol: string, count: number): Promise<readonly Candle[]>;
  /** The orders that would close a position of that side. */
  stops(symbol: string, side: Side): Promise<VenueStops>;
}

/**
 * What a venue's stream reports between requests. A change is a reason to ask, never a fact: streams lose, repeat and reorder events, so
 * only answers to requests are recorded, and the mark prices that moved a position's peak.
 */
export type VenueChange =
  /** A fill, or something else that changed positions of the symbol. */
  | { readonly kind: 'account'; readonly symbol: string; readonly at: EpochMillis }
  | { readonly kind: 'mark'; readonly symbol: string; readonly price: DecimalText; readonly at: EpochMillis }
  /** Changes may have been missed, of any symbol. */
  | { readonly kind: 'gap' };

export interface ChangeStream {
  /**
   * Reports changes to the listener until the signal aborts. Never throws: a stream that cannot be opened, is silent or breaks is logged
   * and opened again after growing waits, and a gap is reported once it is back.
   */
  follow(listener: (change: VenueChange) => void, signal: AbortSignal): Promise<void>;
  /** Sets the symbols whose mark prices are reported. */
  watch(symbols: ReadonlySet<string>): void;
  /** Since when the account's changes are reported without a gap; null: they are not. */
  readonly completeSince: EpochMillis | null;
  /** Opens the stream anew: it missed a change that it should have reported. */
  distrust(why: string): void;
}
