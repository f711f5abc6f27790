/**
 * Matches the fills of one symbol with its positions: those under observation, and those that the venue shows. Pure. The fills themselves
 * are read by fill-history.ts, and folded into positions by ports/lifecycles.ts.
 */
import type { EpochMillis } from '../../ports/clock.ts';
import { Exact } from '../../ports/exact-decimal.ts';
import type { Fills, VenueFill, VenueHolding } from '../../ports/venue.ts';
import type { FillId, PositionId, Side } from '../../schemas/generated/records.ts';
import { type Lifecycle, lifecyclesOf } from '../../ports/lifecycles.ts';
import type { RecordedFills } from './recorded-fills.ts';

/** The venue's lists of positions and of fills may each be behind by less than this. Unit: milliseconds. */
export const LISTED_LATE_MS = 60_000;

/** The venue's time is known to about half a round trip. Unit: milliseconds. */
const CLOCK_ERROR_MS = 1000;

/** What was open when a position's fills and the venue last agreed. */
export interface Agreement {
  readonly at: EpochMillis;
  /** Unit: contracts. */
  readonly quantity: number;
  /** Unit: quote currency per contract. */
  readonly entryPrice: number;
  /** The fills that led to it, as far as they had been read; null: not known, as after a restart. */
  readonly fills: ReadonlySet<FillId> | null;
}

/** A position under observation, as its fills must explain it. */
export interface KnownPosition {
  readonly position_id: PositionId;
  readonly side: Side;
  readonly opened_at: EpochMillis;
  /** Unit: contracts. */
  readonly initial_quantity: number;
  /** False where no fill that was read opened it: it was first seen at `opened_at`, with `initial_quantity` open. */
  readonly openingKnown: boolean;
  /** Its opening is still searched for in older fills. */
  readonly openingSought: boolean;
  readonly agreed: Agreement;
  /** Fills that are recorded already. */
  readonly recordedFills: RecordedFills;
  /** When its fills began to disagree with the venue; null: they agreed last. */
  readonly doubtedSince: EpochMillis | null;
  /** Since when the venue does not show it; null: it was shown last. */
  readonly goneSince: EpochMillis | null;
  /** The latest moment of which the venue has shown it open; null: not known. */
  readonly openAt: EpochMillis | null;
}

/** How the fills of a symbol explain its positions. */
export interface FillMatch {
  /** The positions under observation that the fills explain, each with its fills. */
  readonly followed: ReadonlyMap<PositionId, Lifecycle>;
  /** Positions that are not under observation yet, with the fill that opened them. */
  readonly fresh: readonly Lifecycle[];
  /** Positions under observation that the fills do not explain. */
  readonly unexplained: readonly KnownPosition[];
  /** Open positions that no fill opened, or of which that is not certain yet. */
  readonly unopened: readonly VenueHolding[];
  /** Open positions that may not be what the fills led to yet: one of the two lists is behind the other. */
  readonly late: readonly VenueHolding[];
}

/** The fills to match, or a beginning of them. */
interface FillsRead extends Fills {
  /** When the venue showed the holdings. */
  readonly shownAt: EpochMillis;
  /** True where no request could bring a fill of that time or later that is not among `fills`. */
  readonly reaches: (time: EpochMillis) => boolean;
}

