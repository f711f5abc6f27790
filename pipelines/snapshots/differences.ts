import type { EpochMillis } from '../../ports/clock.ts';
import type { IncompleteHolding, VenueHolding } from '../../ports/venue.ts';
import type { VenueDifference } from '../../schemas/generated/records.ts';
import { type History, type Known, LONGEST_REACH_DAYS } from './history.ts';

/** Positions under observation that the fills of a symbol do not explain. Pure. */
export function unexplainedDifferences(
  { unexplained }: History,
  holdings: readonly VenueHolding[],
  now: EpochMillis,
): readonly VenueDifference[] {
  return unexplained.map(({ position_id, side, agreed }): VenueDifference => {
    const shown = holdings.find((holding) => holding.side === side);
    const figures = {
      position_id,
      // SNA-9: what the fills said last, not what was observed without them since.
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

/** A position that the venue shows without all that a snapshot needs. */
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

/** A shown position that no fill opened, and that may still be explained by fills that are late. */
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

/** A position under observation whose opening nobody knows; it stands as long as the position is open. */
export function unprovenDifference({ position_id, side, initial_quantity, opened_at }: Known): VenueDifference {
  return {
    kind: 'OPENING_UNKNOWN',
    position_id,
    recorded_quantity: initial_quantity,
    venue_quantity: null,
    first_seen_at: opened_at,
    detail: `no fill that was read opened the ${side} (older ones are looked for, ${LONGEST_REACH_DAYS} days back); it counts as opened when the venue last changed it`,
  };
}

/** The differences of a symbol that stand. One that goes on keeps the time when it was first seen. */
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

  /** Whether the same difference stands already. */
  includes(difference: VenueDifference): boolean {
    return this.#standing.some((one) => keyOf(one) === keyOf(difference));
  }

  restore(standing: readonly VenueDifference[]): void {
    this.#standing = standing;
  }

  /** True when there is something new to say. */
  replace(found: readonly VenueDifference[]): boolean {
    const before = new Map(this.#standing.map((difference) => [keyOf(difference), difference]));
    const same = found.length === before.size && found.every((difference) => before.has(keyOf(difference)));
    if (!same) this.#standing = found.map((difference) => before.get(keyOf(difference)) ?? difference);
    return !same;
  }
}

/** What the schema allows. Unit: characters. */
const MAX_DETAIL = 2048;

function keyOf({ kind, position_id, recorded_quantity, venue_quantity }: VenueDifference): string {
  return JSON.stringify([kind, position_id, recorded_quantity, venue_quantity]);
}
