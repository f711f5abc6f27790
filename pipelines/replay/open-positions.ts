import type { EpochMillis, PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { Growth, type Addition, type PathResult, PositionPath } from './position-path.ts';
import type { TradingCosts } from './trading-costs.ts';

/** A position without a snapshot for so long is over: longer than any cycle, restart or short outage. Unit: milliseconds. */
const GONE_AFTER_MS = 24 * 60 * 60 * 1000;

/** Positions that are over are looked for once in so many: it costs nothing a record, and they do not pile up. Unit: snapshots. */
const SWEEP_EVERY = 4096;

/** How one position ended under each policy. */
export interface PositionResult {
  readonly position_id: PositionId;
  readonly current: SimulatedResult;
  readonly candidate: SimulatedResult;
  /** R at its last snapshot. */
  readonly lastR: number;
}

interface Followed {
  readonly position_id: PositionId;
  readonly account: string;
  readonly current: SimulatedPosition;
  readonly candidate: SimulatedPosition;
  readonly growth: Growth;
  lastSeen: number;
  lastR: number;
  lastMark: number;
}

/**
 * Follows each position from its first snapshot to its last, under both policies.
 *
 * RPL-14  A position is over a day of its account's time after its last snapshot, or at the end of the partition. An account without
 *         snapshots between two sweeps is taken to be at the partition's time.
 * RPL-15  Memory is bounded by the positions open at the same time, not by all there ever were.
 * RPL-16  Results do not depend on when a sweep comes: a position that comes back after a day starts anew either way.
 */
export class OpenPositions {
  readonly #cooldownMs: number;
  readonly #costs: TradingCosts;
  readonly #defaultRisk: number;
  readonly #onResult: (result: PositionResult) => void;
  readonly #open = new Map<PositionId, Followed>();
  /** Account -> time of its latest snapshot since the last sweep. By account: desks of different years may share a log. */
  readonly #times = new Map<string, EpochMillis>();
  #untilSweep = SWEEP_EVERY;
  #openMs = 0;

  /** `defaultRisk`: ratio of the price, for positions without a known stop. */
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

  /** The partition ends, and every position in it is over. */
  endAll(): void {
    for (const followed of this.#open.values()) this.#end(followed);
    this.#open.clear();
  }

  /** Positions followed now. */
  get size(): number {
    return this.#open.size;
  }

  /** Time between the snapshots of positions as recorded, summed over them. Unit: milliseconds. */
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
      current: new SimulatedPosition(this.#cooldownMs, snapshot, this.#costs),
      candidate: new SimulatedPosition(this.#cooldownMs, snapshot, this.#costs),
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

/** How a position ended under one policy. */
export interface SimulatedResult {
  /** Earned, with what was never closed marked to the last snapshot. Unit: R. */
  readonly r: PathResult;
  /** Time until the policy had closed all of it, or the snapshots ended. Unit: milliseconds. */
  readonly openMs: number;
  /** Whether the policy closed any of it. */
  readonly harvested: boolean;
  readonly longestHold: LongestHold | null;
}

/**
 * One position as it would have gone had one policy been obeyed from its first snapshot on.
 *
 * RPL-17  Once the policy has closed all of it, later snapshots count for nothing: neither time nor profit nor a hold.
 */
class SimulatedPosition {
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

  result(lastMark: number): SimulatedResult {
    return {
      r: this.#path.result(lastMark),
      openMs: this.#openMs,
      harvested: this.#path.harvested,
      longestHold: this.#hold.longest,
    };
  }
}

const HOUR_MS = 60 * 60 * 1000;

/** The lowest profit rung of 2026-02-07: above it there is profit worth taking. Unit: R. */
export const PROFITABLE_ABOVE_R = 2;

/** The longest time that a position in profit was held without a break. */
export interface LongestHold {
  readonly position_id: PositionId;
  readonly symbol: string;
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  /** The highest R in that time. */
  readonly peak_r: number;
}

/**
 * The longest run of consecutive snapshots of one position with HOLD and an R above PROFITABLE_ABOVE_R.
 *
 * RPL-18  A snapshot with another action, or at or below that R, ends the run.
 */
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
