import type { Batch, LogRecord, ReadRange } from '../../ports/event-log.ts';
import { protocolType } from './broker-errors.ts';
import { LEADER_NOT_AVAILABLE, leaderOf, partitionsOf } from './cluster-metadata.ts';
import { recordsWithin } from './fetch-response.ts';
import { type Broker, type Cluster, READ_COMMITTED, errorOfCode } from './kafkajs-internals.ts';
import { boundsOf, offsetsOf } from './topic-offsets.ts';

/**
 * How much of a partition a fetch asks for, at first and at most. It grows only where a fetch of that size holds no whole
 * record: an empty record batch that compaction left, with a large one behind it. Unit: bytes.
 */
const FETCH_BYTES = 1024 * 1024;
const LARGEST_FETCH_BYTES = 64 * FETCH_BYTES;

/** Kafka's error where a leader does not know yet how far all copies are. */
const OFFSET_NOT_AVAILABLE = 78;

/** What is below the end is there already, so a fetch need not wait for it. Unit: milliseconds. */
const MAX_WAIT_MS = 100;

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

/** Asks the cluster, again where a leader has moved or a connection broke; throws errors of ours. */
export type AskCluster = <T>(work: (cluster: Cluster) => Promise<T>) => Promise<T>;

/**
 * Reads a topic between fixed offsets without a consumer group, one partition after the other. Memory: two fetches, the one
 * that is being used and the next, which is under way meanwhile.
 *
 * L6: the ends are the last stable offsets that stand at the call. A stretch ends there even where its last offsets hold no
 * record: transaction markers, or what compaction removed.
 */
export async function* readTopic(ask: AskCluster, topic: string, range: ReadRange): AsyncGenerator<Batch> {
  const stretches = await ask((cluster) => stretchesOf(cluster, topic, range));
  for (const stretch of stretches) yield* readStretch(ask, topic, stretch);
}

async function stretchesOf(cluster: Cluster, topic: string, range: ReadRange): Promise<readonly Stretch[]> {
  const wanted = range.partitions === undefined ? null : new Set(range.partitions);
  const partitions = (await partitionsOf(cluster, topic)).filter((one) => wanted === null || wanted.has(one));
  const bounds = await boundsOf(cluster, topic, partitions);
  return bounds.map(({ partition, begin, end }) => ({
    partition,
    begin: Math.max(range.from?.get(partition) ?? begin, begin),
    end,
  }));
}

async function* readStretch(ask: AskCluster, topic: string, stretch: Stretch): AsyncGenerator<Batch> {
  const { partition, begin, end } = stretch;
  const fetch = (from: number): Promise<Page> => ask((cluster) => fetchPage(cluster, topic, stretch, from));
  let coming = begin < end ? fetch(begin) : null;
  while (coming !== null) {
    const page: Page = await coming;
    coming = page.next < end ? fetch(page.next) : null;
    // The reader may leave before it looks at this one.
    coming?.catch(() => {});
    const last = page.records.at(-1);
    if (last !== undefined) yield { topic, partition, records: page.records, nextOffset: last.offset + 1 };
  }
}

async function fetchPage(cluster: Cluster, topic: string, stretch: Stretch, from: number): Promise<Page> {
  const { partition, end } = stretch;
  // This connection may never have been asked about the topic.
  await partitionsOf(cluster, topic);
  const leader = leaderOf(cluster, topic, partition);
  if (leader === null) throw errorOfCode(LEADER_NOT_AVAILABLE);
  const broker = await cluster.findBroker({ nodeId: String(leader) });
  try {
    return await fetchFrom(broker, topic, stretch, from);
  } catch (thrown) {
    if (protocolType(thrown) !== 'OFFSET_OUT_OF_RANGE') throw thrown;
    const begins = await offsetsOf(cluster, topic, [partition], 'begin');
    const next = begins.get(partition) ?? from;
    // The log ends before what was read: a leader that is behind for a moment.
    if (next <= from) throw errorOfCode(OFFSET_NOT_AVAILABLE);
    // Retention was faster than we: go on with the oldest that is kept.
    return { records: [], next: Math.min(next, end) };
  }
}

async function fetchFrom(broker: Broker, topic: string, { partition, end }: Stretch, from: number): Promise<Page> {
  const fetchOffset = String(from);
  for (let maxBytes = FETCH_BYTES; maxBytes <= LARGEST_FETCH_BYTES; maxBytes *= 2) {
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes }] }],
    });
    const fetched = responses.find(({ topicName }) => topicName === topic)?.partitions[0];
    // An answer that leaves the partition out, or is of a new leader that does not know yet how far all copies are, says nothing.
    if (fetched?.partition !== partition) throw errorOfCode(LEADER_NOT_AVAILABLE);
    if (Number(fetched.lastStableOffset) <= from) throw errorOfCode(OFFSET_NOT_AVAILABLE);
    const { messages } = fetched;
    if (messages.next === null) continue;
    return { records: recordsWithin(messages, from, end), next: Math.max(from + 1, messages.next) };
  }
  // Nothing from here on holds a record.
  return { records: [], next: end };
}
