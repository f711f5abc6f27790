import type { EpochMillis } from './clock.ts';
import { Exact } from './exact-decimal.ts';
import type { VenueFill, VenueHolding } from './venue.ts';
import type { Side } from '../schemas/generated/records.ts';

/** One fill, or the part of one, that made a position smaller. */
export interface ReducingFill {
  readonly fill: VenueFill;
  /** Less than the fill's where that also opened the other side. Unit: contracts. */
  readonly quantity: Exact;
  /** The fill's fee, in proportion to `quantity`; null when the venue does not say. Unit: quote currency. */
  readonly fee: Exact | null;
  /** Open size after it. Unit: contracts. */
  readonly remaining: Exact;
}

/** How much of a position was open after one of its fills. */
export interface SizeAfter {
  /** Null: before the first of its fills that are told. */
  readonly fill: VenueFill | null;
  readonly reduces: boolean;
  /** Unit: contracts. */
  readonly size: Exact;
}

/** How a position was opened. */
export interface Opening {
  readonly at: EpochMillis;
  /** Quantity-weighted over all fills that opened or grew it. Unit: quote currency per contract. */
  readonly entryPrice: Exact;
}

/** One position from opening to flat. */
export interface Lifecycle {
  readonly side: Side;
  /** Null where the fills begin in its middle. */
  readonly opening: Opening | null;
  /**
   * What the fills of the order that opened it had opened before anything closed; what was open where the fills begin.
   * Unit: contracts.
   */
  readonly initialQuantity: Exact;
  /** Open size now; 0 when it is closed. Unit: contracts. */
  readonly quantity: Exact;
  /** Oldest first. */
  readonly reductions: readonly ReducingFill[];
  /** From where the fills begin, or the first fill opened it, to now. */
  readonly sizes: readonly SizeAfter[];
}

/** A position in the making. */
interface Draft {
  readonly side: Side;
  readonly openedBy: VenueFill | null;
  initialQuantity: Exact;
  opened: Exact;
  cost: Exact;
  quantity: Exact;
  readonly reductions: ReducingFill[];
  readonly sizes: SizeAfter[];
}

const ZERO = new Exact(0);

/**
 * The positions that the fills of one symbol tell of, oldest first. `fills` are all of a stretch of time, oldest first, and
 * `holdings` is what is open after the last of them. Pure.
 *
 * PORT-8  The size before each fill is the size after it less the fill, from now backwards: nothing is assumed of the past.
 * PORT-9  A position begins where the size was 0 or of the other side, and ends where it becomes so: reopening is a new one.
 * PORT-10  In hedge mode each side of the symbol is counted by itself.
 */
export function lifecyclesOf(fills: readonly VenueFill[], holdings: readonly VenueHolding[]): readonly Lifecycle[] {
  const sides: readonly (Side | null)[] = ['LONG', 'SHORT', null];
  return sides.flatMap((side) => {
    const own = fills.filter((fill) => fill.positionSide === side);
    if (own.length === 0) return [];
    const open = holdings.filter((holding) => side === null || holding.side === side);
    const now = Exact.sum(ZERO, ...open.map((holding) => signed(holding.side, new Exact(holding.quantity))));
    return fold(own, now);
  });
}

function fold(fills: readonly VenueFill[], now: Exact): readonly Lifecycle[] {
  // PORT-8.
  let size = fills.reduce((after, fill) => after.sub(change(fill)), now);
  const finished: Draft[] = [];
  let draft = size.isZero() ? null : begin(size, null);
  for (const fill of fills) {
    const moved = change(fill);
    const after = size.add(moved);
    if (draft !== null && moved.isNegative() !== size.isNegative()) {
      const closed = Exact.min(moved.abs(), size.abs());
      draft.quantity = draft.quantity.sub(closed);
      draft.reductions.push({ fill, quantity: closed, fee: shareOf(fill, closed), remaining: draft.quantity });
      draft.sizes.push({ fill, reduces: true, size: draft.quantity });
      if (draft.quantity.isZero()) {
        finished.push(draft);
        draft = null;
      }
    } else if (draft !== null) {
      grow(draft, fill, moved.abs());
    }
    // PORT-9.
    if (draft === null && !after.isZero()) {
      draft = begin(after, fill);
    }
    size = after;
  }
  return [...finished, ...(draft === null ? [] : [draft])].map(finish);
}

function begin(size: Exact, openedBy: VenueFill | null): Draft {
  const quantity = size.abs();
  return {
    side: size.isNegative() ? 'SHORT' : 'LONG',
    openedBy,
    initialQuantity: quantity,
    opened: quantity,
    cost: quantity.mul(openedBy?.price ?? 0),
    quantity,
    reductions: [],
    sizes: [{ fill: openedBy, reduces: false, size: quantity }],
  };
}

function grow(draft: Draft, fill: VenueFill, quantity: Exact): void {
  if (draft.reductions.length === 0 && fill.orderId === draft.openedBy?.orderId) {
    draft.initialQuantity = draft.initialQuantity.add(quantity);
  }
  draft.opened = draft.opened.add(quantity);
  draft.cost = draft.cost.add(quantity.mul(fill.price));
  draft.quantity = draft.quantity.add(quantity);
  draft.sizes.push({ fill, reduces: false, size: draft.quantity });
}

function finish(draft: Draft): Lifecycle {
  const { side, openedBy, initialQuantity, opened, cost, quantity, reductions, sizes } = draft;
  const opening = openedBy === null ? null : { at: openedBy.filledAt, entryPrice: cost.div(opened) };
  return { side, opening, initialQuantity, quantity, reductions, sizes };
}

function signed(side: Side, quantity: Exact): Exact {
  return side === 'LONG' ? quantity : quantity.neg();
}

function change({ direction, quantity }: VenueFill): Exact {
  return direction === 'BUY' ? new Exact(quantity) : new Exact(quantity).neg();
}

function shareOf({ fee, quantity }: VenueFill, part: Exact): Exact | null {
  return fee === null ? null : new Exact(fee).mul(part).div(quantity);
}
