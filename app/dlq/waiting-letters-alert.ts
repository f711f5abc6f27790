import { type Alert, deadLettersAlert } from '../../pipelines/watch/alerts.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { allTopicSpecs, isDeadLetterTopic } from '../../schemas/topics.ts';
import { openLetters } from './open-letters.ts';

/** Only letters that still wait: those that `dlq retry` put back are nobody's concern any more. */
export async function waitingLettersAlert(log: EventLog): Promise<Alert | null> {
  const figures = [];
  for (const { name } of allTopicSpecs()) {
    if (!isDeadLetterTopic(name)) continue;
    let records = 0;
    let since = Infinity;
    for await (const letters of openLetters(log, name)) {
      records += letters.length;
      for (const { timestamp } of letters) since = Math.min(since, timestamp);
    }
    figures.push({ topic: name, records, since });
  }
  return deadLettersAlert(figures);
}
