import { HarvestlineError } from '../../errors/harvestline-error.ts';
import type { OrderOrigin, Venue } from '../../ports/venue.ts';
import type { OrderId } from '../../schemas/generated/records.ts';

/** So often in a row a venue denies an order only if it has forgotten it. Unit: looks. */
const DENIALS_BELIEVED = 3;

/** Each is a request, and a look holds up its cycle: the rest is asked for in the next ones. Unit: orders. */
const ASKED_A_LOOK = 20;

/** Where the orders of one symbol's fills came from. What was told is kept. */
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

  beginLook(): void {
    this.#asked = 0;
  }

  /** Null: the venue knows it no more. One that shows a fill and denies its order is not believed at once. Throws EXCHANGE_AWAY. */
  async of(orderId: OrderId): Promise<OrderOrigin | null> {
    const known = this.#known.get(orderId);
    if (known !== undefined) return known;
    if (this.#asked >= ASKED_A_LOOK) {
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
