import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Lifecycle } from '../../ports/lifecycles.ts';
import type { VenueHolding } from '../../ports/venue.ts';
import type {
  FillId,
  ModelSignal,
  PositionId,
  PositionSnapshot,
  VenueDifference,
} from '../../schemas/generated/records.ts';
import type { Known } from './history.ts';
import { better, worstPrice } from './observation.ts';
import { firstMemory, type Identity, type Memory } from './snapshot.ts';

/** A peak stays for good, so a mark that was told is taken only this near to one that was answered. Unit: factor. */
const PLAUSIBLE = 2;

/** A position under observation. */
export interface Watched {
  readonly identity: Identity;
  /** False: nobody knows when it was opened, and it counts from when the venue last changed it. */
  readonly proven: boolean;
  /** Its opening is still to be looked for. */
  isSought: boolean;
  /** Its fills have ended it, and not all of them could be recorded yet (O3). */
  isOver: boolean;
  agreed: Known['agreed'];
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
    agreed: { at, quantity: initialQuantity },
    side: opened.side,
    memory: firstMemory(opened, signal),
    last: null,
    holding: null,
  };
}

/** One that was observed before a restart. */
export function resumeWatching(snapshot: PositionSnapshot): Watched {
  const { position_id, account, opened_at, initial_quantity, side, observed_at, quantity } = snapshot;
  return {
    identity: { position_id, account, opened_at, initial_quantity },
    proven: true,
    isSought: false,
    isOver: false,
    agreed: { at: observed_at, quantity },
    side,
    memory: snapshot,
    last: snapshot,
    holding: null,
  };
}

/** The same, with the differences that stood: what was observed while fills failed or disagreed is not what they said. */
export function doubted(watched: Watched, differences: readonly VenueDifference[]): Watched {
  const { position_id, opened_at, initial_quantity } = watched.identity;
  const isUnproven = differences.some((one) => one.kind === 'OPENING_UNKNOWN' && one.position_id === position_id);
  const known = isUnproven ? { ...watched, proven: false, isSought: true } : watched;
  const own = differences.find(
    (one) => one.kind !== 'OPENING_UNKNOWN' && (one.position_id === null || one.position_id === position_id),
  );
  if (own === undefined) return known;
  const agreed =
    own.position_id === null || own.recorded_quantity === null
      ? { at: opened_at, quantity: initial_quantity }
      : { at: own.first_seen_at, quantity: own.recorded_quantity };
  return { ...known, agreed };
}

/**
 * The same, with what its fills tell of its opening. It keeps the id that it was first recorded under, which intents, orders and outcomes name:
 * under another it would be closed twice and counted as two.
 */
export function followed(
  watched: Watched,
  { opening, initialQuantity, quantity }: Lifecycle,
  now: EpochMillis,
): Watched {
  const agreed = { at: now, quantity: quantity.toNumber() };
  const isOver = quantity.isZero();
  if (watched.proven || opening === null) return { ...watched, agreed, isOver };
  const identity = { ...watched.identity, opened_at: opening.at, initial_quantity: initialQuantity.toNumber() };
  return { ...watched, identity, agreed, isOver, proven: true, isSought: false };
}

/** What its history is read by. */
export function knownOf({ identity, side, proven, isSought, agreed }: Watched): Known {
  return { ...identity, side, proven, isSought, agreed };
}

/** O1: the venue changed nothing of it since it was observed last. */
export function isAsBefore({ holding: before }: Watched, now: VenueHolding): boolean {
  return (
    before !== null &&
    before.updatedAt !== null &&
    before.updatedAt === now.updatedAt &&
    before.quantity === now.quantity &&
    before.entryPrice === now.entryPrice
  );
}

/**
 * Whether what was open last, less the fills that nobody told of yet, is what is open: one of the venue's lists may be behind the other.
 */
export function addsUp(
  watched: Iterable<Watched>,
  explained: ReadonlyMap<PositionId, Lifecycle>,
  toldOf: ReadonlySet<FillId>,
): boolean {
  return [...watched].every(({ identity, agreed }) => {
    const lifecycle = explained.get(identity.position_id);
    const fresh = lifecycle?.reductions.filter(({ fill }) => !toldOf.has(fill.fillId)) ?? [];
    const left = fresh.reduce((open, { quantity }) => open.sub(quantity), new Exact(agreed.quantity));
    return lifecycle?.quantity.eq(left) === true;
  });
}

/**
 * O3: less is open than what was open when fills and venue last agreed, less every reduction since. A fill that is late may look as if it
 * were there: counted back from what is open now, an earlier one of its size takes its place.
 */
export function lacksFills({ agreed }: Known, lifecycle: Lifecycle | undefined, toldOf: ReadonlySet<FillId>): boolean {
  if (lifecycle === undefined) return false;
  const since = lifecycle.reductions.filter(({ fill }) => fill.filledAt > agreed.at || !toldOf.has(fill.fillId));
  return lifecycle.quantity.lt(since.reduce((open, { quantity }) => open.sub(quantity), new Exact(agreed.quantity)));
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
