import { formatEventTime } from './event-time.ts';

/** What no shell takes for anything but a word. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** The years that ISO 8601 writes with four digits; `tail --from` takes a number for later ones. */
const FIRST_ISO_MS = Date.parse('0000-01-01T00:00:00Z');
const LAST_ISO_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Of fifteen digits, the most that `tail --from` takes; what is later than that comes after it. */
const LAST_TAIL_MS = 999_999_999_999_999;

/** One word of a command, as a shell reads it back. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command that shows a topic from `since` on. */
export function tailFrom(topic: string, since: number): string {
  return `harvestline tail ${topic} --from ${startOf(since)} --json`;
}

/** The command that tells all of a position or an intent. */
export function explainOf(id: string): string {
  return `harvestline explain ${shellWord(id)}`;
}

function startOf(since: number): string {
  if (since < FIRST_ISO_MS) return 'beginning';
  return since > LAST_ISO_MS ? String(Math.min(since, LAST_TAIL_MS)) : formatEventTime(since);
}
