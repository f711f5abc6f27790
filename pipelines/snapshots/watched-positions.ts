import type { VenueHolding } from '../../ports/venue.ts';
import type { PositionId, PositionReconciled, PositionSnapshot, Side } from '../../schemas/generated/records.ts';
import type { Known } from './history.ts';
import { type Watched, doubted, isAsBefore, knownOf, resumeWatching } from './watched-position.ts';

/** The positions of one symbol that are under observation: one a side, and those whose end is not recorded in full yet. */
export class WatchedPositions extends Map<PositionId, Watched> {
  /** Snapshots come oldest first: one ends what was on its side before it. */
  restoreSnapshot(snapshot: PositionSnapshot): void {
    for (const earlier of this.openOn(snapshot.side)) {
      earlier.isOver = earlier.identity.position_id !== snapshot.position_id;
    }
    this.set(snapshot.position_id, resumeWatching(snapshot));
  }

  /** The latest record says which differences stand. */
  restoreReconciled({ reductions, differences }: PositionReconciled): void {
    for (const { position_id, remaining_quantity } of reductions) {
      if (remaining_quantity === 0) this.delete(position_id);
    }
    for (const [id, { last, isOver }] of this) {
      if (last !== null) this.set(id, { ...doubted(resumeWatching(last), differences), isOver });
    }
  }

  get known(): readonly Known[] {
    return [...this.values()].map(knownOf);
  }

  /** Those that are not over: one, but where nobody knows which of two it is. */
  openOn(side: Side): readonly Watched[] {
    return [...this.values()].filter((watched) => watched.side === side && !watched.isOver);
  }

  /** O1: the position that a holding still is, without asking for fills. */
  unchanged(holding: VenueHolding): Watched | null {
    const own = this.openOn(holding.side);
    const [watched] = own;
    return watched !== undefined && own.length === 1 && isAsBefore(watched, holding) ? watched : null;
  }

  /** O5: the fills of these are asked for again in the next cycle, whatever the venue shows then. */
  distrust(holdings: readonly VenueHolding[]): void {
    for (const watched of this.values()) {
      if (holdings.some(({ side }) => side === watched.side)) watched.holding = null;
    }
  }
}
