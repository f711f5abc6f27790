import type { EpochMillis } from '../../ports/clock.ts';
import type { MarketEnding } from '../../ports/exchange.ts';
import type { Suppression } from './suppression.ts';

/**
 * No order is announced so shortly before a contract is delivered or taken off: one that the venue is slow about is looked up for a minute, and
 * venues stop matching some minutes ahead of the time they announce. What is open then is closed by the settlement itself. Unit:
 * milliseconds.
 */
const LAST_MINUTES_MS = 5 * 60 * 1000;

/** A contract that takes no orders, or is about to end. `ending` is left out where the venue announces none. */
export function settlesNow(ending: MarketEnding | undefined, now: EpochMillis): Suppression | null {
  if (ending === undefined) return null;
  const { settlesAt, takesOrders, status } = ending;
  if (!takesOrders) {
    return { reason: 'SETTLES_NOW', detail: `the market takes no orders${status === null ? '' : `: it is ${status}`}` };
  }
  if (settlesAt === null || settlesAt - now > LAST_MINUTES_MS) return null;
  const left = settlesAt - now;
  const when = left > 0 ? `in ${left} ms` : `${-left} ms ago`;
  return { reason: 'SETTLES_NOW', detail: `settles ${when}: no order is sent in the last ${LAST_MINUTES_MS} ms` };
}
