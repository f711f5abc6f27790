import type { PositionId, PositionSnapshot } from '../../schemas/generated/records.ts';
import type { Decision } from '../scoring/evaluate.ts';
import { HoldStretch, type LongestHold, longer } from './hold-stretch.ts';
import { PositionPath } from './position-path.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Longer than any cycle, restart or lesser outage: a position that was not seen for a day is over. Unit: milliseconds. */
const GONE_AFTER_MS = 24 * HOUR_MS;

/** Rare enough to cost nothing a record, often enough that what is over does not pile up. Unit: snapshots. */
const SWEEP_EVERY = 4096;

/** How one position ended under each policy. Unit: R. */
export interface PositionResult {
  readonly position_id: PositionId;
  readonly current: number;
  readonly candidate: number;
}

/** What one policy made of the positions. */
export interface HoldFigures {
  readonly current: LongestHold | null;
  readonly candidate: LongestHold | null;
}

interface Followed {
  readonly position_id: PositionId;
  readonly currentPath: PositionPath;
  readonly candidatePath: PositionPath;
  readonly currentHold: HoldStretch;
  readonly candidateHold: HoldStretch;
  lastSeen: number;
  lastR: number;
}

/**
 * Follows each position from its first snapshot to its last. Invariants:
 * O1  A position is over when no snapshot of it came for a day of its partition's time, or the partition ends.
 * O2  Memory is bounded by the positions open at a time, not by those that ever were.
 * O3  Results do not depend on when the sweep comes: a position that comes back after a day starts anew either way.
 */
export class OpenPositions {
  readonly #cooldownMs: number;
  readonly #onResult: (result: PositionResult) => void;
  readonly #open = new Map<PositionId, Followed>();
  #now = -Infinity;
  #untilSweep = SWEEP_EVERY;
  #openMs = 0;
  #longestCurrent: LongestHold | null = null;
  #longestCandidate: LongestHold | null = null;

  constructor(cooldownMs: number, onResult: (result: PositionResult) => void) {
    this.#cooldownMs = cooldownMs;
    this.#onResult = onResult;
  }

  add(snapshot: PositionSnapshot, r: number, current: Decision, candidate: Decision): void {
    const { position_id, observed_at } = snapshot;
    const followed = this.#follow(position_id, observed_at);
    this.#openMs += Math.max(0, observed_at - followed.lastSeen);
    followed.lastSeen = Math.max(followed.lastSeen, observed_at);
    followed.lastR = r;
    followed.currentPath.obey(current, r, observed_at);
    followed.candidatePath.obey(candidate, r, observed_at);
    followed.currentHold.add(snapshot, r, current.action);
    followed.candidateHold.add(snapshot, r, candidate.action);
    this.#now = Math.max(this.#now, observed_at);
    this.#untilSweep -= 1;
    if (this.#untilSweep === 0) this.#sweep();
  }

  /** No more of this partition: every position in it is over. */
  endPartition(): void {
    for (const followed of this.#open.values()) this.#end(followed);
    this.#open.clear();
    this.#now = -Infinity;
  }

  /** Positions that are being followed. */
  get size(): number {
    return this.#open.size;
  }

  /** Time between the snapshots of positions, summed over them. Unit: hours. */
  get openHours(): number {
    return this.#openMs / HOUR_MS;
  }

  get longestHold(): HoldFigures {
    return { current: this.#longestCurrent, candidate: this.#longestCandidate };
  }

  #follow(id: PositionId, observedAt: number): Followed {
    const known = this.#open.get(id);
    if (known !== undefined) {
      if (observedAt - known.lastSeen <= GONE_AFTER_MS) return known;
      this.#end(known);
    }
    const followed: Followed = {
      position_id: id,
      currentPath: new PositionPath(this.#cooldownMs),
      candidatePath: new PositionPath(this.#cooldownMs),
      currentHold: new HoldStretch(),
      candidateHold: new HoldStretch(),
      lastSeen: observedAt,
      lastR: 0,
    };
    this.#open.set(id, followed);
    return followed;
  }

  #sweep(): void {
    this.#untilSweep = SWEEP_EVERY;
    for (const followed of this.#open.values()) {
      if (this.#now - followed.lastSeen <= GONE_AFTER_MS) continue;
      this.#end(followed);
      this.#open.delete(followed.position_id);
    }
  }

  #end({ position_id, currentPath, candidatePath, currentHold, candidateHold, lastR }: Followed): void {
    this.#longestCurrent = longer(this.#longestCurrent, currentHold.longest);
    this.#longestCandidate = longer(this.#longestCandidate, candidateHold.longest);
    this.#onResult({ position_id, current: currentPath.result(lastR), candidate: candidatePath.result(lastR) });
  }
}
