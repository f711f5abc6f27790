import { Decimal } from 'decimal.js';
import type { MarketRules } from '../../../../ports/exchange.ts';
import type { BookedPosition, PositionBook } from '../../../../ports/position-book.ts';
import type { PositionId } from '../../../../schemas/generated/records.ts';

interface Row extends Omit<BookedPosition, 'quantity' | 'entryPrice'> {
  quantity: Decimal;
  entryPrice: Decimal;
}

/** A position book in memory, idempotent by its ids as the port asks. `reduce` is what a venue's fill would do. */
export class MemoryBook implements PositionBook {
  readonly #rows = new Map<PositionId, Row>();
  readonly #flat = new Set<PositionId>();
  readonly #growths = new Set<string>();
  readonly #rules = new Map<string, MarketRules>();
  /** Bookings that still succeed; the one after them throws, as a crash would end the caller. */
  bookingsLeft = Infinity;

  /** A lot is worth 0.1 to 1 quote unit, as at the paper venue. */
  marketRules(symbol: string, price: number): MarketRules {
    let rules = this.#rules.get(symbol);
    if (rules === undefined) {
      const lotStep = new Decimal(10).pow(-Math.floor(Math.log10(price)) - 1).toFixed();
      this.#rules.set(symbol, (rules = { lotStep, minQuantity: lotStep, maxQuantity: null, minNotional: '5' }));
    }
    return rules;
  }

  open(position: Omit<BookedPosition, 'quantity'>): void {
    this.#book();
    if (this.#rows.has(position.position_id) || this.#flat.has(position.position_id)) return;
    this.#rows.set(position.position_id, {
      ...position,
      quantity: new Decimal(position.initialQuantity),
      entryPrice: new Decimal(position.entryPrice),
    });
  }

  grow(positionId: PositionId, growthId: string, quantity: string, price: string): void {
    this.#book();
    const row = this.#rows.get(positionId);
    if (row === undefined || this.#growths.has(growthId)) return;
    this.#growths.add(growthId);
    const total = row.quantity.plus(quantity);
    row.entryPrice = row.entryPrice.times(row.quantity).plus(new Decimal(price).times(quantity)).div(total);
    row.quantity = total;
  }

  openPositions(): readonly BookedPosition[] {
    return [...this.#rows.values()]
      .map((row) => ({ ...row, quantity: row.quantity.toFixed(), entryPrice: row.entryPrice.toFixed() }))
      .toSorted((a, b) => (a.position_id < b.position_id ? -1 : 1));
  }

  /** Closes a share of a position; all of it where less than the minimum notional would remain. */
  reduce(positionId: PositionId, fraction: number, price: number): void {
    const row = this.#rows.get(positionId);
    if (row === undefined) return;
    row.quantity = row.quantity.times(1 - fraction);
    if (row.quantity.times(price).gte(5)) return;
    this.#rows.delete(positionId);
    this.#flat.add(positionId);
  }

  copy(): MemoryBook {
    const copy = new MemoryBook();
    for (const [id, row] of this.#rows) copy.#rows.set(id, { ...row });
    for (const id of this.#flat) copy.#flat.add(id);
    for (const id of this.#growths) copy.#growths.add(id);
    for (const [symbol, rules] of this.#rules) copy.#rules.set(symbol, rules);
    return copy;
  }

  #book(): void {
    if (this.bookingsLeft === 0) throw new Error('crashed before a booking');
    this.bookingsLeft--;
  }
}
