import { sha256Of } from '../runtime/dead-letter.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { Topic } from '../../schemas/topics.ts';
import type { DeadLetter } from './dead-letter.ts';
import { recordAt } from './open-letters.ts';

/** The record that a letter is of: in the letter, or on its source topic where the letter is without its bytes. */
export type Original =
  { readonly kind: 'letter' | 'source'; readonly record: LogRecord } | { readonly kind: 'gone'; readonly why: string };

export async function originalOf(log: EventLog, topic: Topic, letter: DeadLetter): Promise<Original> {
  const { at, source, leftOut } = letter;
  if (leftOut === null) return { kind: 'letter', record: at };
  const gone = (why: string): Original => ({ kind: 'gone', why: `the letter is without its bytes, and ${why}` });
  if (source === null) return gone('its headers do not say where its record lies');
  const place = `${source.topic} ${source.partition}:${source.offset}`;
  const record = await recordAt(log, topic.name, source);
  if (record === null) return gone(`${place} is no longer there: retention has removed it`);
  const same =
    record.topic === source.topic &&
    (leftOut.value === null
      ? isEqual(record.value, at.value)
      : record.value !== null && sha256Of(record.value) === leftOut.value.sha256);
  return same ? { kind: 'source', record } : gone(`another record lies at ${place} now: its SHA-256 differs`);
}

function isEqual(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0;
}
