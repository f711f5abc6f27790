/**
 * The port to a venue at which positions are closed: the rules of its markets, orders and their ends, orders that rest, and what it charged.
 */
import type { ClientOrderId, OrderId, PositionId, Side, RestingKind, FillId } from '../schemas/generated/records.ts';
import type { EpochMillis } from './clock.ts';
import type { SendGate, Stop } from './kill-switch.ts';

/** A decimal number as text, so that no digit of a quantity or price is lost between the venue and the sizing. */
export type DecimalText = string;

/** The venue's rules for one market. */
export interface MarketRules {
  /** Orders are whole multiples of it. Unit: contracts. */
  readonly lotStep: DecimalText;
  /** True where an order that closes a whole position may be of any size; left out: whole steps as any other. */
  readonly anyWholeSize?: true;
  /** Smallest order. Unit: contracts. */
  readonly minQuantity: DecimalText;
  /** Largest order at market; null: the venue sets no bound. Unit: contracts. */
  readonly maxQuantity: DecimalText | null;
  /** Smallest order by value; an order that closes the whole position is exempt. Unit: quote currency. */
  readonly minNotional: DecimalText;
  /** Left out: orders are taken, and no end is announced. */
  readonly ending?: MarketEnding;
}

/** That a market takes no orders, or that its contract is delivered or taken off. */
export interface MarketEnding {
  /** Null: no time is announced. */
  readonly settlesAt: EpochMillis | null;
  readonly takesOrders: boolean;
  /** The venue's own word for the state of the market; null: it has none. */
  readonly status: string | null;
}

/**
 * Identifies a position, with its figures from a snapshot or an intent. A real venue needs the identity only; the
 * paper venue opens a position that it does not know as described here.
 */
export interface PositionReference {
  readonly position_id: PositionId;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly opened_at: EpochMillis;
  /** When quantity and prices were observed. */
  readonly observed_at: EpochMillis;
  readonly quantity: number;
  readonly entry_price: number;
  readonly mark_price: number;
}

/** A position as the venue reports it now. */
export interface VenuePosition {
  /**
   * 0 is flat, and proven: by the venue's own book or by the fills that closed it. Null: the venue shows no such position and
   * no fill that closed it, so nothing is known.
   */
  readonly quantity: DecimalText | null;
}

/**
 * At which prices an order fills, and for how long. Prices in quote currency per contract, not yet on the market's ticks: the venue's
 * connector rounds them, never so that an order may fill at a worse one.
 *
 * - `market`     at any price, at once
 * - `ioc`        at `limitPrice` or better, at once; what does not fill then is cancelled by the venue
 * - `post-only`  rests on its own side of the book, at the first tick that is better than `price`, until it fills or is cancelled. It never
 *                takes: where it would, the venue refuses it
 */
export type Pricing =
  | { readonly kind: 'market' }
  | { readonly kind: 'ioc'; readonly limitPrice: DecimalText }
  | { readonly kind: 'post-only'; readonly price: DecimalText };

/** An order that only reduces. */
export interface OrderRequest {
  readonly clientOrderId: ClientOrderId;
  readonly position: PositionReference;
  /** A whole multiple of the lot step. Unit: contracts. */
  readonly quantity: DecimalText;
  readonly pricing: Pricing;
}

/** An order as the venue reports it. */
export interface VenueOrder {
  readonly orderId: OrderId;
  readonly clientOrderId: ClientOrderId;
  /** OPEN may still fill; DONE never will: what is not filled then was cancelled by the venue. */
  readonly state: 'OPEN' | 'DONE';
  readonly filledQuantity: DecimalText;
  /** Quantity-weighted; null without a fill. */
  readonly averagePrice: DecimalText | null;
  /** Null when the venue does not say, or no price of the asset can be had. Unit: quote currency. */
  readonly fee: DecimalText | null;
  /** What it was charged in, several joined by +; null when the venue does not say. */
  readonly feeAsset: string | null;
  /** Null when the venue does not say, or charged several assets. Unit: units of that asset. */
  readonly feeAmount: DecimalText | null;
  /** Open size after the order's last fill; null when the venue does not say. */
  readonly positionAfter: DecimalText | null;
  /** Time of the last fill; of the order while there is none. */
  readonly filledAt: EpochMillis;
}

/**
 * Why a venue rejected an order, whatever its code. `blocked`: orders that rest stand in its way. `price`: it is further from the mark than the venue allows, or none of the market's.
 * `would-take`: a post-only order that would have filled at once. `keys`: every order gets it until a person mends the keys. `duplicate-id`: the venue
 * knows the client order id, so the order may exist.
 */
