import type { Side, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { FUNDING_PERIOD_MS, type TradingCosts } from './trading-costs.ts';

/** A quantity by which a position was opened or grew. */
export interface Addition {
  /** Unit: contracts. */
  readonly quantity: number;
  /** Unit: quote currency per contract. */
  readonly price: number;
  /** Of the whole quantity. Unit: quote currency. */
  readonly risk: number;
}

/** A mark price and its time. */
interface Mark {
  readonly price: number;
  /** Unit: milliseconds since 1970-01-01 UTC. */
  readonly at: number;
}

/** The result before and after costs, in multiples of all the risk that the position took (R). */
export interface PathResult {
  readonly gross: number;
  readonly net: number;
}

/**
 * What a position would have earned had one policy been obeyed.
 *
 * RPL-22  What is closed and what is left add up to what was opened, and each part earns the distance of its mark from the average entry.
 * RPL-23  Between partial closes lies the cooldown, from observation to observation as in execution; CLOSE ignores it.
 * RPL-24  Once all is closed nothing more is earned, whatever the marks do later.
 * RPL-25  What a position grows by is added to what is left, at its own price. R is by the sum of the risks, so each part weighs by its risk.
 * RPL-26  Fees are paid on what is opened and closed, what is left at the end included; funding on what is held, for as long as it is.
 */
export class PositionPath {
  readonly #cooldownMs: number;
  readonly #costs: TradingCosts;
  readonly #direction: 1 | -1;
  readonly #fundingRate: number;
  #opened = 0;
  #held = 0;
  #entry = 0;
  #risk = 0;
  #earned = 0;
  #paid = 0;
  #fundedTo: number;
  #lastPartialAt = -Infinity;
  #harvested = false;

  /** `openedAt`: funding is paid from then on. Unit: milliseconds since 1970-01-01 UTC. */
  constructor(cooldownMs: number, side: Side, openedAt: number, costs: TradingCosts) {
    this.#cooldownMs = cooldownMs;
    this.#costs = costs;
    this.#direction = side === 'LONG' ? 1 : -1;
    this.#fundingRate = costs.funding_per_8h[side] / FUNDING_PERIOD_MS;
    this.#fundedTo = openedAt;
  }

  /** Adds to the position (RPL-25). */
  grow({ quantity, price, risk }: Addition): void {
    this.#entry = (this.#entry * this.#held + price * quantity) / (this.#held + quantity);
    this.#opened += quantity;
    this.#held += quantity;
    this.#risk += risk;
    this.#paid += quantity * price * this.#costs.fee;
  }

  /** Carries out a decision at a mark. */
  obey({ action, fraction }: Pick<Decision, 'action' | 'fraction'>, { price, at }: Mark): void {
    if (this.#held === 0) return;
    this.#fund(price, at);
    if (action === 'HOLD') return;
    if (action === 'PARTIAL_CLOSE') {
      if (at - this.#lastPartialAt < this.#cooldownMs) return;
      this.#lastPartialAt = at;
    }
    this.#harvested = true;
    const closed = action === 'CLOSE' ? this.#held : this.#held * fraction;
    this.#earned += closed * this.#direction * (price - this.#entry);
    this.#paid += closed * price * this.#costs.fee;
    this.#held -= closed;
  }

  /** The share of what was opened that is still open. */
  get left(): number {
    return this.#held / this.#opened;
  }

  /** Whether anything was closed. */
  get harvested(): boolean {
    return this.#harvested;
  }

  /** With what is left closed at the last mark. */
  result(lastMark: number): PathResult {
    const gross = this.#earned + this.#held * this.#direction * (lastMark - this.#entry);
    const net = gross - this.#paid - this.#held * lastMark * this.#costs.fee;
    return { gross: gross / this.#risk, net: net / this.#risk };
  }

  #fund(price: number, at: number): void {
    if (at <= this.#fundedTo) return;
    this.#paid += this.#held * price * this.#fundingRate * (at - this.#fundedTo);
    this.#fundedTo = at;
  }
}

/**
 * The price at which a position grew is derived from its average entry. Farther than this from the mark it comes from rounding, or from a
 * close between the two snapshots, and the mark is taken instead. Unit: ratio.
 */
const FARTHEST = 0.5;

/** Derives from snapshots what a position was opened with and what it grew by. */
export class Growth {
  readonly #defaultRisk: number;
  #quantity = 0;
  #entry = 0;

  /** `defaultRisk`: ratio of the price, where no stop is known. */
  constructor(defaultRisk: number) {
    this.#defaultRisk = defaultRisk;
  }

  /** The quantity added since the snapshot before, at the first one all of it. Null: none. */
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

  /** Average entry times quantity is what was paid for the position: the difference to before was paid for the addition. */
  #priceOf(added: number, quantity: number, entry: number, mark: number): number {
    const price = (entry * quantity - this.#entry * (quantity - added)) / added;
    return Math.abs(price / mark - 1) <= FARTHEST ? price : mark;
  }
}
