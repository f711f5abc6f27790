import type { PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { HoldStretch, type LongestHold } from './hold-stretch.ts';
import { type Addition, type PathResult, PositionPath } from './position-path.ts';
import type { TradingCosts } from './trading-costs.ts';

/** How one position ended under one policy. */
export interface CourseResult {
  /** Earned, with what was never closed marked to the last snapshot. Unit: R. */
  readonly r: PathResult;
  /** Until the policy had closed all of it, or the snapshots ended. Unit: milliseconds. */
  readonly openMs: number;
  /** Whether the policy closed any of it. */
  readonly harvested: boolean;
  readonly longestHold: LongestHold | null;
}

/**
 * One position under one policy that is obeyed from the first snapshot on.
 *
 * K1  Once the policy has closed all of it, snapshots that were recorded later count for nothing: neither time nor profit nor a hold.
 */
export class Course {
  readonly #path: PositionPath;
  readonly #hold = new HoldStretch();
  #openMs = 0;

  constructor(cooldownMs: number, { side, opened_at }: PositionSnapshot, costs: TradingCosts) {
    this.#path = new PositionPath(cooldownMs, side, opened_at, costs);
  }

  /** `elapsed` is the time since the snapshot before, in milliseconds; `added` is what the position grew by since. */
  add(snapshot: PositionSnapshot, r: number, decision: Decision, elapsed: number, added: Addition | null): void {
    if (this.#path.left === 0) return;
    if (added !== null) this.#path.grow(added);
    this.#openMs += elapsed;
    this.#hold.add(snapshot, r, decision.action);
    this.#path.obey(decision, { price: snapshot.mark_price, at: snapshot.observed_at });
  }

  result(lastMark: number): CourseResult {
    return {
      r: this.#path.result(lastMark),
      openMs: this.#openMs,
      harvested: this.#path.harvested,
      longestHold: this.#hold.longest,
    };
  }
}
