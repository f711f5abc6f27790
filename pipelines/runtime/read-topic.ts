import { isKind } from '../../errors/harvestline-error.ts';
import type { Batch, EventLog, LogRecord, PartitionOffsets, ReadRange } from '../../ports/event-log.ts';
import type { RecordByTopic } from '../../schemas/generated/records.ts';
import type { RecordCodec } from '../../schemas/record-codec.ts';
import type { TopicName } from '../../schemas/topics.ts';

/** What a reader of topics needs. */
export interface ReadableTopics {
  readonly log: EventLog;
  readonly codec: RecordCodec;
}

/** Fetches the writers' schemas that a batch needs. */
export function prepareBatch(codec: RecordCodec, topic: TopicName, batch: Batch): Promise<void> {
  return codec.prepare(topic, batch.records);
}

/** The record; null where it is poison. Its batch was prepared. */
export function decodedOrNull<N extends TopicName>(
  codec: RecordCodec,
  topic: N,
  at: LogRecord,
): RecordByTopic[N] | null {
  try {
    return codec.decode(topic, at);
  } catch (error) {
    if (!isKind(error, 'poison')) throw error;
    return null;
  }
}

/** Where a topic ends: what is appended later is left out. */
export type Ends = ReadonlyMap<number, number>;

/** A stretch of a topic; the end that stands when it is read where `ends` are left out. */
export type VisitRange = ReadRange & { readonly ends?: Ends | undefined };

/** The ends of `topics` as they stand now, taken in the order given. */
export async function endsOf(
  log: Pick<EventLog, 'offsets'>,
  topics: readonly TopicName[],
): Promise<ReadonlyMap<TopicName, Ends>> {
  const ends = new Map<TopicName, Ends>();
  for (const topic of topics) {
    const offsets = await log.offsets(topic);
    ends.set(topic, new Map(offsets.map(({ partition, end }) => [partition, end])));
  }
  return ends;
}

/**
 * Calls `visit` with each decoded record of a stretch of `topic`, in constant memory, one partition after the other.
 * `onBatch` with the number of records after each batch. Returns how many records did not decode; they are passed over.
 */
export async function visitTopic<N extends TopicName>(
  { log, codec }: ReadableTopics,
  topic: N,
  { ends, ...range }: VisitRange,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
  onBatch?: (records: number) => void,
): Promise<number> {
  let undecodable = 0;
  const unfinished = new Set(ends?.keys());
  for await (const batch of log.read(topic, range)) {
    await prepareBatch(codec, topic, batch);
    const end = ends?.get(batch.partition) ?? Infinity;
    for (const at of batch.records) {
      if (at.offset >= end) break;
      const record = decodedOrNull(codec, topic, at);
      if (record === null) undecodable += 1;
      else visit(record, at);
    }
    onBatch?.(batch.records.length);
    if (batch.nextOffset < end) continue;
    unfinished.delete(batch.partition);
    // What lies beyond the ends need not be read.
    if (unfinished.size === 0) break;
  }
  return undecodable;
}

/** The same for one partition between two offsets. */
export async function visitRange<N extends TopicName>(
  topics: ReadableTopics,
  topic: N,
  { partition, begin, end }: PartitionOffsets,
  visit: (record: RecordByTopic[N], at: LogRecord) => void,
  onBatch?: (records: number) => void,
): Promise<number> {
  if (begin >= end) return 0;
  const range = { from: new Map([[partition, begin]]), partitions: [partition], ends: new Map([[partition, end]]) };
  return visitTopic(topics, topic, range, visit, onBatch);
}
