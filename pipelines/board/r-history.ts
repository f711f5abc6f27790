/** More than a small chart has columns. Unit: values. */
const KEPT = 40;

/** Enough for a chart; a board is sent often. Unit: parts of one R. */
const THOUSANDTHS = 1000;

/** The R of a position over its life, thinned evenly to at most 40 values, so that memory does not grow with its age. */
export class RHistory {
  #kept: number[] = [];
  /** One of so many values is kept. */
  #every = 1;
  #added = 0;
  #last = 0;

  add(r: number): void {
    this.#last = Math.round(r * THOUSANDTHS) / THOUSANDTHS;
    if (this.#added % this.#every === 0) this.#kept.push(this.#last);
    this.#added += 1;
    if (this.#kept.length < KEPT) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  /** Oldest first, the latest last. */
  values(): readonly number[] {
    const endsInLast = (this.#added - 1) % this.#every === 0;
    return this.#added === 0 || endsInLast ? [...this.#kept] : [...this.#kept, this.#last];
  }
}
