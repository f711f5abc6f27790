import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Fills, Venue, VenueFill, VenueHolding } from '../../ports/venue.ts';
import type { PositionId, Side } from '../../schemas/generated/records.ts';
import { type Lifecycle, lifecyclesOf } from './lifecycles.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How far back an opening is looked for, step by step: most positions are young, and venues keep half a year. Unit: milliseconds. */
const REACH_MS = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 180 * DAY_MS];
export const LONGEST_REACH_DAYS = 180;

/** The venue's time is known to about half a round trip. Unit: milliseconds. */
const CLOCK_ERROR_MS = 1000;

/** A position under observation, as its fills must tell of it. */
export interface Known {
  readonly position_id: PositionId;
  readonly side: Side;
  readonly opened_at: EpochMillis;
  /** Unit: contracts. */
  readonly initial_quantity: number;
  /** False where no fill within reach opened it: it was first seen at `opened_at`, with `initial_quantity` open. */
  readonly proven: boolean;
}

/** What the fills of a symbol tell of. */
export interface History {
  /** The positions under observation, each with its fills. */
  readonly followed: ReadonlyMap<PositionId, Lifecycle>;
  /** Positions that nobody observed yet, with the fill that opened them. */
  readonly fresh: readonly Lifecycle[];
  /** Positions under observation that the fills do not explain. */
  readonly unexplained: readonly Known[];
  /** Open positions that no fill opened. */
  readonly unopened: readonly VenueHolding[];
}

/**
 * Reads as many fills of a symbol as it takes to explain everything known and shown. `holdings` are its open positions as the
 * venue showed them at `shownAt`: fills that came later are left out where only so the two agree. Throws EXCHANGE_AWAY.
 */
export async function readHistory(
  venue: Venue,
  symbol: string,
  known: readonly Known[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
): Promise<History> {
  const oldest = Math.min(shownAt, ...known.map(({ opened_at }) => opened_at));
  const search = holdings.some(({ side }) => !known.some((one) => one.side === side));
  let history: History | null = null;
  for (const reach of search ? REACH_MS : [0, ...REACH_MS]) {
    const asked = Math.min(oldest, shownAt - reach);
    const { fills, since } = await venue.fills(symbol, asked);
    history = agreeing({ fills, since }, known, holdings, shownAt);
    // Older fills can open what is shown; what they cannot explain today they cannot explain further back.
    if (history.unopened.length === 0 || since > asked) break;
  }
  return history ?? match({ fills: [], since: shownAt }, known, holdings);
}

/** The longest beginning of the fills that explains everything; all of them where none does. */
function agreeing(
  { fills, since }: Fills,
  known: readonly Known[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
): History {
  const whole = match({ fills, since }, known, holdings);
  if (isWhole(whole)) return whole;
  for (let end = fills.length - 1; end >= 0 && (fills[end]?.filledAt ?? 0) >= shownAt - CLOCK_ERROR_MS; end--) {
    const shorter = match({ fills: fills.slice(0, end), since }, known, holdings);
    if (isWhole(shorter)) return shorter;
  }
  return whole;
}

function isWhole({ unexplained, unopened }: History): boolean {
  return unexplained.length === 0 && unopened.length === 0;
}

function match({ fills, since }: Fills, known: readonly Known[], holdings: readonly VenueHolding[]): History {
  const lifecycles = lifecyclesOf(fills, holdings);
  const followed = new Map<PositionId, Lifecycle>();
  for (const one of known) {
    const lifecycle = lifecycleOf(one, lifecycles, { fills, since }, holdings);
    if (lifecycle !== undefined) followed.set(one.position_id, lifecycle);
  }
  const isFollowed = ({ side, opening }: Lifecycle): boolean =>
    known.some((one) => one.side === side && one.opened_at === opening?.at);
  // What the fills of a position without a known opening seem to open is only its growth, and they are told of once.
  const unproven = known.flatMap(({ position_id, side, proven }) => {
    const lifecycle = followed.get(position_id);
    return proven || lifecycle === undefined ? [] : [{ side, lifecycle }];
  });
  const toldOf = new Set(unproven.flatMap(({ lifecycle }) => lifecycle.reductions.map(({ fill }) => fill.fillId)));
  const fresh = lifecycles.filter(
    (one) =>
      one.opening !== null &&
      !isFollowed(one) &&
      !unproven.some(({ side, lifecycle }) => side === one.side && lifecycle.quantity.gt(0)) &&
      !one.reductions.some(({ fill }) => toldOf.has(fill.fillId)),
  );
  const open = [...followed.values(), ...fresh].filter(({ quantity }) => quantity.gt(0));
  const unexplained = known.filter(({ position_id }) => !followed.has(position_id));
  // A side that is known and not explained is one difference, not two.
  const accounted = [...open, ...unexplained];
  const unopened = holdings.filter(({ side }) => !accounted.some((one) => one.side === side));
  return { followed, fresh, unexplained, unopened };
}

function lifecycleOf(
  one: Known,
  lifecycles: readonly Lifecycle[],
  { fills, since }: Fills,
  holdings: readonly VenueHolding[],
): Lifecycle | undefined {
  // One that nobody could prove may be: it began when the venue last changed it, which may have been its opening.
  const proven = provenOf(one, lifecycles);
  if (proven !== undefined) return proven;
  if (!one.proven) return unprovenOf(one, fills, holdings);
  return one.opened_at < since ? truncatedOf(one, lifecycles, fills, holdings) : undefined;
}

/** The opening order may still have been filling when the position was first seen, so it may have opened more since. */
function provenOf({ side, opened_at, initial_quantity }: Known, lifecycles: readonly Lifecycle[]) {
  return lifecycles.find(
    (one) => one.side === side && one.opening?.at === opened_at && one.initialQuantity.gte(initial_quantity),
  );
}

/** One that was opened before the fills begin goes on in their middle, or without any. */
function truncatedOf(
  { side }: Known,
  lifecycles: readonly Lifecycle[],
  fills: readonly VenueFill[],
  holdings: readonly VenueHolding[],
): Lifecycle | undefined {
  const begun = lifecycles.find((one) => one.side === side && one.opening === null);
  if (begun !== undefined) return begun;
  const shown = holdings.find((holding) => holding.side === side);
  const isTouched = fills.some(({ positionSide }) => (positionSide ?? side) === side);
  return shown === undefined || isTouched ? undefined : unchanged(side, shown.quantity);
}

/** From when it was first seen the fills must begin in its middle, with what was open then. */
function unprovenOf(one: Known, fills: readonly VenueFill[], holdings: readonly VenueHolding[]) {
  const since = fills.filter(
    ({ filledAt, positionSide }) => filledAt > one.opened_at && (positionSide ?? one.side) === one.side,
  );
  const shown = holdings.filter(({ side }) => side === one.side);
  const [first] =
    since.length > 0
      ? lifecyclesOf(since, shown.length > 0 ? shown : holdings)
      : shown.map(({ side, quantity }): Lifecycle => unchanged(side, quantity));
  if (first === undefined || first.opening !== null || first.side !== one.side) return undefined;
  return first.initialQuantity.eq(one.initial_quantity) ? first : undefined;
}

function unchanged(side: Side, quantity: string): Lifecycle {
  return { side, opening: null, initialQuantity: new Exact(quantity), quantity: new Exact(quantity), reductions: [] };
}
