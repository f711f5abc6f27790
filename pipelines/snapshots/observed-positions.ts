/** The positions of one symbol that are under observation: what is known of each, and how that is restored after a restart. */
import type { EpochMillis } from '../../ports/clock.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
import type { VenueHolding } from '../../ports/venue.ts';
import type {
  ModelSignal,
  PositionId,
  PositionReconciled,
  PositionSnapshot,
  Side,
  VenueDifference,
} from '../../schemas/generated/records.ts';
import { type Agreement, type KnownPosition, isOfSide } from './match-fills.ts';
import type { RecordedFills } from './recorded-fills.ts';
import { type Identity, type Memory, better, firstMemory, worstPrice } from './snapshot.ts';

/** By id. There is one open position a side; positions that ended stay until all of their reductions are recorded. */
export class ObservedPositions extends Map<PositionId, ObservedPosition> {
  /** The latest recorded reduction of each, while records are read. */
  readonly #reduced = new Map<PositionId, RecordedReduction>();

  /** Snapshots come oldest first, and each ends what was open on its side before it. */
  restoreSnapshot(snapshot: PositionSnapshot): void {
    for (const earlier of this.openOn(snapshot.side)) {
      earlier.isOver = earlier.identity.position_id !== snapshot.position_id;
    }
    this.set(snapshot.position_id, restoredPosition(snapshot, { differences: [], reduced: undefined }));
  }

