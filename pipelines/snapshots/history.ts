import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Fills, VenueFill, VenueHolding } from '../../ports/venue.ts';
import type { FillId, PositionId, Side } from '../../schemas/generated/records.ts';
import type { FillLog } from './fill-log.ts';
import { type Lifecycle, lifecyclesOf } from '../../ports/lifecycles.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How far back the fills of a new position are read at once: less than venues bound one question to. Unit: milliseconds. */
const RECENT_MS = 6 * DAY_MS;

/** How far back an opening is looked for: venues keep half a year. */
export const LONGEST_REACH_DAYS = 180;

/**
 * How many pieces of older fills are read in one look. Of Binance's weeks it is two months, so most openings are known at once, and one look
 * takes no longer than so many answers.
 */
const PIECES_A_LOOK = 8;

/** What was recorded is older than the fills that it was recorded from, by the venue's delay and the clock's error. Unit: milliseconds. */
const AGREED_EARLIER_MS = 60 * 60 * 1000;

/** A venue's list may be behind by less than this. Unit: milliseconds. */
export const LISTED_LATE_MS = 60_000;

/** The venue's time is known to about half a round trip. Unit: milliseconds. */
const CLOCK_ERROR_MS = 1000;

/** What was open when its fills and the venue last agreed. */
export interface Agreed {
  readonly at: EpochMillis;
  /** Unit: contracts. */
  readonly quantity: number;
  /** Those that led to it, as far as they were read then; null: not known, as after a restart. */
  readonly fills: ReadonlySet<FillId> | null;
}

/** A position under observation, as its fills must tell of it. */
export interface Known {
  readonly position_id: PositionId;
  readonly side: Side;
  readonly opened_at: EpochMillis;
  /** Unit: contracts. */
  readonly initial_quantity: number;
  /** False where no fill that was read opened it: it was first seen at `opened_at`, with `initial_quantity` open. */
  readonly proven: boolean;
  /** Its opening is still to be looked for. */
  readonly isSought: boolean;
  readonly agreed: Agreed;
  /** Fills that were told of. */
  readonly told: ReadonlySet<FillId>;
  /** Since when its fills have not explained what is shown; null: they did last. */
  readonly doubtedSince: EpochMillis | null;
}

/** What the fills of a symbol tell of. */
export interface History {
  /** The positions under observation, each with its fills. One whose opening was not known has it where they tell. */
  readonly followed: ReadonlyMap<PositionId, Lifecycle>;
  /** Positions that nobody observed yet, with the fill that opened them. */
  readonly fresh: readonly Lifecycle[];
  /** Positions under observation that the fills do not explain. */
  readonly unexplained: readonly Known[];
  /** Open positions that no fill opened. */
  readonly unopened: readonly VenueHolding[];
  /** Those of them that the fills tell of nothing at all: their fills may be late. */
  readonly untold: readonly VenueHolding[];
}

export interface Reading {
  readonly history: History;
  /** Older fills may explain more, and have not been read yet. */
  readonly goesOn: boolean;
  /** What older fills were asked for in vain; null: nothing failed. */
  readonly failure: unknown;
}

/**
 * Reads as many fills of a symbol as it takes to explain everything known and shown, or as many as one look may. `holdings` are its open
 * positions as the venue showed them at `shownAt`: fills that came later are left out where only so the two agree. `isChanged` where there
 * may be newer fills than the log has. Throws EXCHANGE_AWAY where those are not told.
 */
