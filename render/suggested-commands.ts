import { formatEventTime } from './event-time.ts';

/** Text that every shell takes for one word. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** The years that ISO 8601 writes with four digits; for others `tail --from` takes a number. */
const FIRST_ISO_MS = Date.parse('0000-01-01T00:00:00Z');
const LAST_ISO_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** The largest number that `tail --from` takes, of fifteen digits; later records come after it. */
const LAST_TAIL_MS = 999_999_999_999_999;

/** Text quoted as one word of a shell. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command that shows a topic from a time on. */
export function tailFrom(topic: string, since: number): string {
  return `harvestline tail ${topic} --from ${startOf(since)} --json`;
}

/** The command that explains a position or an intent. */
export function explainOf(id: string): string {
  return `harvestline explain ${shellWord(id)}`;
}

function startOf(since: number): string {
  if (since < FIRST_ISO_MS) return 'beginning';
  return since > LAST_ISO_MS ? String(Math.min(since, LAST_TAIL_MS)) : formatEventTime(since);
}
