/**
 * The paper exchange on a real market. LivePaper fills orders in the paper book at the mark price that a real exchange reports at that moment,
 * by that exchange's rules; PaperMirror keeps a real account's positions in the book. The exchange gets public requests only, never an order.
 */
import { messageOf } from '../../../errors/harvestline-error.ts';
import type {
  Cancellation,
  DecimalText,
  Exchange,
  LookUp,
  MarketRules,
  OrderRequest,
  Placement,
  PositionReference,
  VenuePosition,
  Charges,
  RestingCancellation,
  RestingOrder,
} from '../../../ports/exchange.ts';
import { OPEN_GATE, type SendGate } from '../../../ports/kill-switch.ts';
import type {
  ClientOrderId,
  PositionReconciled,
  PositionSnapshot,
  Reduction,
} from '../../../schemas/generated/records.ts';
import type { PaperMarket } from './market-rules.ts';
import type { PaperExchange } from './paper-exchange.ts';
import { Exact } from '../../../ports/exact-decimal.ts';

/** The real market. Both methods throw EXCHANGE_AWAY. */
export interface RealMarket {
  /** Null: the exchange has no such market. */
  rules(symbol: string): Promise<PaperMarket | null>;
  /** Null: the exchange has none. Unit: quote currency per contract. */
  markPrice(symbol: string): Promise<DecimalText | null>;
}

export class LivePaper implements Exchange {
  readonly venue: string;
  readonly #paper: PaperExchange;
  readonly #market: RealMarket;

  constructor(paper: PaperExchange, market: RealMarket) {
    this.venue = paper.venue;
    this.#paper = paper;
    this.#market = market;
  }

  async rules(symbol: string): Promise<MarketRules | null> {
    const market = await this.#market.rules(symbol);
    if (market !== null) this.#paper.defineMarket(symbol, market);
    return market;
  }

  position(reference: PositionReference): Promise<VenuePosition> {
    return this.#paper.position(reference);
  }

  markPrice({ symbol }: PositionReference): Promise<DecimalText | null> {
    return this.#market.markPrice(symbol);
  }

  async place(request: OrderRequest, gate: SendGate = OPEN_GATE): Promise<Placement> {
    const { position } = request;
    let mark: DecimalText | null;
    try {
      mark = await this.#market.markPrice(position.symbol);
    } catch (thrown) {
      // Without a price there is no fill, so nothing was placed.
      return { kind: 'rejected', ...NO_PRICE, message: messageOf(thrown) };
    }
    if (mark === null) return { kind: 'rejected', ...NO_PRICE, message: 'the exchange names no mark price' };
    return this.#paper.place({ ...request, position: { ...position, mark_price: Number(mark) } }, gate);
  }

  lookUp(clientOrderId: ClientOrderId): Promise<LookUp> {
    return this.#paper.lookUp(clientOrderId);
  }

  cancel(clientOrderId: ClientOrderId): Promise<Cancellation> {
    return this.#paper.cancel(clientOrderId);
  }

  charges(): Promise<Charges> {
    return this.#paper.charges();
  }

  resting(): Promise<readonly RestingOrder[]> {
    return this.#paper.resting();
  }

  cancelResting(): Promise<RestingCancellation> {
    return this.#paper.cancelResting();
  }
}

const NO_PRICE = { meaning: 'other', code: 'NO_PRICE' } as const;

/** The records of a cycle that the paper book changes. */
interface Mirrored {
  readonly reconciled: readonly PositionReconciled[];
  readonly snapshots: readonly PositionSnapshot[];
}

/**
 * Keeps a real account's positions in the paper book, as they would be had this program's orders been sent.
 *
 * PAP-1  A position in the book has the size at which it was first observed, less what paper orders and the account's own fills have closed
 *        since. It does not grow with the real one: a real purchase cannot undo a paper close.
 * PAP-2  A fill that reduced the real position by a share reduces the paper position by that share, in whole lots; a fill that closed the real
 *        one closes the rest. Each fill counts once, however often it is redelivered.
 * PAP-3  A position that is flat on paper gets no more snapshots, though it may still be open at the exchange.
 */
export class PaperMirror {
  readonly #paper: PaperExchange;

  constructor(paper: PaperExchange) {
    this.#paper = paper;
  }

  /** The cycle with the quantities of the paper book. */
  async mirror<Cycle extends Mirrored>(cycle: Cycle): Promise<Cycle> {
    const snapshots: PositionSnapshot[] = [];
    const reconciled = cycle.reconciled.map((record) => this.#reduce(record));
    for (const snapshot of cycle.snapshots) {
      const { quantity } = await this.#paper.position(snapshot);
      if (quantity !== null && new Exact(quantity).gt(0)) snapshots.push({ ...snapshot, quantity: Number(quantity) });
    }
    return { ...cycle, reconciled, snapshots };
  }

  /** PAP-2. */
  #reduce(record: PositionReconciled): PositionReconciled {
    const reductions = record.reductions.flatMap((reduction): readonly Reduction[] => {
      const { position_id, fill_id, price, quantity, remaining_quantity } = reduction;
      const share = new Exact(quantity).div(new Exact(quantity).add(remaining_quantity));
      const closed = this.#paper.mirrorFill(position_id, fill_id, share, String(price));
      if (closed === null || new Exact(closed.quantity).isZero()) return [];
      return [
        {
          ...reduction,
          quantity: Number(closed.quantity),
          remaining_quantity: Number(closed.remaining),
          // The real fee was for another quantity, and none was paid on paper.
          fee_quote: null,
          fee_asset: null,
          fee_amount: null,
        },
      ];
    });
    return { ...record, reductions };
  }
}
