import type { Assigned, EventLog, SubscribeOptions } from '../../ports/event-log.ts';
import { type TopicName, deadLetterTopicOf } from '../../schemas/topics.ts';
import { DEAD_LETTER_HEADERS } from './dead-letter.ts';
import type { IsProcessed, Processor } from './processor.ts';

export interface ProcessedOptions {
  readonly processor: Processor;
  /** The processor's name where left out. */
  readonly group?: string;
  readonly log: EventLog;
  readonly from?: SubscribeOptions['from'];
}

/**
 * What a group has processed of the inputs that a member is given: what it has committed and not set aside. Nothing where it starts at the
 * latest: it never saw what lies before.
 */
export async function processedIn(
  { processor, group, log, from }: ProcessedOptions,
  assigned: Assigned,
): Promise<IsProcessed> {
  if (from === 'latest') return () => false;
  const committed = new Map<TopicName, ReadonlyMap<number, number>>();
  const aside = new Map<TopicName, ReadonlySet<string>>();
  for (const { name } of processor.inputs) {
    committed.set(name, await log.committed(group ?? processor.name, name));
    aside.set(name, await setAsideOf(log, name));
  }
  return ({ partition, offset }, topic) =>
    assigned[topic]?.includes(partition) === true &&
    offset < (committed.get(topic)?.get(partition) ?? 0) &&
    aside.get(topic)?.has(`${partition}:${offset}`) !== true;
}

/** Where the records of a topic lie that have a dead letter: `partition:offset`. */
async function setAsideOf(log: EventLog, topic: TopicName): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for await (const { records } of log.read(deadLetterTopicOf(topic))) {
    for (const { headers } of records) {
      const text = (wanted: string): string =>
        Buffer.from(headers.findLast(([name]) => name === wanted)?.[1] ?? []).toString();
      places.add(`${text(DEAD_LETTER_HEADERS.partition)}:${text(DEAD_LETTER_HEADERS.offset)}`);
    }
  }
  return places;
}
