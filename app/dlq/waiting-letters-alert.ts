import {
  type Alert,
  type LetterWithoutBytes,
  deadLettersAlert,
  lettersWithoutBytesAlert,
} from '../../pipelines/watch/alerts.ts';
import { TOPICS, deadLetterTopicOf } from '../../schemas/topics.ts';
import type { ReadableTopics } from '../read-topic.ts';
import { deadLetterFrom } from './dead-letter.ts';
import { openLetters, readDiscarded } from './open-letters.ts';

/** Only letters that still wait: those that `dlq retry` put back, or a person has discarded, are nobody's concern any more. */
export async function waitingLettersAlerts({ log, codec }: ReadableTopics): Promise<readonly Alert[]> {
  const discarded = await readDiscarded(log, () => Promise.resolve(codec));
  const figures = [];
  const withoutBytes: LetterWithoutBytes[] = [];
  for (const topic of Object.values(TOPICS)) {
    let records = 0;
    let since = Infinity;
    for await (const letters of openLetters(log, topic.name, discarded)) {
      records += letters.length;
      for (const at of letters) {
        since = Math.min(since, at.timestamp);
        if (deadLetterFrom(at).leftOut === null) continue;
        withoutBytes.push({ topic: topic.name, partition: at.partition, offset: at.offset, since: at.timestamp });
      }
    }
    figures.push({ topic: deadLetterTopicOf(topic.name), records, since });
  }
  return [deadLettersAlert(figures), lettersWithoutBytesAlert(withoutBytes)].filter((alert) => alert !== null);
}
