import type { VenueHolding } from '../../ports/venue.ts';
import type {
  FillId,
  PositionId,
  PositionReconciled,
  PositionSnapshot,
  Side,
  VenueDifference,
} from '../../schemas/generated/records.ts';
import type { Known } from './history.ts';
import { type Reduced, type Watched, isAsBefore, knownOf, resumeWatching } from './watched-position.ts';

/** The positions of one symbol that are under observation: one a side, and those whose end is not recorded in full yet. */
export class WatchedPositions extends Map<PositionId, Watched> {
  /** The last reduction of each, while records are read. */
  readonly #reduced = new Map<PositionId, Reduced>();

  /** Snapshots come oldest first: one ends what was on its side before it. */
  restoreSnapshot(snapshot: PositionSnapshot): void {
    for (const earlier of this.openOn(snapshot.side)) {
      earlier.isOver = earlier.identity.position_id !== snapshot.position_id;
    }
    this.set(snapshot.position_id, resumeWatching(snapshot, { differences: [], reduced: undefined }));
  }

  /** The latest record says which differences stand. */
  restoreReconciled({ reductions, differences, reconciled_at: recordedAt }: PositionReconciled): void {
    for (const { position_id, remaining_quantity, closed_at: at } of reductions) {
      this.#reduced.set(position_id, { agreed: { at, quantity: remaining_quantity, fills: null }, recordedAt });
      if (remaining_quantity === 0) this.delete(position_id);
    }
    for (const [id, { last, isOver }] of this) {
      if (last === null) continue;
      this.set(id, { ...resumeWatching(last, { differences, reduced: this.#reduced.get(id) }), isOver });
    }
    if (this.size === 0) this.#reduced.clear();
  }

  /** `told`: the fills that were told of; `standing`: the differences that stand. */
  known(told: ReadonlySet<FillId>, standing: readonly VenueDifference[]): readonly Known[] {
    return [...this.values()].map((watched) => knownOf(watched, told, standing));
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
