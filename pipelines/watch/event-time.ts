import type { EpochMillis } from '../../schemas/generated/records.ts';

/** The last moment that a Date can name (ECMA-262). A record may carry any whole number of milliseconds. */
const LAST_DATE_MS = 8.64e15;

/** ISO 8601 in UTC; the bare number of milliseconds where no date has it. `tail --from` takes both. */
export function formatEventTime(at: EpochMillis): string {
  return Math.abs(at) <= LAST_DATE_MS ? new Date(at).toISOString() : String(at);
}

/** To the minute, in UTC: `2026-01-01 16:50`. */
export function formatEventMinute(at: EpochMillis): string {
  return formatEventTime(at).slice(0, 16).replace('T', ' ');
}
