import { hash } from 'node:crypto';
import { isKind } from '../../../errors/harvestline-error.ts';
import type {
  Charges,
  Cancellation,
  DecimalText,
  Exchange,
  LookUp,
  MarketRules,
  OrderRequest,
  Placement,
  PositionReference,
  VenueOrder,
  VenuePosition,
  RestingCancellation,
  RestingOrder,
} from '../../../ports/exchange.ts';
import type { Clock, EpochMillis } from '../../../ports/clock.ts';
import { OPEN_GATE, type SendGate, WithheldOrder } from '../../../ports/kill-switch.ts';
import type { BookedPosition, PositionBook } from '../../../ports/position-book.ts';
import type { Random, RandomStream } from '../../../ports/random.ts';
import type { ClientOrderId, FillId, OrderId, PositionId } from '../../../schemas/generated/records.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import { DEFAULT_FAULTS, type PaperFaults, type Fate, TAKER_FEE, drawFate, planFills } from './fill-plan.ts';
import {
  type PaperMarket,
  rulesForPrice,
  INJECTED_REJECTION,
  type Rejection,
  duplicateId,
  vetOrder,
  sameMarket,
} from './market-rules.ts';
import {
  PaperBook,
  type PaperFill,
  type PaperOrder,
  type PaperPosition,
  inTransaction,
  openPaperDatabase,
} from './paper-book.ts';
import type { SqliteFile } from '../../system/sqlite-file.ts';

interface PaperExchangeOptions {
  /** The file of the book; `:memory:` for a book in memory. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: PaperFaults;
}

/** The name of the book's file in a data folder. */
export const PAPER_BOOK = 'paper-exchange.sqlite';

/** The decision on an order that reached the exchange. */
type Verdict = Exclude<Placement, { kind: 'in-doubt' | 'withheld' }> & { readonly blackout: boolean };

/**
 * The paper exchange: simulated orders on a book of positions of its own, which the processes of one machine share and which survives them.
 *
 * PAP-4  Every change is one write transaction: after kill -9 it is there as a whole or not at all.
 * PAP-5  A client order id names at most one order, for ever.
 * PAP-6  For every position, opened + grown - filled = open, exactly; nothing goes below flat.
 * PAP-7  A closed position stays flat for ever: naming it again does not open it.
 * PAP-8  What happens to an order depends on the seed and its client order id, never on the order of calls. All of it is booked when the order
 *        is placed, so every process sees the same order whenever it looks. A cancellation removes the fills that lie ahead of it.
 */
export class PaperExchange implements Exchange, PositionBook {
  readonly venue = 'paper';
  readonly #database: SqliteFile;
  readonly #book: PaperBook;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: PaperFaults;

  /** Throws LOG_UNREADABLE for a file that is not a book of this program. */
  constructor(options: PaperExchangeOptions) {
    this.#database = openPaperDatabase(options.path);
    this.#book = new PaperBook(this.#database);
    this.#clock = options.clock;
    this.#random = options.random;
    this.#faults = options.faults ?? DEFAULT_FAULTS;
  }

  // -- Exchange

  async rules(symbol: string, reference: PositionReference): Promise<MarketRules> {
    return { ...this.marketRules(symbol, reference.mark_price), anyWholeSize: true };
  }

  async position(reference: PositionReference): Promise<VenuePosition> {
    const { quantity } =
      this.#book.position(reference.position_id) ?? inTransaction(this.#database, () => this.#positionOf(reference));
    return { quantity };
  }

  /** The price of the snapshot: the paper exchange has no market of its own. */
  async markPrice({ mark_price }: PositionReference): Promise<DecimalText> {
    return toText(new Exact(mark_price));
  }

