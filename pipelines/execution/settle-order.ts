import type { Clock } from '../../ports/clock.ts';
import type { Exchange, VenueOrder } from '../../ports/exchange.ts';
import type { ClientOrderId } from '../../schemas/generated/records.ts';
import type { ReasonOf } from './reasons.ts';

/** What became of an order that was or may have been sent. */
export type Settlement =
  | { readonly kind: 'done'; readonly order: VenueOrder }
  /** Never reached the venue, and never will. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'doubtful'; readonly reason: ReasonOf<'UNKNOWN'>; readonly detail: string };

/** A venue that fails to answer at the very end is asked a little longer, before the doubt stands. Unit: milliseconds. */
const LAST_WAITS_MS = [200, 200, 500, 500, 500];

/**
 * Asks for an order by its client id until the venue says how it ended, or the waits are used up. It never sends anything.
 * `accepted` is the order where the venue has confirmed it; null where it may not exist. One that `mayRest` is cancelled where it is found
 * open, whatever has become of an earlier try to: waiting would not end it.
 *
 * An absence counts only at the end of the waits, and only where the look-up before said the same: a request that was slow on its
 * way may still arrive, and a single answer may be wrong. An order that was seen and is absent later is not taken for unfilled:
 * somebody's answer was wrong.
 */
export async function settleOrder(
  exchange: Exchange,
  clock: Clock,
  waitsMs: readonly number[],
  clientOrderId: ClientOrderId,
  symbol: string,
  accepted: VenueOrder | null,
  mayRest = false,
): Promise<Settlement> {
  let seen = accepted;
  if (seen?.state === 'DONE') return { kind: 'done', order: seen };
  let settlement: Settlement = { kind: 'absent' };
  let absences = 0;
  let left = seen === null ? waitsMs.length + 1 : waitsMs.length;
  for (const wait of [...(seen === null ? [0] : []), ...waitsMs, ...LAST_WAITS_MS]) {
    if (left <= 0 && !isUnanswered(settlement)) break;
    left -= 1;
    if (wait > 0) await clock.sleep(wait);
    const answer = await exchange.lookUp(clientOrderId, symbol);
    absences = answer.kind === 'absent' ? absences + 1 : 0;
    switch (answer.kind) {
      case 'found':
        if (answer.order.state === 'DONE') return { kind: 'done', order: answer.order };
        seen = answer.order;
        if (mayRest) await exchange.cancel(clientOrderId, symbol);
        settlement = {
          kind: 'doubtful',
          reason: 'STILL_OPEN',
          detail: `order ${seen.orderId} is open with ${seen.filledQuantity} filled`,
        };
        break;
      case 'absent':
        settlement = absenceOf(seen, absences);
        break;
      case 'unavailable':
        settlement = { kind: 'doubtful', reason: 'NO_ANSWER', detail: answer.message };
        break;
    }
  }
  return settlement;
}

function isUnanswered(settlement: Settlement): boolean {
  return settlement.kind === 'doubtful' && settlement.reason === 'NO_ANSWER';
}

function absenceOf(seen: VenueOrder | null, absences: number): Settlement {
  if (seen !== null) {
    return { kind: 'doubtful', reason: 'ORDER_VANISHED', detail: `order ${seen.orderId} was there before` };
  }
  return absences > 1
    ? { kind: 'absent' }
    : { kind: 'doubtful', reason: 'NO_ANSWER', detail: 'the venue denied the order once, and did not answer before' };
}
