import {
  type Alert,
  type LetterWithoutBytes,
  type NeverReadFigures,
  deadLettersAlert,
  lettersWithoutBytesAlert,
  recordsNeverReadAlert,
} from '../alerts/alerts.ts';
import { TOPICS, type TopicName, deadLetterTopicOf } from '../../schemas/topics.ts';
import type { ReadableTopics } from '../runtime/read-topic.ts';
import { type DeadLetter, deadLetterFrom } from './dead-letter.ts';
import { openLetters, readDiscarded } from './open-letters.ts';

export interface WaitingLetters {
  readonly alerts: readonly Alert[];
  /** What groups never read, as far as nobody has seen it: each stretch once. */
  readonly neverRead: readonly NeverReadFigures[];
}

/** Only letters that still wait: those that `dlq retry` put back, or a person has discarded, are nobody's concern any more. */
export async function waitingLetters({ log, codec }: ReadableTopics): Promise<WaitingLetters> {
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  const figures = [];
  const withoutBytes: LetterWithoutBytes[] = [];
  const neverRead = new Map<string, NeverReadFigures>();
  for (const topic of Object.values(TOPICS)) {
    let records = 0;
    let since = Infinity;
    for await (const letters of openLetters(log, topic.name, discarded)) {
      records += letters.length;
      for (const at of letters) {
        since = Math.min(since, at.timestamp);
        const letter = deadLetterFrom(at);
        const stretch = neverReadOf(topic.name, letter);
        if (stretch !== null) neverRead.set(stretchOf(stretch), neverRead.get(stretchOf(stretch)) ?? stretch);
        if (letter.leftOut === null) continue;
        withoutBytes.push({ topic: topic.name, partition: at.partition, offset: at.offset, since: at.timestamp });
      }
    }
    figures.push({ topic: deadLetterTopicOf(topic.name), records, since });
  }
  const stretches = [...neverRead.values()];
  const alerts = [
    deadLettersAlert(figures),
    lettersWithoutBytesAlert(withoutBytes),
    recordsNeverReadAlert(stretches),
  ].filter((alert) => alert !== null);
  return { alerts, neverRead: stretches };
}

/** What the letter says was never read; null for a letter of a record. */
export function neverReadOf(topic: TopicName, { at, neverRead }: DeadLetter): NeverReadFigures | null {
  if (neverRead === null) return null;
  const { group, partition, offset: from, to } = neverRead;
  return { group, topic, partition, from, to, since: at.timestamp };
}

/** The same for two letters of one loss: a member that died before it went on leaves one, and its successor another. */
export function stretchOf({ group, topic, partition, from, to }: NeverReadFigures): string {
  return JSON.stringify([group, topic, partition, from, to]);
}
