/**
 * Keeps the `limit` items of the lowest rank, in ascending order; of equal ranks those that came first. Memory: twice the limit.
 */
export class KeepLeast<T> {
  readonly #limit: number;
  readonly #rank: (item: T) => number;
  readonly #onDropped: (item: T) => void;
  /** From this rank on items are dropped. */
  #worst = Infinity;
  #items: T[] = [];

  /** `onDropped` is called with items that were kept for a while. */
  constructor(limit: number, rank: (item: T) => number, onDropped: (item: T) => void = () => {}) {
    this.#limit = limit;
    this.#rank = rank;
    this.#onDropped = onDropped;
  }

  /** Whether an item of that rank would be kept: for items that are costly to make. */
  wants(rank: number): boolean {
    return this.#limit > 0 && rank < this.#worst;
  }

  add(item: T): void {
    if (!this.wants(this.#rank(item))) return;
    this.#items.push(item);
    if (this.#items.length >= 2 * this.#limit) this.#cut();
  }

  items(): readonly T[] {
    this.#cut();
    return this.#items;
  }

  #cut(): void {
    // toSorted is stable: of equal ranks the earlier item comes first.
    const sorted = this.#items.toSorted((one, other) => this.#rank(one) - this.#rank(other));
    this.#items = sorted.slice(0, this.#limit);
    for (const dropped of sorted.slice(this.#limit)) this.#onDropped(dropped);
    const last = this.#items.at(-1);
    if (last !== undefined && this.#items.length === this.#limit) this.#worst = this.#rank(last);
  }
}
