/**
 * The paper venue at real prices: orders fill in its own book, at the mark price that a real exchange names at that moment, by
 * that exchange's rules. Only public questions are asked of the exchange, and nothing is ever sent to it.
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

/** What the paper venue asks of a real market. Both throw EXCHANGE_AWAY. */
export interface RealMarket {
  /** Null: the exchange has no such market. */
  rules(symbol: string): Promise<PaperMarket | null>;
  /** Null: the exchange names none. Unit: quote currency per contract. */
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
      // Nothing was placed: at no price there is no fill.
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

/**
 * A real account in the paper venue's book: what would have become of its positions, had our orders been sent.
 *
 * PAP-1  A position has in the book the size at which it was first seen, less what our paper orders and the account's own fills
 *     have closed since. It is not grown with the real one: a paper close cannot be undone by a real purchase.
 * PAP-2  A fill that reduced the real position by a share reduces the paper one by that share, in whole lots; one that closed it
 *     closes what is left. Each counts once, however often it is told of.
 * PAP-3  A position that is flat on paper has no more snapshots, though it may still be open at the exchange.
 */

/** What a cycle observed that the paper venue has its own word on. */
interface Mirrored {
  readonly reconciled: readonly PositionReconciled[];
  readonly snapshots: readonly PositionSnapshot[];
}

export class PaperMirror {
  readonly #paper: PaperExchange;

  constructor(paper: PaperExchange) {
    this.#paper = paper;
  }

  /** A cycle as the paper venue has it. */
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
      const closed = this.#paper.follow(position_id, fill_id, share, String(price));
      if (closed === null || new Exact(closed.quantity).isZero()) return [];
      return [
        {
          ...reduction,
          quantity: Number(closed.quantity),
          remaining_quantity: Number(closed.remaining),
          // The account's fee was for another quantity, and nobody paid it here.
          fee_quote: null,
          fee_asset: null,
          fee_amount: null,
        },
      ];
    });
    return { ...record, reductions };
  }
}