/** Explains as many of the positions as the fills can. */
export function matchFills(
  read: FillsRead,
  known: readonly KnownPosition[],
  holdings: readonly VenueHolding[],
): FillMatch {
  const lifecycles = lifecyclesOf(read.fills, holdings);
  const late = holdings.filter((holding) => isLate(holding, read));
  const isLateOf = ({ sizes }: Lifecycle): boolean => late.some(({ side }) => isOfSide(sizes.at(-1)?.fill, side));
  const followed = new Map<PositionId, Lifecycle>();
  for (const one of known) {
    const lifecycle = lifecycleOf(one, lifecycles, read, { holdings, late });
    // Fills that begin after the agreement cannot contradict it.
    if (lifecycle === undefined) continue;
    const isLateNow = isLateOf(lifecycle);
    if (endsTooEarly(one, lifecycle, read, isLateNow)) continue;
    const isShown = holdings.some(({ side }) => side === one.side);
    const changedAt = isLateNow ? read.shownAt : isShown ? 0 : (one.goneSince ?? read.shownAt);
    const isAgreed = one.agreed.at < read.since || continues(one, lifecycle, read.shownAt, changedAt);
    if (isAgreed) followed.set(one.position_id, lifecycle);
  }
  const own = new Set(followed.values());
  const isFollowed = (lifecycle: Lifecycle): boolean =>
    own.has(lifecycle) || known.some((one) => one.side === lifecycle.side && one.opened_at === lifecycle.opening?.at);
  // Fills that seem to open a position beside one without a known opening only made that one grow; each is recorded once.
  const undated = known.flatMap(({ position_id, side, openingKnown }) => {
    const lifecycle = followed.get(position_id);
    return openingKnown || lifecycle === undefined || lifecycle.opening !== null ? [] : [{ side, lifecycle }];
  });
  const attributed = new Set(undated.flatMap(({ lifecycle }) => lifecycle.reductions.map(({ fill }) => fill.fillId)));
  const fresh = lifecycles.filter(
    (one) =>
      one.opening !== null &&
      !isFollowed(one) &&
      !isLateOf(one) &&
      !undated.some(({ side, lifecycle }) => side === one.side && lifecycle.quantity.gt(0)) &&
      !one.reductions.some(({ fill }) => attributed.has(fill.fillId)),
  );
  const open = [...followed.values(), ...fresh].filter(({ quantity }) => quantity.gt(0));
  const unexplained = known.filter(({ position_id }) => !followed.has(position_id));
  // A known position that is not explained is one difference, not two.
  const accounted = [...open, ...unexplained];
  const unopened = holdings.filter(({ side }) => !accounted.some((one) => one.side === side));
  return { followed, fresh, unexplained, unopened, late };
}

/**
 * Whether the latest fill of a position is not the venue's latest change of it, and one of the two lists may still be behind. Sizes are counted
 * back from the position, so each would be off by what is missing, and an earlier fill would seem to have opened it. A venue that does not say
 * when it changed a position is believed as soon as there are fills.
 */
function isLate({ side, updatedAt }: VenueHolding, { fills, shownAt }: FillsRead): boolean {
  const latest = fills.findLast((fill) => isOfSide(fill, side))?.filledAt ?? null;
  if (latest === null || updatedAt === null) {
    return latest === null && (updatedAt === null || shownAt - updatedAt < LISTED_LATE_MS);
  }
  return Math.abs(updatedAt - latest) > CLOCK_ERROR_MS && shownAt - Math.max(updatedAt, latest) < LISTED_LATE_MS;
}

/**
 * Whether the venue has shown it open after the fill that would end it, and not every fill until then is listed. Another may have been observed
 * under its id (SNA-9): once this one had ended, nobody would look for the fills of that one.
 */
function endsTooEarly(
  { side, openAt }: KnownPosition,
  { quantity, reductions }: Lifecycle,
  { fills, shownAt }: FillsRead,
  isLateNow: boolean,
): boolean {
  const closedAt = reductions.at(-1)?.fill.filledAt ?? Infinity;
  if (!quantity.isZero() || openAt === null || openAt - closedAt <= CLOCK_ERROR_MS) return false;
  const latest = fills.findLast((fill) => isOfSide(fill, side))?.filledAt ?? closedAt;
  return isLateNow || (openAt - latest > CLOCK_ERROR_MS && shownAt - openAt < LISTED_LATE_MS);
}

/** In one-way mode a fill belongs to whichever side is open. */
export function isOfSide(fill: VenueFill | null | undefined, side: Side): boolean {
  return (fill?.positionSide ?? side) === side;
}

/**
 * SNA-7: whether its fills lead from what was open at the last agreement to what is open now. `changedAt`: when the venue was first seen to show
 * what its fills may not lead to yet.
 */
function continues(one: KnownPosition, lifecycle: Lifecycle, shownAt: EpochMillis, changedAt: EpochMillis): boolean {
  const latest = Math.max(one.doubtedSince ?? shownAt, changedAt, lifecycle.sizes.at(-1)?.fill?.filledAt ?? 0);
  return shownAt - latest < LISTED_LATE_MS ? continuesAgreement(one, lifecycle) : !lacksFills(one, lifecycle);
}

/**
 * Whether less is open than the last agreement less every reduction since. No list is late for this long, so the missing fills are not to be
 * had from the venue.
 */
function lacksFills({ agreed, recordedFills }: KnownPosition, { quantity, reductions }: Lifecycle): boolean {
  const since = reductions.filter(({ fill }) => fill.filledAt > agreed.at || !recordedFills.has(fill.fillId));
  return quantity.lt(Exact.sum(agreed.quantity, ...since.map((one) => one.quantity.neg())));
}

