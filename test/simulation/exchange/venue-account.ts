/**
 * The account at the simulated exchange: what orders, people, the price and the exchange itself do to it. Clients see it through
 * account-answers.ts, invariants through `ledger`.
 *
 * SIM-33  An order that only reduces never fills beyond the position.
 * SIM-34  A client order id is taken once.
 * SIM-35  A request that is older than the window of the exchange is refused: no order comes into being after its sender has stopped asking.
 * SIM-36  Price, stops, targets, orders in the book and funding move at one event for each step of five minutes, and at jumps.
 */
import { SeededRandom } from '../../../connectors/system/seeded-random.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { OrderRequest, RefusalMeaning } from '../../../ports/exchange.ts';
import type { VenueChange } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import type { FaultBoard } from '../faults.ts';
import type { Kernel } from '../kernel.ts';
import { AccountLedger, type AccountOrder, type HandMade } from './account-ledger.ts';
import { fillOrder } from './order-fills.ts';
import { type Placing, refusalOf } from './order-refusals.ts';
import { PricePath, STEP_MS } from './price-path.ts';
import { MARKETS, type SimulatedMarket } from './simulated-market.ts';
import { SymbolBook, type OpenSide, type WaitingOrder } from './symbol-book.ts';

/** Orders signed longer ago are refused, as Binance does where a client does not ask for another window. Unit: milliseconds. */
export const RECEIVE_WINDOW_MS = 5000;

/** How much later an order that stays open fills, at the least and at the most: some outlast every wait of execution. Unit: milliseconds. */
const STAYS_OPEN_MS = [200, 14_000] as const;

const FUNDING_MS = 8 * 60 * 60_000;

/** Unit: millionths of the value, positive where a LONG pays. */
const FUNDING_RATES = [-75, 300] as const;

const ENTITY = 'exchange';

export interface AccountOptions {
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  readonly markets?: readonly SimulatedMarket[];
  /** Each symbol may be open on both sides at once; left out: one position each. */
  readonly isHedged?: boolean;
}

/** An order that somebody places along with a position. */
export interface WaitingPlan {
  readonly kind: WaitingOrder['kind'];
  /** From the entry: against the position for STOP, in its favour for any other. Unit: fraction of the entry. */
  readonly distance: number;
  /** Of the position's size; null: whatever is open when it is triggered. */
  readonly share: number | null;
}

export class VenueAccount {
  readonly ledger = new AccountLedger();
  readonly books = new Map<string, SymbolBook>();
  readonly ordersByClientId = new Map<ClientOrderId, AccountOrder>();
  readonly ordersById = new Map<OrderId, AccountOrder>();
  /** What wants to be told of changes. */
  readonly listeners = new Set<(change: VenueChange) => void>();
  /** Called where the streams of changes break. */
  readonly connections = new Set<() => void>();
  readonly isHedged: boolean;
  /** Nothing before it is listed. */
  readonly start: EpochMillis;
  readonly kernel: Kernel;
  readonly faults: FaultBoard;
  /** Orders that a look-up has denied once (SIM-38). */
  readonly denied = new Set<ClientOrderId>();
  readonly #random: SeededRandom;
  #orders = 0;
  #hands = 0;

