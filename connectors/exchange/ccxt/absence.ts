import { VenueRefusal } from './venue-refusal.ts';

/** Codes by which exchanges say that they have no such order. */
const ABSENT_CODES: ReadonlySet<string> = new Set(['-2013']);

/** Whether the exchange said, in so many words, that there is no such order. Everything else is no answer. */
export function isAbsent(thrown: unknown): boolean {
  return thrown instanceof VenueRefusal && (thrown.absent || (thrown.code !== null && ABSENT_CODES.has(thrown.code)));
}

/** Codes by which exchanges say that an order which is to be cancelled does not rest: it has ended, or never came. */
const NOT_RESTING_CODES: ReadonlySet<string> = new Set(['-2011']);

export function isNotResting(thrown: unknown): boolean {
  return thrown instanceof VenueRefusal && thrown.code !== null && NOT_RESTING_CODES.has(thrown.code);
}
