/** The last moment that a Date can name (ECMA-262). A record may carry any whole number of milliseconds. */
const LAST_DATE_MS = 8.64e15;

/** ISO 8601 in UTC; the number of milliseconds where no date has it. `tail --from` takes both. */
export function formatEventTime(at: number): string {
  return Math.abs(at) <= LAST_DATE_MS ? new Date(at).toISOString() : String(at);
}

/** To the minute, in UTC: `2026-01-01 16:50`. */
export function formatEventMinute(at: number): string {
  return formatEventTime(at).slice(0, 16).replace('T', ' ');
}

/** To the second, in UTC: `2026-01-01 16:50:07`. */
export function formatEventSecond(at: number): string {
  return formatEventTime(at).slice(0, 19).replace('T', ' ');
}

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads an ISO 8601 date or time; null for anything else, the 30th of February included. Without a zone it is UTC: what a text means must
 * not depend on the machine.
 */
export function parseEventTime(text: string): number | null {
  const [, date, time = '00:00', zone = 'Z'] = ISO_TIME.exec(text) ?? [];
  if (date === undefined || !isDate(date)) return null;
  const colon = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const at = Date.parse(`${date}T${time}${colon}`);
  return Number.isNaN(at) ? null : at;
}

/** Date.parse takes the 30th of February for a day of March. */
function isDate(text: string): boolean {
  const at = Date.parse(`${text}T00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const MINUTE_S = MINUTE_MS / SECOND_MS;
const HOUR_S = HOUR_MS / SECOND_MS;
const DAY_S = 24 * HOUR_S;

/** Up to these, minutes and hours read better than the next unit. */
const MINUTES_UP_TO_MS = 2 * HOUR_MS;
const HOURS_UP_TO_MS = 72 * HOUR_MS;

/** YYYY-MM-DD in UTC; empty where no date has it. */
export function dateOf(at: number): string {
  const [date = '', time] = formatEventTime(at).split('T');
  return time === undefined ? '' : date;
}

/** HH:MM:SS in UTC; the number of milliseconds where no date has it. */
export function timeOf(at: number): string {
  const [whole = '', time] = formatEventTime(at).split('T');
  return time?.slice(0, 'HH:MM:SS'.length) ?? whole;
}

/** From one time to another; with the date of the end where it differs. */
export function spanOf(from: number, to: number): string {
  if (dateOf(from) !== dateOf(to)) return `${timeOf(from)}–${dateOf(to)} ${timeOf(to)}`;
  return timeOf(from) === timeOf(to) ? timeOf(from) : `${timeOf(from)}–${timeOf(to)}`;
}

/** A duration in about three digits. */
export function durationText(ms: number): string {
  if (ms < SECOND_MS) return `${ms} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < MINUTES_UP_TO_MS) return `${(ms / MINUTE_MS).toFixed(1)} min`;
  if (ms < HOURS_UP_TO_MS) return `${(ms / HOUR_MS).toFixed(1)} h`;
  return `${(ms / (24 * HOUR_MS)).toFixed(1)} days`;
}

/** A duration in its two largest units that are not 0, to the second: `7 s`, `5 min`, `6 h 36 s`, `2 days 3 h`. */
export function durationWords(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / SECOND_MS);
  const days = Math.floor(seconds / DAY_S);
  const parts = [
    days === 0 ? '' : `${days} ${days === 1 ? 'day' : 'days'}`,
    unitText(Math.floor((seconds % DAY_S) / HOUR_S), 'h'),
    unitText(Math.floor((seconds % HOUR_S) / MINUTE_S), 'min'),
    unitText(seconds % MINUTE_S, 's'),
  ];
  return parts
    .filter((part) => part !== '')
    .slice(0, 2)
    .join(' ');
}

function unitText(value: number, unit: string): string {
  return value === 0 ? '' : `${value} ${unit}`;
}

/** The time since the step before. Where clocks differ it may be negative, and is written as a time earlier. */
export function sinceText(ms: number): string {
  return ms < 0 ? `(dated ${durationText(-ms)} earlier)` : `+${durationText(ms)}`;
}

/** An age of which the order of magnitude matters: `7 min`, `3.2 h`, `4.1 d`. */
export function ageText(ms: number): string {
  if (ms < MINUTES_UP_TO_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < HOURS_UP_TO_MS) return `${(ms / HOUR_MS).toFixed(1)} h`;
  return `${(ms / (24 * HOUR_MS)).toFixed(1)} d`;
}