  async place(request: OrderRequest, gate: SendGate = OPEN_GATE): Promise<Placement> {
    try {
      return await gate(() => this.#send(request));
    } catch (thrown) {
      if (thrown instanceof WithheldOrder) return { kind: 'withheld', stop: thrown.stop, message: thrown.message };
      throw thrown;
    }
  }

  async #send(request: OrderRequest): Promise<Placement> {
    const stream = this.#random.stream('paper', request.clientOrderId);
    const fate = drawFate(stream, this.#faults);
    if (fate.timeoutBefore) return { kind: 'in-doubt', message: 'the request timed out' };
    let verdict: Verdict;
    try {
      verdict = inTransaction(this.#database, () => this.#decide(request, fate, stream));
    } catch (error) {
      if (isKind(error, 'transient')) return { kind: 'in-doubt', message: error.message };
      throw error;
    }
    const { blackout, ...placement } = verdict;
    return fate.lostReply || blackout ? { kind: 'in-doubt', message: 'the reply was lost' } : placement;
  }

  async lookUp(clientOrderId: ClientOrderId): Promise<LookUp> {
    const order = this.#book.order(clientOrderId);
    if (order === undefined) return { kind: 'absent' };
    if (order.blackout) return { kind: 'unavailable', message: 'the venue does not answer for this order' };
    return { kind: 'found', order: venueOrderAt(order, this.#clock.now()) };
  }

  async cancel(clientOrderId: ClientOrderId): Promise<Cancellation> {
    const order = this.#book.order(clientOrderId);
    if (order?.blackout === true) return { kind: 'unavailable', message: 'the venue does not answer for this order' };
    try {
      inTransaction(this.#database, () => this.#cancelOrder(clientOrderId));
    } catch (error) {
      if (isKind(error, 'transient')) return { kind: 'unavailable', message: error.message };
      throw error;
    }
    return { kind: 'ended' };
  }

  /** A rate: the opening costs as much as the closing, and there is no funding. */
  async charges(): Promise<Charges> {
    return { kind: 'rates', feeRate: TAKER_FEE };
  }

  /** Empty: there are no orders besides this program's own. */
  async resting(): Promise<readonly RestingOrder[]> {
    return [];
  }

  async cancelResting(): Promise<RestingCancellation> {
    return { kind: 'gone' };
  }

  // -- PositionBook

  marketRules(symbol: string, price: number): PaperMarket {
    return this.#book.market(symbol) ?? inTransaction(this.#database, () => this.#marketOf(symbol, price));
  }

  open(position: Omit<BookedPosition, 'quantity'>): void {
    if (this.#book.position(position.position_id) !== undefined) return;
    inTransaction(this.#database, () => this.#book.addPosition(position));
  }

  grow(positionId: PositionId, growthId: string, quantity: DecimalText, price: DecimalText): void {
    inTransaction(this.#database, () => {
      const position = this.#book.position(positionId);
      if (position === undefined || new Exact(position.quantity).isZero()) return;
      if (!this.#book.addGrowth(positionId, growthId, quantity, price)) return;
      const before = new Exact(position.quantity);
      const after = before.add(quantity);
      const value = before.mul(position.entryPrice).add(new Exact(quantity).mul(price));
      const grown = new Exact(position.grownQuantity).add(quantity);
      this.#book.grow(positionId, toText(grown), toText(after), toText(value.div(after)));
    });
  }

  openPositions(): readonly BookedPosition[] {
    return this.#book.openPositions();
  }

  // -- A real account in the book (live-paper.ts)

  /** Replaces the rules derived from a market's price by those of the real market. */
  defineMarket(symbol: string, market: PaperMarket): void {
    const known = this.#book.market(symbol);
    if (known !== undefined && sameMarket(known, market)) return;
    inTransaction(this.#database, () => this.#book.setMarket(symbol, market));
  }

  /**
   * Reduces a position by a share, as a fill of the real account did, in whole lots; a share of 1 closes it. Each fill counts once: a
   * repeated call returns what was closed the first time. Null: the book has no such position.
   */
  mirrorFill(positionId: PositionId, fillId: FillId, share: Exact, price: DecimalText) {
    return inTransaction(this.#database, (): { quantity: DecimalText; remaining: DecimalText } | null => {
      const position = this.#book.position(positionId);
      if (position === undefined) return null;
      const before = this.#book.growth(positionId, mirrored(fillId));
      if (before !== undefined) return { quantity: toText(new Exact(before).neg()), remaining: position.quantity };
      const open = new Exact(position.quantity);
      const step = this.#book.market(position.symbol)?.lotStep;
      const part = open.mul(share);
      const closed = share.gte(1) || step === undefined ? part : part.div(step).floor().mul(step);
      this.#book.addGrowth(positionId, mirrored(fillId), toText(closed.neg()), price);
      const grown = toText(new Exact(position.grownQuantity).sub(closed));
      const remaining = toText(open.sub(closed));
      this.#book.grow(positionId, grown, remaining, position.entryPrice);
      return { quantity: toText(closed), remaining };
    });
  }

  // -- For status and tests

  /** Every order ever placed, oldest first, with all of its fills, including those that lie ahead. */
  orders(): IterableIterator<PaperOrder> {
    return this.#book.orders();
  }

  /** Every position ever known, flat ones included, ordered by position_id. */
  positions(): readonly PaperPosition[] {
    return this.#book.positions();
  }

  close(): void {
    this.#database.close();
  }

  // -- Inside a transaction

  #decide(request: OrderRequest, fate: Fate, stream: RandomStream): Verdict {
    const { clientOrderId, position: reference } = request;
    if (this.#book.order(clientOrderId) !== undefined) return rejected(duplicateId(clientOrderId));
    if (fate.reject) return rejected(INJECTED_REJECTION);

    const position = this.#positionOf(reference);
    const market = this.#marketOf(reference.symbol, reference.mark_price);
    const open = new Exact(position.quantity);
    const quantity = vetOrder(new Exact(request.quantity), open, reference.mark_price, market);
    if (!Exact.isDecimal(quantity)) return rejected(quantity);

    const now = this.#clock.now();
    const plan = planFills(
      stream,
      fate,
      { side: position.side, quantity, open, markPrice: reference.mark_price, pricing: request.pricing },
      market,
    );
    let left = open;
    const fills = plan.fills.map((fill): PaperFill => {
      left = left.sub(fill.quantity);
      return {
        filledAt: now + fill.after,
        quantity: toText(fill.quantity),
        price: toText(fill.price),
        fee: toText(fill.fee),
        positionAfter: toText(left),
      };
    });
    const order: PaperOrder = {
      clientOrderId,
      orderId: orderIdOf(clientOrderId),
      positionId: reference.position_id,
      symbol: reference.symbol,
      quantity: toText(quantity),
      positionBefore: toText(open),
      placedAt: now,
      doneAt: now + plan.doneAfter,
      blackout: fate.blackout,
      fills,
    };
    this.#book.addOrder(order);
    this.#book.reduce(reference.position_id, toText(left));
    return { kind: 'accepted', order: venueOrderAt(order, now), blackout: fate.blackout };
  }

  /** PAP-6, PAP-8: removes the fills that lie ahead, and what they would have closed is open again. */
  #cancelOrder(clientOrderId: ClientOrderId): void {
    const order = this.#book.order(clientOrderId);
    const now = this.#clock.now();
    if (order === undefined || order.doneAt <= now) return;
    const position = this.#book.position(order.positionId);
    const ahead = order.fills.filter(({ filledAt }) => filledAt > now).map(({ quantity }) => quantity);
    this.#book.endOrder(clientOrderId, now);
    if (position !== undefined) {
      this.#book.reduce(order.positionId, toText(Exact.sum(position.quantity, ...ahead)));
    }
  }

  #marketOf(symbol: string, price: number): PaperMarket {
    const known = this.#book.market(symbol);
    if (known !== undefined) return known;
    const market = rulesForPrice(price);
    this.#book.setMarket(symbol, market);
    return market;
  }

  #positionOf(reference: PositionReference): PaperPosition {
    const known = this.#book.position(reference.position_id);
    if (known !== undefined) return known;
    const { position_id, account, symbol, side, opened_at } = reference;
    const quantity = toText(new Exact(reference.quantity));
    const entryPrice = toText(new Exact(reference.entry_price));
    const opened = { position_id, account, symbol, side, opened_at, initialQuantity: quantity, entryPrice };
    this.#book.addPosition(opened);
    return { ...opened, quantity, grownQuantity: '0' };
  }
}

function rejected(rejection: Rejection): Verdict {
  return { kind: 'rejected', ...rejection, blackout: false };
}

/** The id under which a mirrored fill is booked: as a negative growth, so that PAP-6 holds. */
function mirrored(fillId: FillId): string {
  return `fill-${fillId}`;
}

/** A hash rather than a counter, so that ids do not depend on the order of placement (PAP-8). */
function orderIdOf(clientOrderId: ClientOrderId): OrderId {
  return `paper-${hash('sha256', clientOrderId, 'hex').slice(0, 16)}` as OrderId;
}

/** An order as reported at `now`: with the fills up to then, and OPEN until its last one could happen. */
function venueOrderAt(order: PaperOrder, now: EpochMillis): VenueOrder {
  const fills = order.fills.filter((fill) => fill.filledAt <= now);
  const last = fills.at(-1);
  const filled = Exact.sum(0, ...fills.map((fill) => fill.quantity));
  const notional = Exact.sum(0, ...fills.map((fill) => new Exact(fill.quantity).mul(fill.price)));
  return {
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    state: now >= order.doneAt ? 'DONE' : 'OPEN',
    filledQuantity: toText(filled),
    averagePrice: last === undefined ? null : toText(notional.div(filled)),
    fee: last === undefined ? null : toText(Exact.sum(0, ...fills.map((fill) => fill.fee))),
    // Fees are in the quote currency, whose name is not known here.
    feeAsset: null,
    feeAmount: null,
    positionAfter: last?.positionAfter ?? order.positionBefore,
    filledAt: last?.filledAt ?? order.placedAt,
  };
}
