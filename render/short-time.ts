import { formatEventTime } from './event-time.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Where the next unit reads better. */
const MINUTES_UP_TO_MS = 2 * HOUR_MS;
const HOURS_UP_TO_MS = 72 * HOUR_MS;

/** YYYY-MM-DD in UTC; empty where no date has it. */
export function dateOf(at: number): string {
  const [date = '', time] = formatEventTime(at).split('T');
  return time === undefined ? '' : date;
}

/** HH:MM:SS in UTC; the bare milliseconds where no date has it. */
export function timeOf(at: number): string {
  const [whole = '', time] = formatEventTime(at).split('T');
  return time?.slice(0, 'HH:MM:SS'.length) ?? whole;
}

/** From a time to another; the end has a date of its own where it is another one. */
export function spanOf(from: number, to: number): string {
  if (dateOf(from) !== dateOf(to)) return `${timeOf(from)}–${dateOf(to)} ${timeOf(to)}`;
  return timeOf(from) === timeOf(to) ? timeOf(from) : `${timeOf(from)}–${timeOf(to)}`;
}

/** A length of time in three digits or so. */
export function lengthOf(ms: number): string {
  if (ms < SECOND_MS) return `${ms} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < MINUTES_UP_TO_MS) return `${(ms / MINUTE_MS).toFixed(1)} min`;
  if (ms < HOURS_UP_TO_MS) return `${(ms / HOUR_MS).toFixed(1)} h`;
  return `${(ms / (24 * HOUR_MS)).toFixed(1)} days`;
}

/** The time since the step before; clocks of others may differ, and then it says so instead of showing a negative one. */
export function sinceText(ms: number): string {
  return ms < 0 ? `(dated ${lengthOf(-ms)} earlier)` : `+${lengthOf(ms)}`;
}
