import type { CourseResult } from './course.ts';
import { type LongestHold, longer } from './hold-stretch.ts';

/** What one policy makes of all positions. */
export interface CourseTotals {
  /** Positions of which it closes any part. */
  readonly harvested: number;
  /** Positions that the other policy harvests, and of which this one never closes any part. */
  readonly neverClosed: number;
  /** Unit: milliseconds. */
  readonly openMs: number;
  readonly longestHold: LongestHold | null;
}

export const NO_COURSES: CourseTotals = { harvested: 0, neverClosed: 0, openMs: 0, longestHold: null };

/** One position under this policy, beside the same position under the other. */
export function totalsOf(course: CourseResult, other: CourseResult): CourseTotals {
  return {
    harvested: course.harvested ? 1 : 0,
    neverClosed: other.harvested && !course.harvested ? 1 : 0,
    openMs: course.openMs,
    longestHold: course.longestHold,
  };
}

export function addTotals(one: CourseTotals, next: CourseTotals): CourseTotals {
  return {
    harvested: one.harvested + next.harvested,
    neverClosed: one.neverClosed + next.neverClosed,
    openMs: one.openMs + next.openMs,
    longestHold: longer(one.longestHold, next.longestHold),
  };
}
