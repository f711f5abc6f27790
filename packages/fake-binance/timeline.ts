interface Timed {
  readonly time: number;
}

/** Things in the order of their times, found without a walk over all of them. Additions are mostly at the end. */
export class Timeline<T extends Timed> {
  readonly #items: T[] = [];

  /** After those of the same time. */
  add(item: T): void {
    const last = this.#items.at(-1);
    if (last === undefined || last.time <= item.time) this.#items.push(item);
    else this.#items.splice(this.#firstAfter(item.time), 0, item);
  }

  /** Both ends included; at most `limit` of them, the first or the last ones. */
  between(from: number, to: number, limit: number, which: 'first' | 'last'): readonly T[] {
    const start = this.#firstAfter(from - 1);
    const end = this.#firstAfter(to);
    if (end <= start) return [];
    return which === 'first'
      ? this.#items.slice(start, Math.min(end, start + limit))
      : this.#items.slice(Math.max(start, end - limit), end);
  }

  /** Times are whole milliseconds, so that "after time - 1" is "from time on". */
  #firstAfter(time: number): number {
    return partitionPoint(this.#items, (item) => item.time <= time);
  }
}

/** How many at the beginning hold, where all that hold come first. */
export function partitionPoint<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && holds(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