/**
 * Whether the agreed size was open after every fill of the agreement and before every later one. Sizes are counted back from what the venue
 * shows now. Where one of its two lists is behind the other all of these sizes are off, and the agreed size would be found at a wrong fill:
 * therefore only the sizes between the two groups of fills count.
 */
function continuesAgreement(
  { agreed, recordedFills, openingKnown, opened_at: seenAt }: KnownPosition,
  { sizes }: Lifecycle,
): boolean {
  let from = 0;
  let to = sizes.length;
  // After a restart the fills of the agreement are not known, and their times decide.
  const grownUntil = agreed.fills === null ? agreed.at : agreed.at - LISTED_LATE_MS;
  for (const [place, { fill, reduces }] of sizes.entries()) {
    if (fill === null) continue;
    const { fillId, filledAt } = fill;
    const isRecorded = recordedFills.has(fillId);
    // What happened before a position without a known opening was first seen is not recorded, and all of it led to what was seen.
    const isOld = (!openingKnown && filledAt <= seenAt) || (!reduces && filledAt <= grownUntil);
    if (agreed.fills?.has(fillId) === true || isOld || (isRecorded && filledAt <= agreed.at)) from = place;
    else if (!isRecorded) to = Math.min(to, place);
  }
  return sizes.slice(from, to).some(({ size }) => size.eq(agreed.quantity));
}

function lifecycleOf(
  one: KnownPosition,
  lifecycles: readonly Lifecycle[],
  read: FillsRead,
  { holdings, late }: { readonly holdings: readonly VenueHolding[]; readonly late: readonly VenueHolding[] },
): Lifecycle | undefined {
  const isLateNow = late.some(({ side }) => side === one.side);
  const opened =
    openedByFills(one, lifecycles) ?? (!one.openingKnown && !isLateNow ? openWhenSeen(one, lifecycles) : undefined);
  if (opened !== undefined) return opened;
  if (one.opened_at < read.since) return openedBeforeFills(one, lifecycles, read, holdings);
  return one.openingKnown ? undefined : seenFirst(one, read.fills, holdings, isLateNow);
}

/** The lifecycle with the position's opening. Its opening order may still have been filling when the position was first seen, and may have opened more. */
function openedByFills({ side, opened_at, initial_quantity }: KnownPosition, lifecycles: readonly Lifecycle[]) {
  return lifecycles.find(
    (one) => one.side === side && one.opening?.at === opened_at && one.initialQuantity.gte(initial_quantity),
  );
}

/** The lifecycle that was open when a position without a known opening was first seen: a side of a symbol has one at a time. */
function openWhenSeen(
  { side, opened_at: seenAt }: KnownPosition,
  lifecycles: readonly Lifecycle[],
): Lifecycle | undefined {
  return lifecycles.find((one) => {
    if (one.side !== side || one.opening === null || one.opening.at > seenAt + CLOCK_ERROR_MS) return false;
    return one.quantity.gt(0) || (one.reductions.at(-1)?.fill.filledAt ?? 0) >= seenAt;
  });
}

/**
 * The lifecycle of a position that was opened before the fills begin: they begin in its middle, or none touched it. It is the position's if it
 * was once as large as agreed. Where the fills begin after the agreement and nothing older is to be had, nothing can contradict it.
 */
function openedBeforeFills(
  { side, opened_at, agreed }: KnownPosition,
  lifecycles: readonly Lifecycle[],
  { fills, since, reaches }: FillsRead,
  holdings: readonly VenueHolding[],
): Lifecycle | undefined {
  const shown = holdings.find((holding) => holding.side === side);
  const isTouched = fills.some((fill) => isOfSide(fill, side));
  const begun =
    lifecycles.find((one) => one.side === side && one.opening === null) ??
    (shown === undefined || isTouched ? undefined : unchanged(side, shown.quantity));
  if (begun === undefined) return undefined;
  if (agreed.at >= since && begun.sizes.some(({ size }) => size.eq(agreed.quantity))) return begun;
  return reaches(opened_at) ? begun : undefined;
}

/**
 * The lifecycle of a position from the moment on in which it was first seen, if it begins with the size that was open then. While a list is late it
 * may do so by chance only.
 */
function seenFirst(
  one: KnownPosition,
  fills: readonly VenueFill[],
  holdings: readonly VenueHolding[],
  isLateNow: boolean,
) {
  const since = fills.filter((fill) => fill.filledAt > one.opened_at && isOfSide(fill, one.side));
  if (isLateNow && one.openingSought && since.length > 0) return undefined;
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
