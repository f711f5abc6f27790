/**
 * What the exchange answers about the account at this moment, as far as faults let it. Nothing here changes the account, but for what a client
 * cancels.
 *
 * SIM-37  What is told of the account is true of this moment, or it is told as missing: a list may be behind by less than a minute, and is never
 *         false.
 */
import { HarvestlineError } from '../../../errors/harvestline-error.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import {
  type ChargedFill,
  type Charges,
  type FundingPayment,
  type Listed,
  type LookUp,
  type MarketRules,
  type PositionReference,
  type RestingCancellation,
  type RestingOrder,
  type VenueOrder,
  type VenuePosition,
  joinedAssets,
} from '../../../ports/exchange.ts';
import { noResponseOf } from '../../../connectors/exchange/ccxt/exchange-rejection.ts';
import type { EpochMillis } from '../../../ports/clock.ts';
import type { Candle } from '../../../ports/market.ts';
import type { Fills, IncompleteHolding, OrderOrigin, Shown, VenueHolding, VenueStops } from '../../../ports/venue.ts';
import type { ClientOrderId, OrderId, Side } from '../../../schemas/generated/records.ts';
import type { AccountFill, AccountOrder } from './account-ledger.ts';
import { failedRequest } from '../secrets.ts';
import { rulesOf } from './simulated-market.ts';
import type { OpenSide, SymbolBook, WaitingOrder } from './symbol-book.ts';
import type { VenueAccount } from './venue-account.ts';

/** What one answer about older fills spans. Unit: milliseconds. */
const OLDER_SPAN_MS = 7 * 24 * 60 * 60_000;

export class AccountAnswers {
  readonly #account: VenueAccount;

  constructor(account: VenueAccount) {
    this.#account = account;
  }

  rules(symbol: string): MarketRules | null {
    const book = this.#account.books.get(symbol);
    if (book === undefined) return null;
    const isPaused = this.#isStruck('market_paused', symbol);
    return rulesOf(book.market, isPaused ? { settlesAt: null, takesOrders: false, status: 'SETTLING' } : null);
  }

