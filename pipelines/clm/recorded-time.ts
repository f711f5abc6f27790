import type { EpochMillis } from '../../schemas/generated/records.ts';
import { type TimeUnit, isPlausible, momentOf } from '../../schemas/time-unit.ts';
import { parseEventTime } from '../../render/event-time.ts';
import { type TimeZone, instantsOf } from './time-zone.ts';

/** How a recorder wrote a time: a number of a unit, ISO 8601, or ISO 8601 that names no zone. */
export type TimeForm = TimeUnit | 'iso' | 'iso_without_zone';

export type RecordedTime =
  | { readonly ok: true; readonly at: EpochMillis; readonly form: TimeForm; readonly ambiguous: boolean }
  | { readonly ok: false; readonly why: string };

const ISO_DATE = /^\d{4}-\d{2}-\d{2}/;

const NUMBER = /^\d{8,20}(?:\.\d+)?$/;

const NAMES_A_ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A time as recorders write it. A number's unit is told by its range; a time that names no zone is one of `zone`. What no calendar and
 * no recorder has is refused: a 30th of February, an hour that a zone skips, the year 57978.
 */
export function parseRecordedTime(value: number | string, zone: TimeZone): RecordedTime {
  if (typeof value === 'number') return timeOfNumber(value, String(value));
  const text = value.trim();
  if (NUMBER.test(text)) return timeOfNumber(Number(text), text);
  const at = parseEventTime(text);
  if (at === null) return { ok: false, why: whyNoTime(text) };
  const naive = !NAMES_A_ZONE.test(text);
  const [earliest, latest] = naive ? instantsOf(at, zone) : [at, at];
  if (earliest === undefined)
    return { ok: false, why: `${text} is no time in ${zone.name}: clocks went forward over it` };
  if (!isPlausible(earliest)) return { ok: false, why: `${text} is a moment that no recorder can have` };
  return { ok: true, at: earliest, form: naive ? 'iso_without_zone' : 'iso', ambiguous: earliest !== latest };
}

function timeOfNumber(value: number, text: string): RecordedTime {
  const moment = momentOf(value);
  if (moment !== null) return { ok: true, at: moment.at, form: moment.unit, ambiguous: false };
  return {
    ok: false,
    why: `${text} is a moment that no recorder can have: neither seconds nor milliseconds, microseconds or nanoseconds since 1970 give a time between 1973 and 2100`,
  };
}

function whyNoTime(text: string): string {
  const [date] = ISO_DATE.exec(text) ?? [];
  if (date !== undefined && parseEventTime(date) === null) return `${date} is no day of the calendar`;
  return `must be ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970, found ${JSON.stringify(text.slice(0, 40))}`;
}
