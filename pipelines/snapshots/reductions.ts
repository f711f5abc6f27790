/** Reductions: each fill that made a position under observation smaller, as a record, with the order that caused it. */
import { HarvestlineError } from '../../errors/harvestline-error.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { DecimalText } from '../../ports/exchange.ts';
import type { Lifecycle, ReducingFill } from '../../ports/lifecycles.ts';
import type { OrderOrigin, Venue } from '../../ports/venue.ts';
import type { FillId, OrderId, Reduction, Side } from '../../schemas/generated/records.ts';
import { type Agreement, LISTED_LATE_MS } from './match-fills.ts';
import type { Identity, Memory } from './snapshot.ts';

interface ReductionParts {
  readonly identity: Identity;
  readonly side: Side;
  readonly memory: Memory;
  readonly reducing: ReducingFill;
  /** Before the fill. Unit: quote currency per contract. */
  readonly entryPrice: number;
  /** Null: the venue no longer knows the order. */
  readonly origin: OrderOrigin | null;
}

/** The record of one reducing fill. */
export function reductionOf({ identity, side, memory, reducing, entryPrice, origin }: ReductionParts): Reduction {
  const { fill, quantity, fee, remaining } = reducing;
  return {
    position_id: identity.position_id,
    side,
    opened_at: identity.opened_at,
    entry_price: entryPrice,
    initial_stop_price: memory.initial_stop_price,
    peak_price: memory.peak_price,
    worst_price: memory.worst_price,
    regime_at_entry: memory.regime_at_entry,
    confidence_at_entry: memory.confidence_at_entry,
    model_id: memory.model_id,
    fill_id: fill.fillId,
    order_id: fill.orderId,
    client_order_id: origin?.clientOrderId ?? null,
    cause: origin?.cause ?? 'ORDER',
    quantity: quantity.toNumber(),
    price: Number(fill.price),
    fee_quote: fee?.toNumber() ?? null,
    fee_asset: fill.feeAsset,
    fee_amount: fill.feeAmount === null ? null : partOf(fill.feeAmount, quantity, fill.quantity),
    remaining_quantity: remaining.toNumber(),
    closed_at: fill.filledAt,
  };
}

/** The share of the fee that belongs to the reduction: a fill that also opened the other side was charged once for both. */
function partOf(amount: DecimalText, quantity: Exact, whole: DecimalText): number {
  return new Exact(amount).mul(quantity).div(whole).toNumber();
}

/**
 * The entry price of a position after each of its fills, as venues count it: growth moves it, a reduction does not. Computed from its opening on;
 * where that is not among the fills, from the latest agreement on. What the venue showed since then may have been another position (SNA-9).
 */
export function entryPricesOf(
  { identity, agreed }: { readonly identity: Identity; readonly agreed: Agreement },
  { opening, sizes }: Pick<Lifecycle, 'opening' | 'sizes'>,
): { readonly after: ReadonlyMap<FillId, number>; readonly latest: number } {
  // As in match-fills.ts: what had grown by the agreement is known by its fills, and after a restart by its time.
  const agreedUntil = agreed.fills === null ? agreed.at : agreed.at - LISTED_LATE_MS;
  const countedUntil = opening === null ? Math.max(identity.opened_at, agreedUntil) : -Infinity;
  const after = new Map<FillId, number>();
  let price = new Exact(opening === null ? agreed.entryPrice : 0);
  let before = new Exact(0);
  for (const { fill, reduces, size } of sizes) {
    if (fill !== null) {
      const isCounted = opening === null && (fill.filledAt <= countedUntil || agreed.fills?.has(fill.fillId) === true);
      if (!reduces && !isCounted) price = price.mul(before).add(size.sub(before).mul(fill.price)).div(size);
      after.set(fill.fillId, price.toNumber());
    }
    before = size;
  }
  return { after, latest: price.toNumber() };
}

/** After so many denials in a row the venue has really forgotten an order. Unit: answers. */
const DENIALS_BELIEVED = 3;

/** The most orders that one observation asks for: its cycle waits for each answer. The next observations ask for the rest. Unit: orders. */
const ASKED_PER_OBSERVATION = 20;

/** Where the orders behind the fills of one symbol came from. Answers are kept. */
export class OrderOrigins {
  readonly #symbol: string;
  readonly #venue: Venue;
  readonly #known = new Map<OrderId, OrderOrigin>();
  readonly #denials = new Map<OrderId, number>();
  #asked = 0;

  constructor(symbol: string, venue: Venue) {
    this.#symbol = symbol;
    this.#venue = venue;
  }

  /** Allows this observation its requests. */
  beginObservation(): void {
    this.#asked = 0;
  }

  /**
   * Null: the venue no longer knows the order. A venue that shows a fill and denies its order is believed only after some denials. Throws
   * EXCHANGE_AWAY.
   */
  async of(orderId: OrderId): Promise<OrderOrigin | null> {
    const known = this.#known.get(orderId);
    if (known !== undefined) return known;
    if (this.#asked >= ASKED_PER_OBSERVATION) {
      throw new HarvestlineError('EXCHANGE_AWAY', `${this.#symbol}: the orders of its fills are still being asked for`);
    }
    this.#asked += 1;
    const origin = await this.#venue.orderOrigin(this.#symbol, orderId);
    if (origin !== null) {
      this.#known.set(orderId, origin);
      return origin;
    }
    const denials = (this.#denials.get(orderId) ?? 0) + 1;
    this.#denials.set(orderId, denials);
    if (denials >= DENIALS_BELIEVED) return null;
    throw new HarvestlineError(
      'EXCHANGE_AWAY',
      `${this.#symbol}: the venue denies order ${orderId}, of which it shows a fill`,
    );
  }
}
