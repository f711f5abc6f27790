/**
 * One symbol of the account: its price, both sides of it, its fills and what rests. It moves figures and knows no faults but those of a list
 * that is behind.
 *
 * SIM-31  What is open of a side is the sum of its fills, at every moment.
 * SIM-32  No two moments of a symbol that must be told apart fall together: a position opens after the fill before it, and funding is paid
 *         between fills.
 */
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact, toText } from '../../../ports/exact-decimal.ts';
import type { DecimalText, RestingOrder } from '../../../ports/exchange.ts';
import type { FillId, OrderId, Side } from '../../../schemas/generated/records.ts';
import type { AccountFill, AccountFunding, AccountOrder } from './account-ledger.ts';
import { textOf } from './decimal-units.ts';
import type { PricePath } from './price-path.ts';
import type { SimulatedMarket } from './simulated-market.ts';

/** One side of a symbol. Flat while `lots` is 0. */
export interface OpenSide {
  readonly side: Side;
  lots: number;
  /** When the position that is open, or was open last, began. */
  openedAt: EpochMillis;
  updatedAt: EpochMillis;
  /** Unit: ticks, of growing precision. */
  entryTicks: Exact;
  /** Unit: quote currency per contract. */
  entryPrice: DecimalText;
}

/** A stop, a target or another's limit order, which waits for a price. */
export interface WaitingOrder {
  readonly orderId: OrderId;
  readonly side: Side;
  readonly kind: RestingOrder['kind'];
  /** Null: it waits for something else, for good. Unit: ticks. */
  readonly ticks: number | null;
  /** Null: whatever is open. Unit: lots. */
  readonly lots: number | null;
  readonly placedAt: EpochMillis;
}

/** What one fill is charged. */
export interface FillFee {
  /** Unit: millionths of the value. */
  readonly rate: bigint;
  readonly isBnb: boolean;
}

/** The decimals of a fee rate, of a BNB amount, and of an entry price beyond its ticks. */
const RATE_DECIMALS = 6;
const BNB_DECIMALS = 8;
const ENTRY_DECIMALS = 6;

/** It stands still: no fee depends on it but by the factor. Unit: quote currency. */
const BNB_PRICE = 600;

export class SymbolBook {
  readonly market: SimulatedMarket;
  readonly path: PricePath;
  readonly isHedged: boolean;
  readonly fills: AccountFill[] = [];
  readonly funding: AccountFunding[] = [];
  /** Orders of others, oldest first. */
  readonly waiting: WaitingOrder[] = [];
  /** Orders of the desk that may still fill. */
  readonly working = new Set<AccountOrder>();
  readonly long: OpenSide = flat('LONG');
  readonly short: OpenSide = flat('SHORT');
  #latestAt: EpochMillis = 0;
  #listedUntil: EpochMillis = 0;

  constructor(market: SimulatedMarket, path: PricePath, isHedged: boolean) {
    this.market = market;
    this.path = path;
    this.isHedged = isHedged;
  }

  of(side: Side): OpenSide {
    return side === 'LONG' ? this.long : this.short;
  }

  /** The open sides. */
  open(): readonly OpenSide[] {
    return [this.long, this.short].filter(({ lots }) => lots > 0);
  }

  quantityText(lots: number): DecimalText {
    return textOf(lots, this.market.lotDecimals);
  }

  priceText(ticks: number): DecimalText {
    return textOf(ticks, this.market.priceDecimals);
  }

  /** Unit: quote currency. */
  valueOf(lots: number, ticks: number): number {
    return (lots / 10 ** this.market.lotDecimals) * (ticks / 10 ** this.market.priceDecimals);
  }

