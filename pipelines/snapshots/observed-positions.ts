import type { VenueHolding } from '../../ports/venue.ts';
import type {
  FillId,
  PositionId,
  PositionReconciled,
  PositionSnapshot,
  Side,
  VenueDifference,
  ModelSignal,
} from '../../schemas/generated/records.ts';
import type { Known, Agreed } from './history.ts';
import type { EpochMillis } from '../../ports/clock.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
import { type Identity, type Memory, better, firstMemory, worstPrice } from './snapshot.ts';

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

  /** SNA-5: the position that a holding still is, without asking for fills. */
  unchanged(holding: VenueHolding): Watched | null {
    const own = this.openOn(holding.side);
    const [watched] = own;
    return watched !== undefined && own.length === 1 && isAsBefore(watched, holding) ? watched : null;
  }

  /** SNA-9: the fills of these are asked for again in the next cycle, whatever the venue shows then. */
  distrust(holdings: readonly VenueHolding[]): void {
    for (const watched of this.values()) {
      if (holdings.some(({ side }) => side === watched.side)) watched.holding = null;
    }
  }
}

/** A peak stays for good, so a mark that was told is taken only this near to one that was answered. Unit: factor. */
const PLAUSIBLE = 2;

/** A position under observation. */
export interface Watched {
  readonly identity: Identity;
  /** False: nobody knows when it was opened, and it counts from when the venue last changed it. */
  readonly proven: boolean;
  /** Its opening is still to be looked for. */
  isSought: boolean;
  /** Its fills have ended it, and not all of them could be recorded yet (SNA-7). */
  isOver: boolean;
  agreed: Agreed;
  readonly side: VenueHolding['side'];
  memory: Memory;
  /** Its latest snapshot; null before the first. */
  last: PositionSnapshot | null;
  /** The holding as it was then; null after a restart. */
  holding: VenueHolding | null;
}

export interface Begun {
  readonly id: PositionId;
  readonly account: string;
  readonly at: EpochMillis;
  /** Unit: contracts. */
  readonly initialQuantity: number;
  readonly proven: boolean;
}

/** One that nobody has observed yet; `signal` is what the models said when it was opened. */
export function beginWatching(
  { id, account, at, initialQuantity, proven }: Begun,
  opened: Pick<VenueHolding, 'side' | 'entryPrice'>,
  signal: ModelSignal | null,
): Watched {
  return {
    identity: { position_id: id, account, opened_at: at, initial_quantity: initialQuantity },
    proven,
    isSought: !proven,
    isOver: false,
    agreed: { at, quantity: initialQuantity, fills: null },
    side: opened.side,
    memory: firstMemory(opened, signal),
    last: null,
    holding: null,
  };
}

/** What a reduction left, and when that was recorded. */
interface Reduced {
  readonly agreed: Agreed;
  readonly recordedAt: EpochMillis;
}

/** What was recorded of a position, beside its latest snapshot. */
export interface Recorded {
  /** Those that stand. */
  readonly differences: readonly VenueDifference[];
  /** Its latest reduction; undefined: there was none. */
  readonly reduced: Reduced | undefined;
}

/** One that was observed before a restart. */
function resumeWatching(snapshot: PositionSnapshot, { differences, reduced }: Recorded): Watched {
  const { position_id, account, opened_at, initial_quantity, side } = snapshot;
  const isUnproven = differences.some((one) => one.kind === 'OPENING_UNKNOWN' && one.position_id === position_id);
  const agreed = agreedBy(snapshot, differences);
  return {
    identity: { position_id, account, opened_at, initial_quantity },
    proven: !isUnproven,
    isSought: isUnproven,
    isOver: false,
    // A snapshot is written after the reductions of its cycle, which may have been the last.
    agreed: reduced !== undefined && reduced.recordedAt > agreed.at ? reduced.agreed : agreed,
    side,
    memory: snapshot,
    last: snapshot,
    holding: null,
  };
}

/** What was observed while fills failed or disagreed is not what they said. */
function agreedBy(snapshot: PositionSnapshot, differences: readonly VenueDifference[]): Agreed {
  const { position_id, opened_at, initial_quantity, observed_at, quantity } = snapshot;
  const own = differences.find(
    (one) => one.kind !== 'OPENING_UNKNOWN' && (one.position_id === null || one.position_id === position_id),
  );
  if (own === undefined) return { at: observed_at, quantity, fills: null };
  return own.position_id === null || own.recorded_quantity === null
    ? { at: opened_at, quantity: initial_quantity, fills: null }
    : { at: own.first_seen_at, quantity: own.recorded_quantity, fills: null };
}

/**
 * The same, with what its fills tell of its opening. It keeps the id that it was first recorded under, which intents, orders and outcomes name:
 * under another it would be closed twice and counted as two.
 */
export function followed(
  watched: Watched,
  { opening, initialQuantity, quantity, sizes }: Lifecycle,
  now: EpochMillis,
): Watched {
  const fills = new Set(sizes.flatMap(({ fill }) => (fill === null ? [] : [fill.fillId])));
  const agreed = { at: now, quantity: quantity.toNumber(), fills };
  const isOver = quantity.isZero();
  if (watched.proven || opening === null) return { ...watched, agreed, isOver };
  const identity = { ...watched.identity, opened_at: opening.at, initial_quantity: initialQuantity.toNumber() };
  return { ...watched, identity, agreed, isOver, proven: true, isSought: false };
}

/** What its history is read by. */
function knownOf(
  { identity, side, proven, isSought, agreed }: Watched,
  told: ReadonlySet<FillId>,
  standing: readonly VenueDifference[],
): Known {
  const doubt = standing.find(
    ({ kind, position_id: id }) => kind !== 'OPENING_UNKNOWN' && (id === null || id === identity.position_id),
  );
  return { ...identity, side, proven, isSought, agreed, told, doubtedSince: doubt?.first_seen_at ?? null };
}

/** SNA-5: the venue changed nothing of it since it was observed last. */
function isAsBefore({ holding: before }: Watched, now: VenueHolding): boolean {
  return (
    before !== null &&
    before.updatedAt !== null &&
    before.updatedAt === now.updatedAt &&
    before.quantity === now.quantity &&
    before.entryPrice === now.entryPrice
  );
}

/** Lets peak and worst price see a mark that came between two observations; one that no market can have moved to is passed over. */
export function noteMark(watched: Watched, price: number): void {
  const { last, memory, side } = watched;
  if (last === null || !(price > last.mark_price / PLAUSIBLE && price < last.mark_price * PLAUSIBLE)) return;
  watched.memory = {
    ...memory,
    peak_price: better(side, memory.peak_price, price),
    worst_price: worstPrice(side, memory.worst_price, price),
  };
}
