/**
 * The `limit` least items by `rank`, in ascending order, whatever order they come in and however many. Equal ranks: the one that
 * came first. Memory: twice the limit.
 */
export class KeepLeast<T> {
  readonly #limit: number;
  readonly #rank: (item: T) => number;
  /** Ranks above are out already. */
  #worst = Infinity;
  #items: T[] = [];

  constructor(limit: number, rank: (item: T) => number) {
    this.#limit = limit;
    this.#rank = rank;
  }

  /** Whether an item of that rank would still be kept: asked before a costly one is made. */
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
    // toSorted is stable, which keeps the earlier of equals.
    this.#items = this.#items.toSorted((one, other) => this.#rank(one) - this.#rank(other)).slice(0, this.#limit);
    const last = this.#items.at(-1);
    if (last !== undefined && this.#items.length === this.#limit) this.#worst = this.#rank(last);
  }
}
