import type { EpochMillis, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { Growth, type Addition, type PathResult, PositionPath } from './position-path.ts';
import type { TradingCosts } from './trading-costs.ts';

/** Longer than any cycle, restart or lesser outage: a position that was not seen for a day is over. Unit: milliseconds. */
const GONE_AFTER_MS = 24 * 60 * 60 * 1000;

/** Rare enough to cost nothing a record, often enough that what is over does not pile up. Unit: snapshots. */
const SWEEP_EVERY = 4096;

/** How one position ended under each policy. */
export interface PositionResult {
  readonly position_id: PositionId;
  readonly current: CourseResult;
  readonly candidate: CourseResult;
  /** R at its last snapshot. */
  readonly lastR: number;
}

interface Followed {
  readonly position_id: PositionId;
  readonly account: string;
  readonly current: Course;
  readonly candidate: Course;
  readonly growth: Growth;
  lastSeen: number;
  lastR: number;
  lastMark: number;
}

/**
 * Follows each position from its first snapshot to its last. Invariants:
 * O1  A position is over when no snapshot of it came for a day of its account's time, or the partition ends. An account of which
 *     nothing came between two sweeps is at the partition's time: nobody can tell whether it lives on.
 * O2  Memory is bounded by the positions open at a time, not by those that ever were.
 * O3  Results do not depend on when the sweep comes: a position that comes back after a day starts anew either way.
 */
export class OpenPositions {
  readonly #cooldownMs: number;
  readonly #costs: TradingCosts;
  readonly #defaultRisk: number;
  readonly #onResult: (result: PositionResult) => void;
  readonly #open = new Map<PositionId, Followed>();
  /** What the latest snapshot of each account since the last sweep says: desks in one log may live years apart. */
  readonly #times = new Map<string, EpochMillis>();
  #untilSweep = SWEEP_EVERY;
  #openMs = 0;

  /** `defaultRisk`: of the price, for positions without a known stop. */
  constructor(
    { cooldownMs, costs, defaultRisk }: { cooldownMs: number; costs: TradingCosts; defaultRisk: number },
    onResult: (result: PositionResult) => void,
  ) {
    this.#cooldownMs = cooldownMs;
    this.#costs = costs;
    this.#defaultRisk = defaultRisk;
    this.#onResult = onResult;
  }

  add(snapshot: PositionSnapshot, r: number, current: Decision, candidate: Decision): void {
    const { account, observed_at } = snapshot;
    const followed = this.#follow(snapshot);
    const elapsed = Math.max(0, observed_at - followed.lastSeen);
    this.#openMs += elapsed;
    followed.lastSeen = Math.max(followed.lastSeen, observed_at);
    followed.lastR = r;
    followed.lastMark = snapshot.mark_price;
    const added = followed.growth.next(snapshot);
    followed.current.add(snapshot, r, current, elapsed, added);
    followed.candidate.add(snapshot, r, candidate, elapsed, added);
    this.#times.set(account, observed_at);
    this.#untilSweep -= 1;
    if (this.#untilSweep === 0) this.#sweep();
  }

  /** The partition ends: every position in it is over. */
  endAll(): void {
    for (const followed of this.#open.values()) this.#end(followed);
    this.#open.clear();
  }

  /** Positions that are being followed. */
  get size(): number {
    return this.#open.size;
  }

  /** Time between the snapshots of positions as they were recorded, summed over them. Unit: milliseconds. */
  get openMs(): number {
    return this.#openMs;
  }

  #follow(snapshot: PositionSnapshot): Followed {
    const { position_id: id, account, observed_at: observedAt } = snapshot;
    const known = this.#open.get(id);
    if (known !== undefined) {
      if (observedAt - known.lastSeen <= GONE_AFTER_MS) return known;
      this.#end(known);
    }
    const followed: Followed = {
      position_id: id,
      account,
      current: new Course(this.#cooldownMs, snapshot, this.#costs),
      candidate: new Course(this.#cooldownMs, snapshot, this.#costs),
      growth: new Growth(this.#defaultRisk),
      lastSeen: observedAt,
      lastR: 0,
      lastMark: 0,
    };
    this.#open.set(id, followed);
    return followed;
  }

  #sweep(): void {
    this.#untilSweep = SWEEP_EVERY;
    const newest = Math.max(...this.#times.values());
    for (const followed of this.#open.values()) {
      const now = this.#times.get(followed.account) ?? newest;
      if (now - followed.lastSeen <= GONE_AFTER_MS) continue;
      this.#end(followed);
      this.#open.delete(followed.position_id);
    }
    this.#times.clear();
  }

  #end({ position_id, current, candidate, lastR, lastMark }: Followed): void {
    this.#onResult({ position_id, current: current.result(lastMark), candidate: candidate.result(lastMark), lastR });
  }
}

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
class Course {
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

const HOUR_MS = 60 * 60 * 1000;

/** Both built-in policies see profit worth taking above it at the latest. Unit: R. */
export const PROFITABLE_ABOVE_R = 2;

/** The longest that a position in profit was held without a break. */
export interface LongestHold {
  readonly position_id: PositionId;
  readonly symbol: string;
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  /** The greatest R in that time. */
  readonly peak_r: number;
}

/** Consecutive snapshots of one position with R above PROFITABLE_ABOVE_R and HOLD: H1 either one failing ends the stretch. */
class HoldStretch {
  longest: LongestHold | null = null;
  #from: number | null = null;
  #peak = -Infinity;

  add({ position_id, symbol, observed_at }: PositionSnapshot, r: number, action: Decision['action']): void {
    if (r <= PROFITABLE_ABOVE_R || action !== 'HOLD') {
      this.#from = null;
      this.#peak = -Infinity;
      return;
    }
    this.#from ??= observed_at;
    this.#peak = Math.max(this.#peak, r);
    const hours = (observed_at - this.#from) / HOUR_MS;
    if (this.longest !== null && hours <= this.longest.hours) return;
    this.longest = { position_id, symbol, from: this.#from, to: observed_at, hours, peak_r: this.#peak };
  }
}

/** The longer of the two; the one found first where they are equal. */
export function longer(one: LongestHold | null, other: LongestHold | null): LongestHold | null {
  if (one === null || other === null) return one ?? other;
  return other.hours > one.hours ? other : one;
}
