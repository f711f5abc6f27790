/**
 * Times as recorders write them: numbers of some unit since 1970, or ISO 8601 with or without a zone.
 */
import type { EpochMillis } from '../../schemas/generated/records.ts';
import { type TimeUnit, isPlausible, momentOf } from '../../schemas/time-unit.ts';
import { parseEventTime } from '../../render/event-time.ts';

/** How a recorder wrote a time: a number of a unit, ISO 8601, or ISO 8601 that names no zone. */
export type TimeForm = TimeUnit | 'iso' | 'iso_without_zone';

type RecordedTime =
  | { readonly ok: true; readonly at: EpochMillis; readonly form: TimeForm; readonly ambiguous: boolean }
  | { readonly ok: false; readonly why: string };

const ISO_DATE = /^\d{4}-\d{2}-\d{2}/;

const NUMBER = /^\d{8,20}(?:\.\d+)?$/;

const NAMES_A_ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A time as recorders write it. A number's unit is found by its range; a time that names no zone is one of `zone`. What no calendar and
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

/** A time zone of the IANA database, or an offset such as +02:00. */
export interface TimeZone {
  readonly name: string;
  /** How far its clocks are ahead of UTC at a moment. Unit: milliseconds. */
  offsetAt(at: EpochMillis): number;
}

export const UTC: TimeZone = { name: 'UTC', offsetAt: () => 0 };

/** Clocks are changed at most once in it. Unit: milliseconds. */
const DAY_MS = 86_400_000;

const MS_PER_SECOND = 1000;

const LONG_OFFSET = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

/** Throws RangeError for a name that there is not. */
export function timeZoneOf(name: string): TimeZone {
  const format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' });
  return {
    name,
    offsetAt: (at) => {
      const text = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
      const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] = LONG_OFFSET.exec(text) ?? [];
      const ahead = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * MS_PER_SECOND;
      return sign === '-' ? -ahead : ahead;
    },
  };
}

/**
 * The first and the last moment at which clocks in `zone` show a time: two where clocks went back over it, none where they went forward
 * over it. `wall` is the time shown, as if it were UTC.
 */
function instantsOf(wall: EpochMillis, zone: TimeZone): readonly [EpochMillis, EpochMillis] | readonly [] {
  const offsets = [zone.offsetAt(wall - DAY_MS), zone.offsetAt(wall + DAY_MS)];
  const shown = offsets.map((offset) => wall - offset).filter((at) => at + zone.offsetAt(at) === wall);
  return shown.length === 0 ? [] : [Math.min(...shown), Math.max(...shown)];
}