  /** SIM-31: an order fills, by at most what is open where it reduces. `lateMs`: the lists show it that much later. */
  record(
    order: AccountOrder,
    wanted: number,
    ticks: number,
    fee: FillFee,
    now: EpochMillis,
    lateMs: number,
  ): AccountFill {
    const side = this.of(order.side);
    const lots = order.reduces ? Math.min(wanted, side.lots) : wanted;
    const at = this.#timeOf(order, now);
    if (order.reduces) side.lots -= lots;
    else this.#grow(side, lots, ticks, at);
    side.updatedAt = at;
    // Lists show fills in their order: one that is late holds up those after it.
    this.#listedUntil = Math.max(this.#listedUntil, now + lateMs);
    const { symbol } = this.market;
    const feeQuote = this.#chargeOf(lots, ticks, fee.rate);
    const feeAmount = fee.isBnb ? toText(new Exact(feeQuote).div(BNB_PRICE).toDecimalPlaces(BNB_DECIMALS)) : feeQuote;
    const made: AccountFill = {
      symbol,
      side: order.side,
      order,
      lots,
      ticks,
      feeQuote,
      listedAt: this.#listedUntil,
      lotsAfter: side.lots,
      fill: {
        fillId: String(this.fills.length + 1) as FillId,
        orderId: order.orderId,
        positionSide: this.isHedged ? order.side : null,
        direction: (order.side === 'LONG') === order.reduces ? 'SELL' : 'BUY',
        quantity: this.quantityText(lots),
        price: this.priceText(ticks),
        fee: fee.isBnb ? null : feeQuote,
        feeAsset: fee.isBnb ? 'BNB' : 'USDT',
        feeAmount,
        filledAt: at,
      },
    };
    this.fills.push(made);
    order.fills.push(made);
    order.filledLots += lots;
    order.updatedAt = at;
    return made;
  }

  /** Pays funding of a side at a rate. Unit: millionths of the value, positive where a LONG pays. */
  pay(side: OpenSide, rate: number, now: EpochMillis): AccountFunding {
    const { symbol } = this.market;
    const paid = BigInt(side.side === 'LONG' ? rate : -rate);
    const amount = this.#chargeOf(side.lots, this.path.ticks(now), paid);
    // SIM-32.
    const paidAt = Math.max(now, this.#latestAt + 1);
    this.#latestAt = paidAt;
    const payment = { symbol, side: side.side, lots: side.lots, amount, paidAt };
    this.funding.push(payment);
    return payment;
  }

  /** How many of the fills, from the first on, the lists show. */
  listed(now: EpochMillis): number {
    let count = this.fills.length;
    if (now >= this.#listedUntil) return count;
    while (count > 0 && (this.fills[count - 1]?.listedAt ?? 0) > now) count -= 1;
    return count;
  }

  /** The index of the first fill of that time or later. */
  firstFrom(time: EpochMillis): number {
    let [from, to] = [0, this.fills.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.fills[middle]?.fill.filledAt ?? 0) < time) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** SIM-32: the fills of one order may share a moment. */
  #timeOf(order: AccountOrder, now: EpochMillis): EpochMillis {
    const isSame = this.fills.at(-1)?.order === order && this.#latestAt === this.fills.at(-1)?.fill.filledAt;
    const at = isSame ? Math.max(now, this.#latestAt) : Math.max(now, this.#latestAt + 1);
    this.#latestAt = at;
    return at;
  }

  #grow(side: OpenSide, lots: number, ticks: number, at: EpochMillis): void {
    if (side.lots === 0) side.openedAt = at;
    const cost = side.entryTicks.mul(side.lots).add(new Exact(ticks).mul(lots));
    side.lots += lots;
    side.entryTicks = cost.div(side.lots).toDecimalPlaces(ENTRY_DECIMALS);
    side.entryPrice = toText(side.entryTicks.div(10 ** this.market.priceDecimals));
  }

  /** Unit: quote currency. */
  #chargeOf(lots: number, ticks: number, rate: bigint): DecimalText {
    const { lotDecimals, priceDecimals } = this.market;
    return textOf(BigInt(lots) * BigInt(ticks) * rate, lotDecimals + priceDecimals + RATE_DECIMALS);
  }
}

function flat(side: Side): OpenSide {
  return { side, lots: 0, openedAt: 0, updatedAt: 0, entryTicks: new Exact(0), entryPrice: '0' };
}
