/** How fills and venue can disagree about a symbol, each as a VenueDifference record, and which of them stand. */
import type { EpochMillis } from '../../ports/clock.ts';
import type { IncompleteHolding, VenueHolding } from '../../ports/venue.ts';
import type { VenueDifference } from '../../schemas/generated/records.ts';
import { LONGEST_REACH_DAYS } from './fill-history.ts';
import type { FillMatch, KnownPosition } from './match-fills.ts';

/** Positions under observation that the fills do not explain. */
export function unexplainedDifferences(
  { unexplained }: FillMatch,
  holdings: readonly VenueHolding[],
  now: EpochMillis,
): readonly VenueDifference[] {
  return unexplained.map(({ position_id, side, agreed }): VenueDifference => {
    const shown = holdings.find((holding) => holding.side === side);
    const figures = {
      position_id,
      // SNA-9: the size that the fills last agreed on, not one that was observed without them since.
      recorded_quantity: agreed.quantity,
      venue_quantity: shown === undefined ? null : Number(shown.quantity),
      first_seen_at: now,
    };
    return shown === undefined
      ? {
          ...figures,
          kind: 'NOT_SHOWN',
          detail: `${position_id} is not shown by the venue, and no fill closed it`,
        }
      : {
          ...figures,
          kind: 'FILLS_DISAGREE',
          detail: `the fills of ${position_id} do not add up to the ${shown.quantity} that the venue shows`,
        };
  });
}

/** A position that the venue shows only in part. */
export function incompleteDifference(shown: IncompleteHolding, now: EpochMillis): VenueDifference {
  const { symbol, side, quantity, entryPrice, lacks } = shown;
  const known = [side ?? 'a position', ...(quantity === null ? [] : [`of ${quantity}`])].join(' ');
  const entry = entryPrice === null ? '' : ` entered at ${entryPrice}`;
  return {
    kind: 'NO_ANSWER',
    position_id: null,
    recorded_quantity: null,
    venue_quantity: quantity === null ? null : Number(quantity),
    first_seen_at: now,
    detail:
      `the venue shows ${symbol}, ${known}${entry}, without ${lacks}: it is neither observed nor closed until that is there`.slice(
        0,
        MAX_DETAIL,
      ),
  };
}

/** A holding that no fill opened. Late fills may still open it. */
export function unopenedDifference({ side, quantity }: VenueHolding, now: EpochMillis): VenueDifference {
  return {
    kind: 'OPENING_UNKNOWN',
    position_id: null,
    recorded_quantity: null,
    venue_quantity: Number(quantity),
    first_seen_at: now,
    detail: `no fill of the last ${LONGEST_REACH_DAYS} days opened the ${side} of ${quantity}`,
  };
}

/** Whether it is one of `unopenedDifference`: nothing has been observed of the position yet. */
export function isAwaited({ kind, position_id }: VenueDifference): boolean {
  return kind === 'OPENING_UNKNOWN' && position_id === null;
}

/** A position under observation without a known opening. It stands for as long as the position is open. */
export function unknownOpeningDifference({
  position_id,
  side,
  initial_quantity,
  opened_at,
}: KnownPosition): VenueDifference {
  return {
    kind: 'OPENING_UNKNOWN',
    position_id,
    recorded_quantity: initial_quantity,
    venue_quantity: null,
    first_seen_at: opened_at,
    detail: `no fill that was read opened the ${side} (older ones are looked for, ${LONGEST_REACH_DAYS} days back); it counts as opened when the venue last changed it`,
  };
}

/** The differences of a symbol that stand. One that persists keeps the time at which it was first seen. */
export class DifferenceList {
  #standing: readonly VenueDifference[] = [];

  static noAnswer(why: string, now: EpochMillis): VenueDifference {
    return {
      kind: 'NO_ANSWER',
      position_id: null,
      recorded_quantity: null,
      venue_quantity: null,
      first_seen_at: now,
      detail: why.slice(0, MAX_DETAIL).toWellFormed() || 'no answer',
    };
  }

  get standing(): readonly VenueDifference[] {
    return this.#standing;
  }

  get isEmpty(): boolean {
    return this.#standing.length === 0;
  }

  restore(standing: readonly VenueDifference[]): void {
    this.#standing = standing;
  }

  /** Makes these the standing differences. True where they are not the same as before. */
  replace(found: readonly VenueDifference[]): boolean {
    const before = new Map(this.#standing.map((difference) => [keyOf(difference), difference]));
    const same = found.length === before.size && found.every((difference) => before.has(keyOf(difference)));
    if (!same) this.#standing = found.map((difference) => before.get(keyOf(difference)) ?? difference);
    return !same;
  }
}

/** The schema's bound. Unit: characters. */
const MAX_DETAIL = 2048;

function keyOf({ kind, position_id, recorded_quantity, venue_quantity }: VenueDifference): string {
  return JSON.stringify([kind, position_id, recorded_quantity, venue_quantity]);
}
