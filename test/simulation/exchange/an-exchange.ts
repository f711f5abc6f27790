import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import { OPEN_GATE, type SendGate } from '../../../ports/kill-switch.ts';
import type { OrderRequest, Placement, PositionReference, Pricing } from '../../../ports/exchange.ts';
import type { ClientOrderId, Side } from '../../../schemas/generated/records.ts';
import { positionIdOf } from '../../../schemas/ids.ts';
import { type Fault, FaultBoard } from '../faults.ts';
import { Host } from '../host.ts';
import { Kernel } from '../kernel.ts';
import { SimulatedVenue } from './simulated-venue.ts';
import { VenueAccount } from './venue-account.ts';

export const START = Date.UTC(2026, 0, 5, 12, 1);
export const MINUTE_MS = 60_000;

interface ExchangeTraits {
  readonly seed?: number;
  readonly faults?: readonly Fault[];
  readonly isHedged?: boolean;
}

/** A fault that stands from the start on, for an hour. */
export function aFault(kind: Fault['kind'], on: string | null, much = 0.5): Fault {
  return { kind, at: 0, forMs: 60 * MINUTE_MS, on, much };
}

/** A simulated exchange with one process at it. */
export class AnExchange {
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  readonly account: VenueAccount;
  readonly host: Host;
  readonly venue: SimulatedVenue;

  constructor({ seed = 7, faults = [], isHedged = false }: ExchangeTraits = {}) {
    const kernel = new Kernel(seed, START);
    this.kernel = kernel;
    this.faults = new FaultBoard(
      faults,
      START,
      () => kernel.now,
      () => {},
    );
    this.account = new VenueAccount({ kernel, faults: this.faults, isHedged });
    this.host = this.aHost('execution');
    this.venue = new SimulatedVenue(this.host, this.account);
  }

  aHost(role: string): Host {
    const { kernel, faults } = this;
    const random = new SeededRandom(kernel.seed).stream('host', role);
    return new Host({ name: role, role, kernel, faults, random, skewMs: 0, grainMs: 1, onDeath: () => {} });
  }

  /** What the promise comes to within the time, all of which passes. */
  async within<T>(ms: number, promise: Promise<T>): Promise<T> {
    const settled = promise.catch((thrown: unknown) => thrown);
    await this.kernel.run(this.kernel.now + ms);
    await Promise.race([settled, Promise.reject(new Error(`no answer within ${ms} ms`))]);
    return promise;
  }

  /** The position as a snapshot of this moment has it. */
  reference(symbol: string, side: Side = 'LONG'): PositionReference {
    const book = this.account.books.get(symbol);
    if (book === undefined) throw new Error(`no market ${symbol}`);
    const { lots, openedAt, entryPrice } = book.of(side);
    return {
      position_id: positionIdOf('desk-1', symbol, side, openedAt),
      account: 'desk-1',
      symbol,
      side,
      opened_at: openedAt,
      observed_at: this.kernel.now,
      quantity: Number(book.quantityText(lots)),
      entry_price: Number(entryPrice),
      mark_price: Number(book.priceText(book.path.ticks(this.kernel.now))),
    };
  }

  /** Sends an order, and waits for what the process learns of it. */
  place(
    id: string,
    position: PositionReference,
    quantity: string,
    pricing: Pricing = { kind: 'market' },
    gate: SendGate = OPEN_GATE,
  ): Promise<Placement> {
    const request: OrderRequest = { clientOrderId: id as ClientOrderId, position, quantity, pricing };
    return this.within(8000, this.venue.place(request, gate));
  }
}
