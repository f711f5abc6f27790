/** The longest pause. Unit: looks. */
const LONGEST = 32;

/** Looks in which something that failed is not tried again: twice as many after each failure in a row. */
export class LookPause {
  #left = 0;
  #next = 1;

  /** To be asked once a look. */
  isOver(): boolean {
    if (this.#left === 0) return true;
    this.#left -= 1;
    return false;
  }

  failed(): void {
    this.#left = this.#next;
    this.#next = Math.min(2 * this.#next, LONGEST);
  }

  succeeded(): void {
    this.#left = 0;
    this.#next = 1;
  }
}