  /** Records come oldest first; the latest says which differences still stand. */
  restoreReconciled({ reductions, differences, reconciled_at: recordedAt }: PositionReconciled): void {
    for (const { position_id, remaining_quantity, entry_price, closed_at: at } of reductions) {
      this.#reduced.set(position_id, {
        agreed: { at, quantity: remaining_quantity, entryPrice: entry_price, fills: null },
        recordedAt,
      });
      if (remaining_quantity === 0) this.delete(position_id);
    }
    for (const [id, { last, isOver }] of this) {
      if (last === null) continue;
      this.set(id, { ...restoredPosition(last, { differences, reduced: this.#reduced.get(id) }), isOver });
    }
    if (this.size === 0) this.#reduced.clear();
  }

  /** What their fills are matched with. `standing` are the differences that stand. */
  known(recordedFills: RecordedFills, standing: readonly VenueDifference[]): readonly KnownPosition[] {
    return [...this.values()].map((position) => knownPosition(position, recordedFills, standing));
  }

  /** Those of a side that have not ended: one, unless a restart left open which of two it is. */
  openOn(side: Side): readonly ObservedPosition[] {
    return [...this.values()].filter((position) => position.side === side && !position.isOver);
  }

  /** Whether a position that has ended was opened while the symbol was observed: an earlier one is not recorded. */
  wasOpenedSince({ opening, sizes }: Lifecycle): boolean {
    const at = opening?.at ?? -Infinity;
    return [...this.values()].some(({ side, identity, last }) => {
      // One of these two came after the other, whatever was seen when.
      if (isOfSide(sizes[0]?.fill, side)) return at > identity.opened_at;
      return last !== null && at > last.observed_at;
    });
  }

  /** SNA-5: the position that a holding certainly still is, so that its fills need not be read; null: not certain. */
  unchanged(holding: VenueHolding): ObservedPosition | null {
    const own = this.openOn(holding.side);
    const [position] = own;
    return position !== undefined && own.length === 1 && isAsBefore(position, holding) ? position : null;
  }

  /** SNA-9: the next cycle reads the fills of these sides again, whatever the venue shows then. */
  distrust(holdings: readonly VenueHolding[]): void {
    for (const position of this.values()) {
      if (holdings.some(({ side }) => side === position.side)) position.holding = null;
    }
  }
}

/** One position under observation. */
export interface ObservedPosition {
  readonly identity: Identity;
  /** False: its opening is unknown, and it counts from when the venue last changed it. */
  readonly openingKnown: boolean;
  /** Its opening is still searched for. */
  openingSought: boolean;
  /** Its fills have ended it, but not all of them could be recorded yet (SNA-7). */
  isOver: boolean;
  agreed: Agreement;
  readonly side: Side;
  memory: Memory;
  /** Its latest snapshot; null before the first. */
  last: PositionSnapshot | null;
  /** The holding as it was at the latest snapshot; null after a restart. */
  holding: VenueHolding | null;
  /** The latest moment of which the venue has shown it open; null: not known. */
  openAt: EpochMillis | null;
}

/** What identifies a position that is observed for the first time. */
interface FirstSight {
  readonly id: PositionId;
  readonly account: string;
  readonly at: EpochMillis;
  /** Unit: contracts. */
  readonly initialQuantity: number;
  readonly openingKnown: boolean;
}

/** A position that is observed for the first time. `signal` is the models' signal at its opening. */
export function newPosition(
  { id, account, at, initialQuantity, openingKnown }: FirstSight,
  opened: Pick<VenueHolding, 'side' | 'entryPrice'>,
  signal: ModelSignal | null,
): ObservedPosition {
  return {
    identity: { position_id: id, account, opened_at: at, initial_quantity: initialQuantity },
    openingKnown,
    openingSought: !openingKnown,
    isOver: false,
    agreed: { at, quantity: initialQuantity, entryPrice: Number(opened.entryPrice), fills: null },
    side: opened.side,
    memory: firstMemory(opened, signal),
    last: null,
    holding: null,
    openAt: null,
  };
}

/** What a recorded reduction left, and when it was recorded. */
interface RecordedReduction {
  readonly agreed: Agreement;
  readonly recordedAt: EpochMillis;
}

/** What is recorded of a position beside its latest snapshot. */
interface RecordedBeside {
  /** Those that stand. */
  readonly differences: readonly VenueDifference[];
  /** Its latest reduction; undefined: there was none. */
  readonly reduced: RecordedReduction | undefined;
}

/** A position that was observed before a restart. */
function restoredPosition(snapshot: PositionSnapshot, { differences, reduced }: RecordedBeside): ObservedPosition {
  const { position_id, account, opened_at, initial_quantity, side } = snapshot;
  const isOpeningUnknown = differences.some((one) => one.kind === 'OPENING_UNKNOWN' && one.position_id === position_id);
  const agreed = lastAgreement(snapshot, differences);
  return {
    identity: { position_id, account, opened_at, initial_quantity },
    openingKnown: !isOpeningUnknown,
    openingSought: isOpeningUnknown,
    isOver: false,
    // A cycle writes its reductions before its snapshots, and a crash in between leaves the reductions as the last word.
    agreed: reduced !== undefined && reduced.recordedAt > agreed.at ? reduced.agreed : agreed,
    side,
    memory: snapshot,
    last: snapshot,
    holding: null,
    openAt: snapshot.observed_at,
  };
}

/** The last agreement of fills and venue. Nothing that was observed while a difference stood is one, of whichever position of the symbol. */
function lastAgreement(snapshot: PositionSnapshot, differences: readonly VenueDifference[]): Agreement {
  const { position_id, opened_at, initial_quantity, observed_at, quantity, entry_price: entryPrice } = snapshot;
  const doubts = differences.filter(({ kind }) => kind !== 'OPENING_UNKNOWN');
  const doubtedSince = Math.min(...doubts.map(({ first_seen_at }) => first_seen_at));
  const own = doubts.find((one) => one.position_id === position_id);
  if (typeof own?.recorded_quantity === 'number') {
    // Where it is not the snapshot's, fills led to it afterwards.
    const at = own.recorded_quantity === quantity ? Math.min(observed_at, doubtedSince) : doubtedSince;
    return { at, quantity: own.recorded_quantity, entryPrice, fills: null };
  }
  if (observed_at < doubtedSince) return { at: observed_at, quantity, entryPrice, fills: null };
  return { at: opened_at, quantity: initial_quantity, entryPrice, fills: null };
}

/**
 * The position as its fills describe it now. It keeps the id under which it was first recorded, also where its opening turns out to be earlier:
 * intents, orders and outcomes name that id, and under another one it would be closed twice and counted as two.
 */
export function updatedByFills(
  position: ObservedPosition,
  { opening, initialQuantity, quantity, sizes }: Lifecycle,
  entryPrice: number,
  now: EpochMillis,
): ObservedPosition {
  const fills = new Set(sizes.flatMap(({ fill }) => (fill === null ? [] : [fill.fillId])));
  const agreed = { at: now, quantity: quantity.toNumber(), entryPrice, fills };
  const isOver = quantity.isZero();
  if (position.openingKnown || opening === null) return { ...position, agreed, isOver };
  const identity = { ...position.identity, opened_at: opening.at, initial_quantity: initialQuantity.toNumber() };
  return { ...position, identity, agreed, isOver, openingKnown: true, openingSought: false };
}

function knownPosition(
  { identity, side, openingKnown, openingSought, agreed, openAt }: ObservedPosition,
  recordedFills: RecordedFills,
  standing: readonly VenueDifference[],
): KnownPosition {
  const doubt = standing.find(
    ({ kind, position_id: id }) => kind !== 'OPENING_UNKNOWN' && (id === null || id === identity.position_id),
  );
  return {
    ...identity,
    side,
    openingKnown,
    openingSought,
    agreed,
    recordedFills,
    doubtedSince: doubt?.first_seen_at ?? null,
    goneSince: doubt?.kind === 'NOT_SHOWN' ? doubt.first_seen_at : null,
    openAt,
  };
}

/** SNA-5: the venue has changed nothing of it since its latest snapshot. */
function isAsBefore({ holding: before }: ObservedPosition, now: VenueHolding): boolean {
  return (
    before !== null &&
    before.updatedAt !== null &&
    before.updatedAt === now.updatedAt &&
    before.quantity === now.quantity &&
    before.entryPrice === now.entryPrice
  );
}

/**
 * A mark price from the stream counts for peak and worst price only within this factor of the latest observed mark: they keep the price for
 * good, and a false one would stay. Unit: factor.
 */
const PLAUSIBLE = 2;

/** Takes a mark price that came between two observations into peak and worst price. An implausible one is ignored. */
export function noteMark(position: ObservedPosition, price: number): void {
  const { last, memory, side } = position;
  if (last === null || !(price > last.mark_price / PLAUSIBLE && price < last.mark_price * PLAUSIBLE)) return;
  position.memory = {
    ...memory,
    peak_price: better(side, memory.peak_price, price),
    worst_price: worstPrice(side, memory.worst_price, price),
  };
}
