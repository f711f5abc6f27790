import { Exact } from '../../ports/exact-decimal.ts';

export type PositionSide = 'BOTH' | 'LONG' | 'SHORT';
export type Direction = 'BUY' | 'SELL';

/** A market and its filters. Decimal texts; quantities in contracts, prices in quote currency. */
export interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly tick: string;
  readonly lotStep: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  readonly marketMaxQuantity: string;
  readonly minNotional: string;
}

export interface Position {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  /** Negative is short. */
  amount: Exact;
  entryPrice: Exact;
  updateTime: number;
}

export interface Fill {
  readonly id: number;
  readonly orderId: number;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly price: Exact;
  readonly quantity: Exact;
  readonly commission: Exact;
  readonly realizedPnl: Exact;
  readonly time: number;
}

export interface FillRequest {
  readonly orderId: number;
  readonly symbol: string;
  readonly side: Direction;
  readonly positionSide: PositionSide;
  readonly price: Exact;
  readonly quantity: Exact;
  readonly time: number;
}

/** What takers pay. Unit: fraction of notional (5 basis points). */
const TAKER_FEE = '0.0005';

/**
 * Positions and fills of one account.
 *
 * B1  A position is the sum of its fills, exactly, always.
 * B2  The entry price is quantity-weighted over what opened or grew the position; a reduction leaves it.
 */
export class Account {
  readonly positions = new Map<string, Position>();
  /** Symbol -> its fills, in the order of their ids. */
  readonly fills = new Map<string, Fill[]>();
  #nextFillId = 1;

  position(symbol: string, positionSide: PositionSide): Position {
    const key = `${symbol}:${positionSide}`;
    let position = this.positions.get(key);
    if (position === undefined) {
      position = { symbol, positionSide, amount: new Exact(0), entryPrice: new Exact(0), updateTime: 0 };
      this.positions.set(key, position);
    }
    return position;
  }

  fillsOf(symbol: string): readonly Fill[] {
    return this.fills.get(symbol) ?? [];
  }

  book(request: FillRequest): Fill {
    const { symbol, side, positionSide, price, quantity, time } = request;
    const position = this.position(symbol, positionSide);
    const moved = side === 'BUY' ? quantity : quantity.neg();
    const before = position.amount;
    const after = before.add(moved);
    const reduces = !before.isZero() && before.isNegative() !== moved.isNegative();
    const closed = reduces ? Exact.min(moved.abs(), before.abs()) : new Exact(0);
    const realizedPnl = price
      .sub(position.entryPrice)
      .mul(closed)
      .mul(before.isNegative() ? -1 : 1);
    // B2.
    if (after.isZero()) position.entryPrice = new Exact(0);
    else if (!reduces) {
      const cost = before.abs().mul(position.entryPrice).add(quantity.mul(price));
      position.entryPrice = cost.div(after.abs()).toDecimalPlaces(ENTRY_DIGITS);
    } else if (after.isNegative() !== before.isNegative()) position.entryPrice = price;
    position.amount = after;
    position.updateTime = time;
    const fill: Fill = {
      ...request,
      id: this.#nextFillId++,
      commission: price.mul(quantity).mul(TAKER_FEE),
      realizedPnl,
    };
    const fills = this.fills.get(symbol);
    if (fills === undefined) this.fills.set(symbol, [fill]);
    else fills.push(fill);
    return fill;
  }
}

/** As many as Binance shows of an entry price. Unit: decimal places. */
const ENTRY_DIGITS = 8;
