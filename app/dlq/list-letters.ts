import type { EpochMillis } from '../../ports/clock.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import { deadLetterTopicOf, type Topic } from '../../schemas/topics.ts';
import { deadLetterFrom, type Place } from './dead-letter.ts';
import { openLetters } from './open-letters.ts';

/** The open letters of one dead-letter topic that were refused for one reason. */
export interface LetterGroup {
  /** The topic that the records came from, and go back to. */
  readonly topic: string;
  /** The error code; null where a letter has none. */
  readonly code: string | null;
  readonly count: number;
  /** The oldest and the latest of the records' own timestamps. */
  readonly first: EpochMillis;
  readonly last: EpochMillis;
  /** The letter read last, to look at with `dlq show`. */
  readonly example: Place & {
    readonly key: string | null;
    readonly source: Place | null;
    readonly message: string | null;
    readonly retries: number;
  };
}

/** Groups the open letters of these topics by topic and code. Memory: a group each, and a number a retried letter. */
export async function listLetters(log: EventLog, topics: readonly Topic[]): Promise<readonly LetterGroup[]> {
  const groups: LetterGroup[] = [];
  for (const { name } of topics) {
    const byCode = new Map<string | null, LetterGroup>();
    for await (const letters of openLetters(log, deadLetterTopicOf(name))) {
      for (const at of letters) add(byCode, name, at);
    }
    groups.push(...byCode.values());
  }
  return groups;
}

function add(byCode: Map<string | null, LetterGroup>, topic: string, at: LogRecord): void {
  const { code, source, message, retries } = deadLetterFrom(at);
  const group = byCode.get(code);
  const key = at.key === null ? null : Buffer.from(at.key).toString('utf8');
  byCode.set(code, {
    topic,
    code,
    count: (group?.count ?? 0) + 1,
    first: Math.min(group?.first ?? Infinity, at.timestamp),
    last: Math.max(group?.last ?? -Infinity, at.timestamp),
    example: { topic: at.topic, partition: at.partition, offset: at.offset, key, source, message, retries },
  });
}
