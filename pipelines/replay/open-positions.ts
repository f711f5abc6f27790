import type { EpochMillis, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { Course, type CourseResult } from './course.ts';
import { Growth } from './growth.ts';
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