  constructor({ kernel, faults, markets = MARKETS, isHedged = false }: AccountOptions) {
    this.kernel = kernel;
    this.faults = faults;
    this.isHedged = isHedged;
    this.start = kernel.now;
    this.#random = new SeededRandom(kernel.seed);
    for (const market of markets) {
      const path = new PricePath(market, this.#random.stream(ENTITY, 'price', market.symbol), kernel.now);
      this.books.set(market.symbol, new SymbolBook(market, path, isHedged));
    }
    this.#scheduleStep();
  }

  // What the world does.

  openPositions(): readonly (OpenSide & { readonly symbol: string; readonly quantity: string })[] {
    return [...this.books].flatMap(([symbol, book]) =>
      book.open().map((side) => ({ ...side, symbol, quantity: book.quantityText(side.lots) })),
    );
  }

  /** Opens a position at the mark, with what shall rest for it. Throws where that side, or in one-way mode the other, is open. */
  open(symbol: string, side: Side, contracts: number, resting: readonly WaitingPlan[] = []): void {
    const book = this.#book(symbol);
    const inTheWay = this.isHedged ? book.of(side).lots : book.open().length;
    if (inTheWay > 0) throw new Error(`${symbol} is open`);
    const lots = Math.max(book.market.minLots, Math.round(contracts * 10 ** book.market.lotDecimals));
    this.#byHand('opened', book, side, lots);
    const { entryTicks } = book.of(side);
    for (const { kind, distance, share } of resting) {
      const away = (side === 'LONG') === (kind === 'STOP') ? 1 - distance : 1 + distance;
      book.waiting.push({
        orderId: this.#nextOrderId(),
        side,
        kind,
        ticks: kind === 'OTHER' ? null : Math.max(1, Math.round(entryTicks.toNumber() * away)),
        lots: share === null ? null : Math.max(1, Math.round(share * lots)),
        placedAt: this.kernel.now,
      });
    }
  }

  /** Closes a share of what is open of a side, of the open one where none is named. False: nothing is. */
  closeByHand(symbol: string, share: number, side?: Side): boolean {
    return this.#changeByHand('closed', symbol, share, side);
  }

  /** Adds that share of what is open. False: nothing is. */
  growByHand(symbol: string, share: number, side?: Side): boolean {
    return this.#changeByHand('grown', symbol, share, side);
  }

  /** The exchange cancels what rests for the position, and closes it. False: nothing is open. */
  liquidate(symbol: string, side?: Side): boolean {
    const book = this.#book(symbol);
    const open = book.open().find((one) => side === undefined || one.side === side);
    if (open === undefined) return false;
    for (const order of book.working) if (order.side === open.side) this.end(book, order);
    const left = book.waiting.filter((one) => one.side !== open.side);
    book.waiting.splice(0, book.waiting.length, ...left);
    this.#byHand('liquidated', book, open.side, open.lots);
    return true;
  }

  /** The price jumps. Unit: fraction of the price, signed, above -1. */
  gap(symbol: string, fraction: number): void {
    const book = this.#book(symbol);
    book.path.jump(this.kernel.now, fraction);
    const ticks = book.path.ticks(this.kernel.now);
    this.#trigger(book, ticks, ticks, ticks);
  }

  /** Every stream of changes breaks, and is opened again. */
  breakStreams(): void {
    for (const onBreak of this.connections) onBreak();
  }

  // What clients have it do.

  /** SIM-33, SIM-34, SIM-35. */
  receive(request: OrderRequest, host: string, sentAt: EpochMillis): AccountOrder | RefusalMeaning {
    const { clientOrderId, position } = request;
    const sending = { host, sentAt, receivedAt: this.kernel.now };
    const placing = this.#refusal(request, sentAt);
    if (typeof placing === 'string') {
      this.ledger.note(request, sending, { refused: placing, order: null });
      return placing;
    }
    const { book, lots, limitTicks } = placing;
    const { side } = position;
    const rests = request.pricing.kind === 'post-only';
    const order = this.#newOrder(book, { clientOrderId, side, reduces: true, cause: 'ORDER', lots, limitTicks, rests });
    this.ordersByClientId.set(clientOrderId, order);
    this.ledger.note(request, sending, { refused: null, order });
    if (rests) this.#watchCrossing(book, order);
    else this.#take(book, order);
    return order;
  }

  /** What is not filled of the order never will be. */
  end(book: SymbolBook, order: AccountOrder): void {
    order.isOpen = false;
    book.working.delete(order);
  }

  #refusal(request: OrderRequest, sentAt: EpochMillis): Placing | RefusalMeaning {
    if (this.kernel.now - sentAt > RECEIVE_WINDOW_MS) return 'clock';
    if (this.ordersByClientId.has(request.clientOrderId)) return 'duplicate-id';
    return refusalOf(request, this.books.get(request.position.symbol), this.kernel.now, this.faults);
  }

