import type { EpochMillis } from '../../schemas/generated/records.ts';

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
export function instantsOf(wall: EpochMillis, zone: TimeZone): readonly [EpochMillis, EpochMillis] | readonly [] {
  const offsets = [zone.offsetAt(wall - DAY_MS), zone.offsetAt(wall + DAY_MS)];
  const shown = offsets.map((offset) => wall - offset).filter((at) => at + zone.offsetAt(at) === wall);
  return shown.length === 0 ? [] : [Math.min(...shown), Math.max(...shown)];
}