export type RefusalMeaning =
  | 'reduce-only'
  | 'blocked'
  | 'min-notional'
  | 'min-quantity'
  | 'max-quantity'
  | 'precision'
  | 'margin'
  | 'symbol'
  | 'price'
  | 'would-take'
  | 'busy'
  | 'clock'
  | 'keys'
  | 'duplicate-id'
  | 'other';

/**
 * `rejected` is a definite no: nothing was or will be filled. `in-doubt`: the order may exist; ask by its client id. `withheld`: the kill
 * switch kept it back, so nothing of it was sent.
 */
export type Placement =
  | { readonly kind: 'accepted'; readonly order: VenueOrder }
  | {
      readonly kind: 'rejected';
      readonly meaning: RefusalMeaning;
      /** The venue's own, for reports. */
      readonly code: string;
      readonly message: string;
    }
  | { readonly kind: 'withheld'; readonly stop: Stop | null; readonly message: string }
  | { readonly kind: 'in-doubt'; readonly message: string };

/** `absent` is a definite no; `unavailable` is no answer. */
export type LookUp =
  | { readonly kind: 'found'; readonly order: VenueOrder }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unavailable'; readonly message: string };

/** `ended`: nothing of the order rests any more; a look-up says how it ended. `unavailable` is no answer. */
export type Cancellation = { readonly kind: 'ended' } | { readonly kind: 'unavailable'; readonly message: string };

/**
 * A venue that positions are closed at. `rules`, `position` and `markPrice` throw EXCHANGE_AWAY (transient) when there is no answer:
 * a failed query never means flat.
 */
export interface Exchange extends RestingOrders {
  readonly venue: string;
  /** Null: the venue has no such market. */
  rules(symbol: string, reference: PositionReference): Promise<MarketRules | null>;
  position(reference: PositionReference): Promise<VenuePosition>;
  /**
   * The price at which the venue values the position now, above 0 and at most a second old. Null: the venue names none. Unit: quote
   * currency per contract.
   */
  markPrice(reference: PositionReference): Promise<DecimalText | null>;
  /** `gate` is asked at the moment of sending, behind everything that may wait, and once more where the order is sent again. */
  place(request: OrderRequest, gate: SendGate): Promise<Placement>;
  lookUp(clientOrderId: ClientOrderId, symbol: string): Promise<LookUp>;
  /** Cancels an order. What filled before stays filled; an order that has ended already, or never arrived, is no error. */
  cancel(clientOrderId: ClientOrderId, symbol: string): Promise<Cancellation>;
  /** What the position has been charged since its opening. What the venue does not list within five seconds is reported as missing. */
  charges(reference: PositionReference): Promise<Charges>;
}

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

/** Listing and cancelling the orders that rest at a venue. */
interface RestingOrders {
  /** Those that would close a position of that side, oldest first; never one that might open another. Throws EXCHANGE_AWAY. */
  resting(symbol: string, side: Side): Promise<readonly RestingOrder[]>;
  /** What filled of it before stays filled. Cancelling twice does no harm. */
  cancelResting(symbol: string, order: RestingOrder): Promise<RestingCancellation>;
}

/** An amount that a venue charged, and what it was worth in the quote currency then. */
export interface Charge {
  /** Null: the venue did not say. */
  readonly asset: string | null;
  /** Negative: a rebate. Null: the venue did not say. Unit: units of the asset. */
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

/** A list that the venue gave in full, or why it did not. */
export type Listed<T> = { readonly listed: readonly T[] } | { readonly why: string };

/**
 * What a venue has charged for a position since its opening.
 *
 * - `records`  what it lists: fills and funding of the symbol, oldest first, from the opening on
 * - `rates`    it charges every fill that share of its value, and no funding: the paper venue
 */
export type Charges =
  | { readonly kind: 'records'; readonly fills: Listed<ChargedFill>; readonly funding: Listed<FundingPayment> }
  | { readonly kind: 'rates'; readonly feeRate: DecimalText };

/** The assets that charges were made in, each once, joined by +; null where there is none, or one is not known. */
export function joinedAssets(assets: Iterable<string | null>): string | null {
  const distinct = new Set(assets);
  if (distinct.size === 0 || distinct.has(null)) return null;
  return [...distinct].toSorted((one, other) => ((one ?? '') < (other ?? '') ? -1 : 1)).join('+');
}