  /** An order that takes: now, in part, not at all, or later. */
  #take(book: SymbolBook, order: AccountOrder): void {
    const { symbol } = order;
    const staysOpen = this.faults.strikes('order_stays_open', symbol);
    if (staysOpen !== null) {
      const [least, most] = STAYS_OPEN_MS;
      this.kernel.after(Math.round(least + staysOpen.much * (most - least)), ENTITY, () => {
        if (order.isOpen) this.#execute(book, order, order.lots);
      });
      return;
    }
    if (this.faults.strikes('order_unfilled', symbol) !== null) return this.end(book, order);
    const inPart = this.faults.strikes('order_in_part', symbol);
    const part = inPart === null ? order.lots : Math.max(1, Math.floor(order.lots * (0.05 + 0.9 * inPart.much)));
    this.#execute(book, order, Math.min(part, order.lots));
  }

  /** Fills at the mark, and ends. */
  #execute(book: SymbolBook, order: AccountOrder, lots: number, at = book.path.ticks(this.kernel.now)): void {
    const { kernel, faults, ledger } = this;
    // Not by its order id: that one counts the orders before it, whatever they are of.
    const random = this.#random.stream(ENTITY, 'order', order.clientOrderId ?? `${order.symbol}@${kernel.now}`);
    const late = faults.strikes('fills_late', order.symbol);
    const fills = fillOrder({ book, order, lots, markTicks: at, random, now: kernel.now, late });
    for (const fill of fills) ledger.fills.push(fill);
    this.end(book, order);
    if (fills.length > 0) this.#publish({ kind: 'account', symbol: order.symbol, at: kernel.now });
  }

  #newOrder(
    { market: { symbol }, working }: SymbolBook,
    terms: Pick<AccountOrder, 'clientOrderId' | 'side' | 'reduces' | 'cause' | 'lots' | 'limitTicks' | 'rests'>,
  ): AccountOrder {
    const { now } = this.kernel;
    const orderId = this.#nextOrderId();
    const progress = { fills: [], filledLots: 0, isOpen: true, updatedAt: now };
    const order: AccountOrder = { orderId, symbol, receivedAt: now, ...terms, ...progress };
    this.ordersById.set(orderId, order);
    working.add(order);
    return order;
  }

  #nextOrderId(): OrderId {
    return String(++this.#orders) as OrderId;
  }

  #changeByHand(what: 'closed' | 'grown', symbol: string, share: number, side?: Side): boolean {
    const book = this.#book(symbol);
    const open = book.open().find((one) => side === undefined || one.side === side);
    if (open === undefined) return false;
    const lots = Math.max(1, Math.round(share * open.lots));
    this.#byHand(what, book, open.side, what === 'closed' ? Math.min(lots, open.lots) : lots);
    return true;
  }

  #byHand(what: HandMade['what'], book: SymbolBook, side: Side, lots: number): void {
    const { symbol } = book.market;
    const clientOrderId = `${what === 'liquidated' ? 'autoclose' : 'web'}-${++this.#hands}` as ClientOrderId;
    const reduces = what === 'closed' || what === 'liquidated';
    const cause = what === 'liquidated' ? 'LIQUIDATION' : 'ORDER';
    const order = this.#newOrder(book, { clientOrderId, side, reduces, cause, lots, limitTicks: null, rests: false });
    this.ledger.handMade.push({ what, symbol, side, quantity: book.quantityText(lots), at: this.kernel.now });
    this.#execute(book, order, lots);
  }

  // What the price does.

  #scheduleStep(): void {
    const next = (Math.floor(this.kernel.now / STEP_MS) + 1) * STEP_MS;
    this.kernel.at(next, ENTITY, () => {
      this.#step();
      this.#scheduleStep();
    });
  }

  /** SIM-36. */
  #step(): void {
    const { now } = this.kernel;
    const paysFunding = now % FUNDING_MS === 0;
    for (const [symbol, book] of this.books) {
      const { market, path } = book;
      if (paysFunding) {
        const rate = this.#random.stream(ENTITY, 'funding', symbol, now).integer(...FUNDING_RATES);
        for (const side of book.open()) this.ledger.funding.push(book.pay(side, rate, now));
      }
      if (book.open().length === 0 && book.waiting.length === 0 && book.working.size === 0) continue;
      const candle = path.latest(now);
      const scale = 10 ** market.priceDecimals;
      const ticks = path.ticks(now);
      const [low, high] = candle === undefined ? [ticks, ticks] : [candle.low * scale, candle.high * scale];
      this.#trigger(book, Math.round(low), Math.round(high), ticks);
      this.#publish({ kind: 'mark', symbol, price: book.priceText(ticks), at: now });
    }
  }

  /** Fills the orders whose price lies between `low` and `high`; those that came within the step, whose price was reached now. */
  #trigger(book: SymbolBook, low: number, high: number, ticks: number): void {
    const stepBegan = this.kernel.now - STEP_MS;
    const isReached = (side: Side, above: boolean, price: number, since: EpochMillis): boolean => {
      const isOlder = since <= stepBegan;
      return (side === 'LONG') === above ? (isOlder ? high : ticks) >= price : (isOlder ? low : ticks) <= price;
    };
    if (book.waiting.length > 0) {
      const hit = book.waiting.filter(
        (one) => one.ticks !== null && isReached(one.side, one.kind !== 'STOP', one.ticks, one.placedAt),
      );
      for (const one of hit) this.#triggerOne(book, one, low === high ? ticks : (one.ticks ?? ticks));
    }
    for (const order of book.working) {
      if (order.rests && isReached(order.side, true, order.limitTicks ?? 0, order.receivedAt)) this.#cross(book, order);
    }
  }

  #triggerOne(book: SymbolBook, waiting: WaitingOrder, at: number): void {
    book.waiting.splice(book.waiting.indexOf(waiting), 1);
    const { side, kind } = waiting;
    const { lots: open } = book.of(side);
    if (open === 0) return;
    const cause = kind === 'STOP' || kind === 'TAKE_PROFIT' ? kind : 'ORDER';
    const lots = Math.min(open, waiting.lots ?? open);
    const limitTicks = kind === 'LIMIT' ? waiting.ticks : null;
    const order = this.#newOrder(book, {
      clientOrderId: null,
      side,
      reduces: true,
      cause,
      lots,
      limitTicks,
      rests: kind === 'LIMIT',
    });
    this.#execute(book, order, lots, at);
  }

  /** A resting order fills at its price. */
  #cross(book: SymbolBook, order: AccountOrder): void {
    if (!order.isOpen) return;
    if (book.of(order.side).lots === 0) return this.end(book, order);
    this.#execute(book, order, order.lots, order.limitTicks ?? undefined);
  }

  /** Most orders rest for seconds: where the price is on its way to theirs, they need not wait for the next step. */
  #watchCrossing(book: SymbolBook, order: AccountOrder): void {
    const at = book.path.crossing(this.kernel.now, order.limitTicks ?? 0);
    if (at === null) return;
    this.kernel.at(at, ENTITY, () => {
      const ticks = book.path.ticks(this.kernel.now);
      const isReached = order.side === 'LONG' ? ticks >= (order.limitTicks ?? 0) : ticks <= (order.limitTicks ?? 0);
      if (isReached) this.#cross(book, order);
    });
  }

  #publish(change: VenueChange): void {
    for (const listener of this.listeners) listener(change);
  }

  #book(symbol: string): SymbolBook {
    const book = this.books.get(symbol);
    if (book === undefined) throw new Error(`no market ${symbol}`);
    return book;
  }
}