export async function readHistory(
  log: FillLog,
  known: readonly Known[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
  { isChanged, maySearch }: { readonly isChanged: boolean; readonly maySearch: boolean },
): Promise<Reading> {
  if (log.isEmpty || isChanged) await log.update(beginningOf(known, holdings, shownAt), shownAt);
  let history = agreeing(log, known, holdings, shownAt);
  let failure: unknown = null;
  const pieces = maySearch ? PIECES_A_LOOK : 0;
  for (let piece = 0; piece < pieces; piece++) {
    try {
      if (!(await log.extend(soughtSince(history, known, shownAt)))) break;
    } catch (thrown) {
      failure = thrown;
      break;
    }
    history = agreeing(log, known, holdings, shownAt);
  }
  return { history, goesOn: !log.reaches(soughtSince(history, known, shownAt)), failure };
}

/** From when on the newest fills are read. */
function beginningOf(known: readonly Known[], holdings: readonly VenueHolding[], shownAt: EpochMillis): EpochMillis {
  const isNew = holdings.some(({ side }) => !known.some((one) => one.side === side));
  return Math.min(isNew ? shownAt - RECENT_MS : shownAt, ...known.map(({ agreed }) => agreed.at - AGREED_EARLIER_MS));
}

/** How far back fills can still explain something; Infinity: everything is explained. */
function soughtSince({ followed, unexplained, unopened }: History, known: readonly Known[], shownAt: EpochMillis) {
  const undated = known.some((one) => one.isSought && followed.get(one.position_id)?.opening === null);
  if (undated || unopened.length > 0) return shownAt - LONGEST_REACH_DAYS * DAY_MS;
  return Math.min(...unexplained.map(({ opened_at }) => opened_at));
}

/** The longest beginning of the fills that explains everything; all of them where none does. */
function agreeing(
  log: FillLog,
  known: readonly Known[],
  holdings: readonly VenueHolding[],
  shownAt: EpochMillis,
): History {
  const { fills, since } = log.whole;
  const whole = match({ fills, since, log, shownAt }, known, holdings);
  if (isWhole(whole)) return whole;
  for (let end = fills.length - 1; end >= 0 && (fills[end]?.filledAt ?? 0) >= shownAt - CLOCK_ERROR_MS; end--) {
    const shorter = match({ fills: fills.slice(0, end), since, log, shownAt }, known, holdings);
    if (isWhole(shorter)) return shorter;
  }
  return whole;
}

function isWhole({ unexplained, unopened }: History): boolean {
  return unexplained.length === 0 && unopened.length === 0;
}

/** A beginning of the fills of a log. */
interface Told extends Fills {
  readonly shownAt: EpochMillis;
  readonly log: FillLog;
}

function match(told: Told, known: readonly Known[], holdings: readonly VenueHolding[]): History {
  const lifecycles = lifecyclesOf(told.fills, holdings);
  const followed = new Map<PositionId, Lifecycle>();
  for (const one of known) {
    const lifecycle = lifecycleOf(one, lifecycles, told, holdings);
    // Where the fills begin later nobody can say otherwise.
    const isAgreed = lifecycle !== undefined && (one.agreed.at < told.since || goesOn(one, lifecycle, told.shownAt));
    if (isAgreed) followed.set(one.position_id, lifecycle);
  }
  const own = new Set(followed.values());
  const isFollowed = (lifecycle: Lifecycle): boolean =>
    own.has(lifecycle) || known.some((one) => one.side === lifecycle.side && one.opened_at === lifecycle.opening?.at);
  // What the fills of a position without a known opening seem to open is only its growth, and they are told of once.
  const unproven = known.flatMap(({ position_id, side, proven }) => {
    const lifecycle = followed.get(position_id);
    return proven || lifecycle === undefined || lifecycle.opening !== null ? [] : [{ side, lifecycle }];
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
  const untold = unopened.filter(({ side }) => !lifecycles.some((one) => one.side === side && one.quantity.gt(0)));
  return { followed, fresh, unexplained, unopened, untold };
}

/** SNA-7: whether its fills lead from what was open when they last agreed with the venue to what is open now. */
function goesOn(one: Known, lifecycle: Lifecycle, shownAt: EpochMillis): boolean {
  const latest = Math.max(one.doubtedSince ?? shownAt, lifecycle.sizes.at(-1)?.fill?.filledAt ?? 0);
  return shownAt - latest < LISTED_LATE_MS ? goesOnFrom(one, lifecycle) : !lacksFills(one, lifecycle);
}

/** Less is open than what was, less every reduction since: no list is late for so long, so what is missing is not told by the venue. */
function lacksFills({ agreed, told }: Known, { quantity, reductions }: Lifecycle): boolean {
  const since = reductions.filter(({ fill }) => fill.filledAt > agreed.at || !told.has(fill.fillId));
  return quantity.lt(Exact.sum(agreed.quantity, ...since.map((one) => one.quantity.neg())));
}

/**
 * What was open when fills and venue last agreed was open after every fill that they agreed on, and before every one that came since. Sizes are
 * counted back from what the venue shows now: where that is more or less than its fills tell of, since one of its two lists is behind the other, all
 * of them are wrong, and an earlier or a later fill would seem to have left what this one did.
 */
function goesOnFrom({ agreed, told, proven, opened_at: seenAt }: Known, { sizes }: Lifecycle): boolean {
  let from = 0;
  let to = sizes.length;
  // After a restart times must do.
  const grownUntil = agreed.fills === null ? agreed.at : agreed.at - LISTED_LATE_MS;
  for (const [place, { fill, reduces }] of sizes.entries()) {
    if (fill === null) continue;
    const { fillId, filledAt } = fill;
    const isTold = told.has(fillId);
    // Of a position without a known opening nothing was told that came before it was seen, and all of that led to what was seen.
    const isOld = (!proven && filledAt <= seenAt) || (!reduces && filledAt <= grownUntil);
    if (agreed.fills?.has(fillId) === true || isOld || (isTold && filledAt <= agreed.at)) from = place;
    else if (!isTold) to = Math.min(to, place);
  }
  return sizes.slice(from, to).some(({ size }) => size.eq(agreed.quantity));
}

function lifecycleOf(
  one: Known,
  lifecycles: readonly Lifecycle[],
  told: Told,
  holdings: readonly VenueHolding[],
): Lifecycle | undefined {
  const proven = provenOf(one, lifecycles) ?? (one.proven ? undefined : spanningOf(one, lifecycles));
  if (proven !== undefined) return proven;
  if (one.opened_at < told.since) return truncatedOf(one, lifecycles, told, holdings);
  return one.proven ? undefined : unprovenOf(one, told.fills, holdings);
}

/** The opening order may still have been filling when the position was first seen, so it may have opened more since. */
function provenOf({ side, opened_at, initial_quantity }: Known, lifecycles: readonly Lifecycle[]) {
  return lifecycles.find(
    (one) => one.side === side && one.opening?.at === opened_at && one.initialQuantity.gte(initial_quantity),
  );
}

/** The one that was open when a position without a known opening was first seen: a side of a symbol has one at a time. */
function spanningOf({ side, opened_at: seenAt }: Known, lifecycles: readonly Lifecycle[]): Lifecycle | undefined {
  return lifecycles.find((one) => {
    if (one.side !== side || one.opening === null || one.opening.at > seenAt + CLOCK_ERROR_MS) return false;
    return one.quantity.gt(0) || (one.reductions.at(-1)?.fill.filledAt ?? 0) >= seenAt;
  });
}

/**
 * One that was opened before the fills begin goes on in their middle, or without any. It is the same if it was as large as recorded at some
 * moment; where the fills begin after that and nothing older is told, nobody can say otherwise.
 */
function truncatedOf(
  { side, opened_at, agreed }: Known,
  lifecycles: readonly Lifecycle[],
  { fills, since, log }: Told,
  holdings: readonly VenueHolding[],
): Lifecycle | undefined {
  const shown = holdings.find((holding) => holding.side === side);
  const isTouched = fills.some(({ positionSide }) => (positionSide ?? side) === side);
  const begun =
    lifecycles.find((one) => one.side === side && one.opening === null) ??
    (shown === undefined || isTouched ? undefined : unchanged(side, shown.quantity));
  if (begun === undefined) return undefined;
  if (agreed.at >= since && begun.sizes.some(({ size }) => size.eq(agreed.quantity))) return begun;
  return log.reaches(opened_at) ? begun : undefined;
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
  const size = new Exact(quantity);
  return {
    side,
    opening: null,
    initialQuantity: size,
    quantity: size,
    reductions: [],
    sizes: [{ fill: null, reduces: false, size }],
  };
}
