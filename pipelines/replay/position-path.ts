import type { Decision } from '../scoring/evaluate.ts';

/**
 * What a position would have earned had one policy been obeyed, in R of the position as it was first seen. Invariants:
 * P1  What is closed and what is left add up to 1, and each part earns the R of the mark at which it was closed.
 * P2  Between partial closes lies the cooldown, from observation to observation as in execution; CLOSE ignores it.
 * P3  Once all is closed nothing more is earned, whatever the marks do later.
 */
export class PositionPath {
  readonly #cooldownMs: number;
  #left = 1;
  #earned = 0;
  #lastPartialAt = -Infinity;

  constructor(cooldownMs: number) {
    this.#cooldownMs = cooldownMs;
  }

  /** Obeys a decision at the mark whose R is `r`. */
  obey({ action, fraction }: Pick<Decision, 'action' | 'fraction'>, r: number, observedAt: number): void {
    if (this.#left === 0 || action === 'HOLD') return;
    if (action === 'PARTIAL_CLOSE') {
      if (observedAt - this.#lastPartialAt < this.#cooldownMs) return;
      this.#lastPartialAt = observedAt;
    }
    const closed = action === 'CLOSE' ? this.#left : this.#left * fraction;
    this.#earned += closed * r;
    this.#left -= closed;
  }

  /** The share of the position that is still open. */
  get left(): number {
    return this.#left;
  }

  /** With what is left marked at `lastR`. Unit: R. */
  result(lastR: number): number {
    return this.#earned + this.#left * lastR;
  }
}
