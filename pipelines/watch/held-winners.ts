import type { EpochMillis, PositionId } from '../../schemas/generated/records.ts';
import { STALL_LIMITS } from './stall-limits.ts';

/** One look at a position. */
export interface Look {
  readonly position_id: PositionId;
  readonly at: EpochMillis;
  readonly r: number;
  /** Nothing of it was closed yet. */
  readonly whole: boolean;
}

export interface HeldWinner {
  readonly position_id: PositionId;
  readonly r: number;
  /** Since then it was a winner, whole, and nobody wanted anything of it. */
  readonly since: EpochMillis;
  readonly heldMs: number;
}

interface Position {
  /** The latest look; -Infinity before any. */
  seenAt: EpochMillis;
  r: number;
  /** Start of the stretch of looks that show a whole winner; null: the latest look shows none. */
  winnerSince: EpochMillis | null;
  /** The latest intent or trade of it. */
  touchedAt: EpochMillis;
}

/**
 * Winners that are open, and since when nothing was asked of them.
 *
 * W1  Looks at one position come in order, as its key's partition has them; those not newer than the latest are repeats and
 *     change nothing. Intents and trades may come at any time, before or after the looks they belong to.
 * W2  Memory holds the positions that were seen or touched of late.
 */
export class HeldWinners {
  readonly #positions = new Map<PositionId, Position>();
  #latestIntentAt = -Infinity;

  look({ position_id, at, r, whole }: Look): void {
    const position = this.#of(position_id);
    if (at <= position.seenAt) return;
    position.seenAt = at;
    position.r = r;
    position.winnerSince = whole && r > STALL_LIMITS.winnerAboveR.value ? (position.winnerSince ?? at) : null;
  }

  /** An intent or a trade of the position: somebody took its profit, or wants to. */
  touched(id: PositionId, at: EpochMillis): void {
    const position = this.#of(id);
    position.touchedAt = Math.max(position.touchedAt, at);
  }

  intent(at: EpochMillis): void {
    this.#latestIntentAt = Math.max(this.#latestIntentAt, at);
  }

  /** The latest intent of any position; null before any. */
  get latestIntentAt(): EpochMillis | null {
    return this.#latestIntentAt === -Infinity ? null : this.#latestIntentAt;
  }

  /** The whole winners that are open at `now`, the longest held first. */
  open(now: EpochMillis): readonly HeldWinner[] {
    const winners: HeldWinner[] = [];
    for (const [position_id, { seenAt, r, winnerSince, touchedAt }] of this.#positions) {
      // A trade after the latest look may have closed it.
      if (winnerSince === null || now - seenAt > STALL_LIMITS.openFor.value || touchedAt > seenAt) continue;
      const since = Math.max(winnerSince, touchedAt);
      winners.push({ position_id, r, since, heldMs: seenAt - since });
    }
    return winners.toSorted(
      (one, other) => other.heldMs - one.heldMs || (one.position_id < other.position_id ? -1 : 1),
    );
  }

  /** W2. */
  forget(before: EpochMillis): void {
    for (const [id, { seenAt, touchedAt }] of this.#positions) {
      if (Math.max(seenAt, touchedAt) < before) this.#positions.delete(id);
    }
  }

  get size(): number {
    return this.#positions.size;
  }

  #of(id: PositionId): Position {
    let position = this.#positions.get(id);
    if (position === undefined) {
      position = { seenAt: -Infinity, r: 0, winnerSince: null, touchedAt: -Infinity };
      this.#positions.set(id, position);
    }
    return position;
  }
}
