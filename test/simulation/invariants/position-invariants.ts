/** What has to be true of whole positions, from their opening to their end, by the exchange's own books. */
import type { EpochMillis } from '../../../ports/clock.ts';
import { Exact } from '../../../ports/exact-decimal.ts';
import type { Side, TradeClosed } from '../../../schemas/generated/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { Evidence, Invariant } from './evidence.ts';
import { snapshotsLeftFrom } from './watch-sight.ts';

/** What ended in the last minutes may not be on record yet. Unit: milliseconds. */
const RECORDED_WITHIN_MS = 15 * 60_000;

/** Sums of costs are of doubles. Unit: quote currency. */
const COST_ERROR = 1e-6;

/** A position by the exchange's books. */
export interface BookedPosition {
  readonly symbol: string;
  readonly side: Side;
  readonly openedAt: EpochMillis;
  /** Null: it is open. */
  closedAt: EpochMillis | null;
  closed: Exact;
}

export const POSITION_INVARIANTS = [
  {
    name: 'positions_add_up',
    says: 'The trades of a position are what the exchange closed of it, and of no other.',
    *breaches(evidence) {
      const recorded = Map.groupBy(unique(evidence), ({ symbol, side, opened_at }) => keyOf(symbol, side, opened_at));
      for (const { symbol, side, openedAt, closedAt, closed } of booked(evidence)) {
        if (closedAt === null || closedAt > evidence.endedAt - RECORDED_WITHIN_MS) continue;
        const trades = recorded.get(keyOf(symbol, side, openedAt)) ?? [];
        const found = trades.reduce((sum, { quantity }) => sum.add(quantity), new Exact(0));
        if (found.eq(closed) || !wasSeen(evidence, symbol, side, openedAt, closedAt)) continue;
        yield `${symbol} ${side} opened at ${openedAt}: ${closed.toString()} closed, ${found.toString()} recorded`;
      }
    },
  },
  {
    name: 'positions_end',
    says: 'A position that ended at the exchange has a final outcome.',
    *breaches(evidence) {
      const final = new Set(
        evidence
          .good(TOPICS.clmOutcome.name)
          .filter(({ status }) => status === 'FINAL')
          .map(({ symbol, side, opened_at }) => keyOf(symbol, side, opened_at)),
      );
      for (const { symbol, side, openedAt, closedAt } of booked(evidence)) {
        if (closedAt === null || closedAt > evidence.endedAt - RECORDED_WITHIN_MS) continue;
        if (final.has(keyOf(symbol, side, openedAt)) || !wasSeen(evidence, symbol, side, openedAt, closedAt)) continue;
        yield `${symbol} ${side} opened at ${openedAt} ended at ${closedAt}, and has no final outcome`;
      }
    },
  },
  {
    name: 'funding_adds_up',
    says: 'The funding of the trades of a position is what the exchange charged for it.',
    *breaches(evidence) {
      const recorded = Map.groupBy(unique(evidence), ({ symbol, side, opened_at }) => keyOf(symbol, side, opened_at));
      for (const { symbol, side, openedAt, closedAt } of booked(evidence)) {
        if (closedAt === null || closedAt > evidence.endedAt - RECORDED_WITHIN_MS) continue;
        const trades = recorded.get(keyOf(symbol, side, openedAt)) ?? [];
        const shares = trades.flatMap(({ funding_quote: funding }) => (funding === null ? [] : [funding]));
        if (trades.length === 0 || shares.length < trades.length) continue;
        const found = shares.reduce((sum, share) => sum + share, 0);
        const charged = evidence.ledger.funding
          .filter(
            (one) => one.symbol === symbol && one.side === side && one.paidAt >= openedAt && one.paidAt <= closedAt,
          )
          .reduce((sum, { amount }) => sum + Number(amount), 0);
        if (Math.abs(found - charged) > COST_ERROR)
          yield `${symbol} ${side} opened at ${openedAt}: the exchange charged ${charged} of funding, the trades say ${found}`;
      }
    },
  },
] as const satisfies readonly Invariant[];

/** The positions of the exchange's books, from one flat moment to the next. */
export function booked({ ledger }: Pick<Evidence, 'ledger'>): readonly BookedPosition[] {
  const all: BookedPosition[] = [];
  const open = new Map<string, BookedPosition>();
  for (const one of ledger.fills) {
    const { symbol, side, order, lotsAfter } = one;
    const key = `${symbol} ${side}`;
    let position = open.get(key);
    if (position === undefined) {
      position = { symbol, side, openedAt: one.fill.filledAt, closedAt: null, closed: new Exact(0) };
      all.push(position);
      open.set(key, position);
    }
    if (order.reduces) position.closed = position.closed.add(one.fill.quantity);
    if (lotsAfter > 0) continue;
    position.closedAt = one.fill.filledAt;
    open.delete(key);
  }
  return all;
}

/** Each trade once, however often it is on the log. */
function unique(evidence: Evidence): readonly TradeClosed[] {
  return [...new Map(evidence.good(TOPICS.tradeClosed.name).map((trade) => [trade.trade_id, trade])).values()];
}

/**
 * Whether anybody observed it, and that was on record when it ended: one that was open between two looks of the source is none of the desk's, nor
 * one whose snapshots were deleted while the source was away.
 */
export function wasSeen(evidence: Evidence, symbol: string, side: Side, from: EpochMillis, to: EpochMillis): boolean {
  const leftFrom = Math.max(from, snapshotsLeftFrom(evidence, to));
  return evidence
    .good(TOPICS.positionSnapshot.name)
    .some(
      (seen) => seen.symbol === symbol && seen.side === side && seen.observed_at >= leftFrom && seen.observed_at <= to,
    );
}

function keyOf(symbol: string, side: Side, openedAt: EpochMillis): string {
  return `${symbol} ${side} ${openedAt}`;
}
