import { joinedAssets, type DecimalText, type Pricing, type VenueOrder } from '../../../ports/exchange.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { VenueFill } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import type { UnifiedOrder } from './unified.ts';
import type { PastMarket } from './venue-markets.ts';
import type { VenueTraits } from './venues/venue-traits.ts';

/** The direction of an order that reduces a position, in ccxt's words. */
export function orderSide(side: Side): 'buy' | 'sell' {
  return side === 'LONG' ? 'sell' : 'buy';
}

/** An order's type, price and time in force in ccxt's words. */
interface VenueTerms {
  readonly type: 'market' | 'limit';
  readonly price: DecimalText | undefined;
  readonly params: { readonly timeInForce?: 'IOC'; readonly postOnly?: true };
}

/**
 * Rounds prices to ticks so that an order never fills at a worse price than it allows: the limit of a sale is rounded up, that of a purchase
 * down. A post-only order is put at the first tick beyond its price, on its own side of the book. Pure.
 */
export function venueTerms(pricing: Pricing, side: Side, tick: DecimalText): VenueTerms {
  const sells = side === 'LONG';
  if (pricing.kind === 'market') return { type: 'market', price: undefined, params: {} };
  if (pricing.kind === 'ioc') {
    const ticks = new Exact(pricing.limitPrice).div(tick);
    const price = (sells ? ticks.ceil() : ticks.floor()).mul(tick);
    return { type: 'limit', price: toText(price), params: { timeInForce: 'IOC' } };
  }
  const ticks = new Exact(pricing.price).div(tick);
  const price = (sells ? ticks.floor().add(1) : ticks.ceil().sub(1)).mul(tick);
  return { type: 'limit', price: toText(price), params: { postOnly: true } };
}

/** ccxt's statuses of an order that may still fill; all others are final. */
const OPEN: ReadonlySet<string | null> = new Set(['open', null]);

/** An order as the exchange reports it. `fills` are all of its fills, or empty where they are unknown. Pure. */
export function venueOrderOf(
  order: UnifiedOrder,
  clientOrderId: ClientOrderId,
  fills: readonly VenueFill[],
  { contractSize }: PastMarket,
): VenueOrder {
  const filled = new Exact(order.filled ?? 0).mul(contractSize);
  const averagePrice = filled.isZero() ? null : (averageOf(fills) ?? ownAverage(order, filled));
  // Filled without a price is an incomplete answer: as OPEN the order will be looked up again.
  const half = filled.gt(0) && averagePrice === null;
  const toldAt = order.lastTradeTimestamp ?? order.lastUpdateTimestamp ?? order.timestamp ?? 0;
  return {
    orderId: order.id as OrderId,
    clientOrderId,
    state: half || OPEN.has(order.status) ? 'OPEN' : 'DONE',
    filledQuantity: toText(filled),
    averagePrice,
    fee: feeOf(fills),
    ...assetOf(fills),
    positionAfter: null,
    filledAt: fills.reduce((latest, { filledAt }) => Math.max(latest, filledAt), fills.length === 0 ? toldAt : 0),
  };
}

/** The quantity-weighted price. */
function averageOf(fills: readonly VenueFill[]): string | null {
  if (fills.length === 0) return null;
  const quantity = Exact.sum(0, ...fills.map((fill) => fill.quantity));
  const value = Exact.sum(0, ...fills.map((fill) => new Exact(fill.quantity).mul(fill.price)));
  return toText(value.div(quantity));
}

/** The order's own average: cost over quantity where known, since exchanges round the average that they report. */
function ownAverage({ average, cost }: UnifiedOrder, filled: Exact): string | null {
  if (cost !== null && new Exact(cost).gt(0)) return toText(new Exact(cost).div(filled));
  return average === null || new Exact(average).isZero() ? null : toText(new Exact(average));
}

/** The asset and amount in which the fills were charged. */
function assetOf(fills: readonly VenueFill[]): Pick<VenueOrder, 'feeAsset' | 'feeAmount'> {
  const assets = new Set(fills.map(({ feeAsset }) => feeAsset));
  const amounts = fills.flatMap(({ feeAmount }) => (feeAmount === null ? [] : [feeAmount]));
  const feeAsset = joinedAssets(assets);
  const isWhole = assets.size === 1 && amounts.length === fills.length;
  return {
    feeAsset,
    feeAmount: feeAsset !== null && isWhole ? toText(Exact.sum(0, ...amounts)) : null,
  };
}

/** Null where the fee of any fill is unknown. */
function feeOf(fills: readonly VenueFill[]): string | null {
  const fees = fills.flatMap(({ fee }) => (fee === null ? [] : [fee]));
  return fills.length === 0 || fees.length < fills.length ? null : toText(Exact.sum(0, ...fees));
}

const LONGEST_ALPHANUMERIC = 32;

/** A client order id in the form that the exchange accepts. Only the end of a hash is cut off, so the rest is still practically unique. */
export function venueClientId(id: ClientOrderId, form: VenueTraits['clientOrderIds']): string {
  return form === 'verbatim' ? id : id.replace(/[^0-9a-z]/gi, '').slice(0, LONGEST_ALPHANUMERIC);
}