  /** A position that was opened after the observation is another one: the observed one is flat. */
  position({ symbol, side, observed_at: observedAt }: PositionReference): VenuePosition {
    const book = this.#account.books.get(symbol);
    if (book === undefined) return { quantity: null };
    if (this.#isStruck('position_unknown', symbol) || this.#isStruck('holding_incomplete', symbol)) {
      return { quantity: null };
    }
    const { lots, openedAt } = book.of(side);
    if (lots > 0 && openedAt <= observedAt) return { quantity: book.quantityText(lots) };
    // Flat is proven by the fills that closed it.
    return { quantity: book.listed(this.#now) < book.fills.length ? null : '0' };
  }

  markPrice(symbol: string): string | null {
    const book = this.#account.books.get(symbol);
    if (book === undefined || this.#isStruck('mark_missing', symbol)) return null;
    return book.priceText(book.path.ticks(this.#now));
  }

  lookUp(clientOrderId: ClientOrderId): LookUp {
    const order = this.#account.ordersByClientId.get(clientOrderId);
    return order === undefined ? { kind: 'absent' } : { kind: 'found', order: this.orderOf(order, clientOrderId) };
  }

  /** The fee is told once the fills are listed. */
  orderOf(order: AccountOrder, clientOrderId: ClientOrderId): VenueOrder {
    const { orderId, symbol, isOpen, filledLots, fills, updatedAt } = order;
    const book = this.#book(symbol);
    const isListed = !isOpen && fills.length > 0 && fills.every(({ listedAt }) => listedAt <= this.#now);
    const feeAsset = isListed ? joinedAssets(fills.map(({ fill }) => fill.feeAsset)) : null;
    const isOneAsset = new Set(fills.map(({ fill }) => fill.feeAsset)).size === 1;
    return {
      orderId,
      clientOrderId,
      state: isOpen ? 'OPEN' : 'DONE',
      filledQuantity: book.quantityText(filledLots),
      averagePrice: filledLots === 0 ? null : averageOf(fills, filledLots, book),
      fee: isListed ? toText(Exact.sum(0, ...fills.map(({ feeQuote }) => feeQuote))) : null,
      feeAsset,
      feeAmount: isListed && isOneAsset ? toText(Exact.sum(0, ...fills.map(({ fill }) => fill.feeAmount ?? 0))) : null,
      positionAfter: null,
      filledAt: updatedAt,
    };
  }

  cancel(clientOrderId: ClientOrderId): void {
    const order = this.#account.ordersByClientId.get(clientOrderId);
    if (order?.isOpen === true) this.#account.end(this.#book(order.symbol), order);
  }

  charges({ symbol, side, opened_at: openedAt }: PositionReference): Charges {
    const book = this.#book(symbol);
    const missing = this.#account.faults.strikes('charges_missing', symbol);
    if (missing !== null && missing.much > 0.7) throw away(`charges of ${symbol}`);
    const made = this.#listed(book, openedAt, Infinity);
    const fills = missing !== null && missing.much < 0.4 ? unlisted('fills') : { listed: made.map(chargedFill) };
    return {
      kind: 'records',
      fills,
      funding: missing === null ? this.#funding(book, side, openedAt, made) : unlisted('funding'),
    };
  }

  /** The exchange does not say which of two open sides a payment was for. */
  #funding(book: SymbolBook, side: Side, openedAt: EpochMillis, fills: readonly AccountFill[]): Listed<FundingPayment> {
    const listed = book.funding
      .slice(firstPaidFrom(book, openedAt))
      .map(({ amount, paidAt }) => ({ charge: { asset: 'USDT', amount, quote: amount }, paidAt }));
    const isOther =
      book.isHedged && (book.open().some((one) => one.side !== side) || fills.some((one) => one.side !== side));
    if (listed.length > 0 && isOther) return { why: 'the exchange does not say which of both open sides it was for' };
    return { listed };
  }

  resting(symbol: string, side: Side): readonly RestingOrder[] {
    const book = this.#book(symbol);
    if (this.#isStruck('stops_missing', symbol)) throw away(`what rests for ${symbol}`);
    const resting = book.waiting.filter((one) => one.side === side).map((one) => waitingOrder(one, book));
    for (const order of book.working) if (order.rests && order.side === side) resting.push(workingOrder(order, book));
    return resting.toSorted((one, other) => (one.placedAt ?? 0) - (other.placedAt ?? 0));
  }

  cancelResting(symbol: string, { orderId }: RestingOrder): RestingCancellation {
    const book = this.#book(symbol);
    const place = book.waiting.findIndex((one) => one.orderId === orderId);
    if (place >= 0) {
      book.waiting.splice(place, 1);
      return { kind: 'cancelled' };
    }
    const working = [...book.working].find((order) => order.orderId === orderId);
    if (working === undefined) return { kind: 'gone' };
    this.#account.end(book, working);
    return { kind: 'cancelled' };
  }

  holdings(): Shown {
    const holdings: VenueHolding[] = [];
    const incomplete: IncompleteHolding[] = [];
    for (const [symbol, book] of this.#account.books) {
      if (book.long.lots > 0) this.#show(book, book.long, symbol, holdings, incomplete);
      if (book.short.lots > 0) this.#show(book, book.short, symbol, holdings, incomplete);
    }
    return { holdings, incomplete };
  }

  fills(symbol: string, since: EpochMillis): Fills {
    const from = Math.max(since, this.#account.start);
    return { fills: this.#listed(this.#book(symbol), from, Infinity).map(({ fill }) => fill), since: from };
  }

  olderFills(symbol: string, before: EpochMillis): Fills {
    const { start } = this.#account;
    if (before <= start) return { fills: [], since: before };
    const since = Math.max(start, before - OLDER_SPAN_MS);
    return { fills: this.#listed(this.#book(symbol), since, before).map(({ fill }) => fill), since };
  }

  origin(orderId: OrderId): OrderOrigin | null {
    const order = this.#account.ordersById.get(orderId);
    return order === undefined ? null : { clientOrderId: order.clientOrderId, cause: order.cause };
  }

  candles(symbol: string, count: number): readonly Candle[] {
    if (this.#isStruck('candles_missing', symbol)) throw away(`candles of ${symbol}`);
    return this.#book(symbol).path.candles(this.#now, count);
  }

  stops(symbol: string, side: Side): VenueStops {
    const resting = this.resting(symbol, side);
    return {
      stopPrice: firstHit(resting, 'STOP', side === 'LONG'),
      takeProfitPrice: firstHit(resting, 'TAKE_PROFIT', side === 'SHORT'),
      resting,
    };
  }

  #show(
    book: SymbolBook,
    { side, lots, entryPrice, updatedAt }: OpenSide,
    symbol: string,
    holdings: VenueHolding[],
    incomplete: IncompleteHolding[],
  ): void {
    if (this.#isStruck('holding_incomplete', symbol)) {
      incomplete.push({ symbol, side, quantity: null, entryPrice, lacks: 'its size' });
      return;
    }
    holdings.push({
      symbol,
      side,
      quantity: book.quantityText(lots),
      entryPrice,
      markPrice: book.priceText(book.path.ticks(this.#now)),
      isDust: lots < book.market.minLots,
      updatedAt,
    });
  }

  /** The fills from `since` to `until` that the lists show. */
  #listed(book: SymbolBook, since: EpochMillis, until: EpochMillis): readonly AccountFill[] {
    const to = Math.min(book.listed(this.#now), until === Infinity ? Infinity : book.firstFrom(until + 1));
    return book.fills.slice(book.firstFrom(since), to);
  }

  #isStruck(kind: Parameters<VenueAccount['faults']['strikes']>[0], symbol: string): boolean {
    return this.#account.faults.strikes(kind, symbol) !== null;
  }

  #book(symbol: string): SymbolBook {
    const book = this.#account.books.get(symbol);
    if (book === undefined) throw away(`the market ${symbol}`);
    return book;
  }

  get #now(): EpochMillis {
    return this.#account.kernel.now;
  }
}

/** Thrown where there is no answer, as the connector makes it of what an HTTP library throws. */
export function away(what: string): HarvestlineError {
  const { message } = noResponseOf(failedRequest(what));
  return new HarvestlineError('EXCHANGE_AWAY', `${what}: ${message}`);
}

function unlisted(what: string): { readonly why: string } {
  return { why: `the exchange did not list the ${what}` };
}

function averageOf(fills: readonly AccountFill[], lots: number, { market }: SymbolBook): string {
  const value = fills.reduce((sum, fill) => sum + BigInt(fill.lots) * BigInt(fill.ticks), 0n);
  return toText(new Exact(String(value)).div(lots).div(10 ** market.priceDecimals));
}

function chargedFill({ fill, feeQuote }: AccountFill): ChargedFill {
  const { fillId, orderId, positionSide, direction, quantity, feeAsset, feeAmount, filledAt } = fill;
  const fee = { asset: feeAsset, amount: feeAmount, quote: feeQuote };
  return { fillId, orderId, positionSide, direction, quantity, fee, filledAt };
}

/** The index of the first payment of that time or later. The latest are asked for, so the search begins at the end. */
function firstPaidFrom({ funding }: SymbolBook, time: EpochMillis): number {
  let first = funding.length;
  while (first > 0 && (funding[first - 1]?.paidAt ?? 0) >= time) first -= 1;
  return first;
}

function waitingOrder({ orderId, kind, lots, ticks, placedAt }: WaitingOrder, book: SymbolBook): RestingOrder {
  return {
    orderId,
    isConditional: kind !== 'LIMIT',
    kind,
    quantity: lots === null ? null : book.quantityText(lots),
    price: ticks === null ? null : book.priceText(ticks),
    placedAt,
    wholePosition: lots === null,
  };
}

function workingOrder(
  { orderId, lots, filledLots, limitTicks, receivedAt }: AccountOrder,
  book: SymbolBook,
): RestingOrder {
  return {
    orderId,
    isConditional: false,
    kind: 'LIMIT',
    quantity: book.quantityText(lots - filledLots),
    price: limitTicks === null ? null : book.priceText(limitTicks),
    placedAt: receivedAt,
    wholePosition: false,
  };
}

/** Of several the one that the price reaches first. */
function firstHit(resting: readonly RestingOrder[], wanted: RestingOrder['kind'], highest: boolean): string | null {
  let first: string | null = null;
  for (const { kind, price } of resting) {
    if (kind !== wanted || price === null) continue;
    if (first === null || Number(price) > Number(first) === highest) first = price;
  }
  return first;
}
