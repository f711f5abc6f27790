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
} from '../../../ports/exchange.ts';
import { OPEN_GATE, type SendGate } from '../../../ports/kill-switch.ts';
import type { Charges } from '../../../ports/charges.ts';
import type { RestingCancellation, RestingOrder } from '../../../ports/resting.ts';
import type { ClientOrderId } from '../../../schemas/generated/records.ts';
import type { PaperMarket } from './market-rules.ts';
import type { PaperExchange } from './paper-exchange.ts';

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
