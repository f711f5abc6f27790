import type { Batch, LogRecord, ReadRange } from '../../ports/event-log.ts';
import { isAway, logError, protocolType } from './broker-errors.ts';
import { recordsWithin } from './fetch-response.ts';
import { type Cluster, READ_COMMITTED } from './kafkajs-internals.ts';
import { offsetsOf, partitionsOf } from './topic-offsets.ts';

/**
 * How much of a partition a fetch asks for, at first and at most. It grows only where a fetch of that size holds no whole
 * record: an empty record batch that compaction left, with a large one behind it. Unit: bytes.
 */
const FETCH_BYTES = 1024 * 1024;
const LARGEST_FETCH_BYTES = 64 * FETCH_BYTES;

/** What is below the end is there already, so a fetch need not wait for it. Unit: milliseconds. */
const MAX_WAIT_MS = 100;

/** How often a fetch is tried again, with new metadata, where a leader changed or a connection broke. */
const TRIES = 3;

/** A stretch of one partition. */
interface Stretch {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** A part of the stretch: its records, and where the next fetch starts. */
interface Page {
  readonly records: readonly LogRecord[];
  readonly next: number;
}

/**
 * Reads a topic between fixed offsets without a consumer group, one partition after the other. Memory: two fetches, the one
 * that is being used and the next, which is under way meanwhile.
 *
 * L6: the ends are the last stable offsets that stand at the call. A stretch ends there even where its last offsets hold no
 * record: transaction markers, or what compaction removed.
 */
export async function* readTopic(cluster: Cluster, topic: string, range: ReadRange): AsyncGenerator<Batch> {
  for (const stretch of await stretchesOf(cluster, topic, range)) yield* readStretch(cluster, topic, stretch);
}

async function stretchesOf(cluster: Cluster, topic: string, range: ReadRange): Promise<readonly Stretch[]> {
  const wanted = range.partitions === undefined ? null : new Set(range.partitions);
  const partitions = (await partitionsOf(cluster, topic)).filter((one) => wanted === null || wanted.has(one));
  const ends = await offsetsOf(cluster, topic, partitions, 'end');
  const begins = await offsetsOf(cluster, topic, partitions, 'begin');
  return partitions.map((partition) => {
    const begin = begins.get(partition) ?? 0;
    return { partition, begin: Math.max(range.from?.get(partition) ?? begin, begin), end: ends.get(partition) ?? 0 };
  });
}

async function* readStretch(cluster: Cluster, topic: string, stretch: Stretch): AsyncGenerator<Batch> {
  const { partition, begin, end } = stretch;
  let coming = begin < end ? fetchAgain(cluster, topic, stretch, begin) : null;
  while (coming !== null) {
    const page: Page = await coming;
    coming = page.next < end ? fetchAgain(cluster, topic, stretch, page.next) : null;
    // The reader may leave before it looks at this one.
    coming?.catch(() => {});
    const last = page.records.at(-1);
    if (last !== undefined) yield { topic, partition, records: page.records, nextOffset: last.offset + 1 };
  }
}

async function fetchAgain(cluster: Cluster, topic: string, stretch: Stretch, from: number): Promise<Page> {
  for (let left = TRIES; ; left--) {
    try {
      return await fetchPage(cluster, topic, stretch, from);
    } catch (thrown) {
      if (protocolType(thrown) === 'OFFSET_OUT_OF_RANGE') {
        // Retention was faster than we: go on with the oldest that is kept.
        const begins = await offsetsOf(cluster, topic, [stretch.partition], 'begin');
        return { records: [], next: Math.max(from, begins.get(stretch.partition) ?? from) };
      }
      if (!isAway(thrown) || left === 0) throw thrown;
      await cluster.refreshMetadata();
    }
  }
}

async function fetchPage(cluster: Cluster, topic: string, { partition, end }: Stretch, from: number): Promise<Page> {
  const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  const broker = await cluster.findBroker({ nodeId: leader ?? '' });
  const fetchOffset = String(from);
  for (let maxBytes = FETCH_BYTES; maxBytes <= LARGEST_FETCH_BYTES; maxBytes *= 2) {
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes }] }],
    });
    const fetched = responses[0]?.partitions[0]?.messages;
    if (fetched === undefined || fetched.next === null) continue;
    return { records: recordsWithin(fetched, from, end), next: Math.max(from + 1, fetched.next) };
  }
  // Nothing from here on holds a record.
  return { records: [], next: end };
}

/** As `readTopic`, with what kafkajs throws as errors of ours. */
export async function* readTopicOrExplain(
  cluster: Cluster,
  topic: string,
  range: ReadRange,
  onAway: () => void,
): AsyncGenerator<Batch> {
  try {
    yield* readTopic(cluster, topic, range);
  } catch (thrown) {
    onAway();
    throw logError(thrown, `reading ${topic}`, topic);
  }
}
