/**
 * Finds the unit of a bare number of time since 1970 by its range. Programs write seconds, milliseconds, microseconds or
 * nanoseconds under the same name, and exporters change from one to another.
 *
 * SCH-26  A number has one unit at most: the ranges do not touch, for a moment between 1973 and 2100 in one unit lies far outside of
 *         these years in every other.
 * SCH-27  A number in no range is a moment that no record of trades can have. It has no unit, and is never taken for milliseconds.
 */
import type { EpochMillis } from './generated/records.ts';

/** How many of each make a second. */
const PER_SECOND = { seconds: 1, milliseconds: 1e3, microseconds: 1e6, nanoseconds: 1e9 } as const;

export type TimeUnit = keyof typeof PER_SECOND;
const TIME_UNITS = Object.keys(PER_SECOND) as readonly TimeUnit[];

/** 1973-03-03, long before the first exchange with an interface. Unit: milliseconds since 1970. */
const EARLIEST_MS = 1e11;

/** 2100-01-01. Unit: milliseconds since 1970. */
const LATEST_MS = 4_102_444_800_000;

interface Moment {
  readonly at: EpochMillis;
  readonly unit: TimeUnit;
}

/** The moment, to the millisecond; null for a number in no range (SCH-27). */
export function momentOf(value: number): Moment | null {
  for (const unit of TIME_UNITS) {
    const at = Math.round((value * PER_SECOND.milliseconds) / PER_SECOND[unit]);
    if (isPlausible(at)) return { at, unit };
  }
  return null;
}

/** Whether a record of trades can have this moment. */
export function isPlausible(at: EpochMillis): boolean {
  return at >= EARLIEST_MS && at < LATEST_MS;
}
