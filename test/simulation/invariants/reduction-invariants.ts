/** What has to be true of reductions, by the exchange's own fills. */
import type { EpochMillis } from '../../../ports/clock.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { AccountFill } from '../exchange/account-ledger.ts';
import type { Invariant } from './evidence.ts';

/** The exchange rounds its entry prices. Unit: fraction of the price. */
const ENTRY_ERROR = 1e-6;

/** A position at one of its fills. */
interface Was {
  readonly openedAt: EpochMillis;
  readonly entryPrice: number;
}

export const REDUCTION_INVARIANTS = [
  {
    name: 'reductions_are_true',
    says: 'A reduction names the opening and the entry price of the position that its fill made smaller.',
    *breaches(evidence) {
      const was = positionsAtFills(evidence.ledger.fills);
      for (const { symbol, reductions } of evidence.good(TOPICS.positionReconciled.name)) {
        for (const { fill_id: id, opened_at: openedAt, entry_price: entryPrice } of reductions) {
          const actual = was.get(`${symbol} ${id}`);
          if (actual === undefined) continue;
          const isOff = Math.abs(entryPrice / actual.entryPrice - 1) > ENTRY_ERROR;
          if (openedAt !== actual.openedAt)
            yield `${symbol} fill ${id}: opened at ${actual.openedAt}, recorded ${openedAt}`;
          if (isOff) yield `${symbol} fill ${id}: entered at ${actual.entryPrice}, recorded ${entryPrice}`;
        }
      }
    },
  },
] as const satisfies readonly Invariant[];

function positionsAtFills(fills: readonly AccountFill[]): ReadonlyMap<string, Was> {
  const open = new Map<string, Was>();
  const was = new Map<string, Was>();
  for (const { symbol, side, order, lots, lotsAfter, fill } of fills) {
    const key = `${symbol} ${side}`;
    const before = open.get(key) ?? { openedAt: fill.filledAt, entryPrice: 0 };
    const grown = (before.entryPrice * (lotsAfter - lots) + Number(fill.price) * lots) / lotsAfter;
    const now = order.reduces ? before : { ...before, entryPrice: grown };
    was.set(`${symbol} ${fill.fillId}`, now);
    if (lotsAfter === 0) open.delete(key);
    else open.set(key, now);
  }
  return was;
}
