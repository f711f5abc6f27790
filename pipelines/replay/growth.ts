import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Addition } from './position-path.ts';

/** A price of what was added that is farther from the mark comes of rounding or of a close between the two snapshots. Unit: ratio. */
const FARTHEST = 0.5;

/** Recognises from snapshots what a position was opened with and what it grew by. */
export class Growth {
  readonly #defaultRisk: number;
  #quantity = 0;
  #entry = 0;

  /** `defaultRisk`: of the price, where no stop is known. */
  constructor(defaultRisk: number) {
    this.#defaultRisk = defaultRisk;
  }

  /** What was added since the snapshot before; all of it at the first one. Null: nothing. */
  next({ quantity, entry_price: entry, mark_price: mark, initial_stop_price }: PositionSnapshot): Addition | null {
    const before = this.#quantity;
    const added = quantity - before;
    const price = before === 0 ? entry : this.#priceOf(added, quantity, entry, mark);
    this.#quantity = quantity;
    this.#entry = entry;
    if (!(added > 0)) return null;
    const stop = initial_stop_price ?? null;
    const distance = stop === null ? 0 : Math.abs(price - stop);
    return { quantity: added, price, risk: added * (distance > 0 ? distance : price * this.#defaultRisk) };
  }

  /** The average entry tells at which price the position grew: entry times quantity is what was paid for it. */
  #priceOf(added: number, quantity: number, entry: number, mark: number): number {
    const price = (entry * quantity - this.#entry * (quantity - added)) / added;
    return Math.abs(price / mark - 1) <= FARTHEST ? price : mark;
  }
}
